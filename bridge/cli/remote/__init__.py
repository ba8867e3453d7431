"""The commands that call a running bridge: they use the client and import nothing of the service."""
