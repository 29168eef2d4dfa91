"""Backbones that return their stage outputs, temporal attention, the action network, the model file."""
