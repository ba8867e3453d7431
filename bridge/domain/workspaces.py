"""Workspaces: accounts at Rally."""

DEFAULT_WORKSPACE = "default"
"""The name of the workspace of RALLY_API_KEY."""
