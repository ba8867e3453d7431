"""Connections to Redis and the meaning of its errors, for the store, the queue and the command line."""
