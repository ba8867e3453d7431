"""Polling: what to ask Rally, when, within which limits, and what an answer changes."""
