"""Farview recognises what people do in video of about 12x16 pixels."""

__version__ = "0.1.0"
