"""Metrics: one list of all of them, the counts of this process, and what is made from the list."""
