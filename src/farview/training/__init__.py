"""Recipes, phases, checkpoints, metrics."""
