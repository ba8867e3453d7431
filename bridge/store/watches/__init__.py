"""Watches: accepting, reading and ending them, and what is kept about their ends."""
