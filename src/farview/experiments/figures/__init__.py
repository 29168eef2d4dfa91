"""The paper's figures of one's own networks, for print: the verb `farview figures`."""
