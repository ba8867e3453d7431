"""Pushes, and rules for imports that nobody registered."""
