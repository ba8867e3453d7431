"""The configuration file, `bridge.toml`: workspaces, destinations and clients."""
