"""Egress: where messages may be sent, and the client that sends them there and nowhere else."""
