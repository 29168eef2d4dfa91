"""The other methods of Table V, on the same data, training and evaluation."""
