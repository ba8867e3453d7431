"""Pushes of Rally: what they change, how reliably they come, and what rules made of them."""
