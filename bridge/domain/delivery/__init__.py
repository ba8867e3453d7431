"""Delivery: attempts to send a message, what their answers mean, and when to try again."""
