"""The front door: HTTP in, JSON and problem documents out."""
