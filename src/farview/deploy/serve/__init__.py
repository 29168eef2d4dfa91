"""The verb `farview serve`: a web page and an HTTP API for one model."""
