"""Who we say we are in every request to a destination."""

from importlib.metadata import version

USER_AGENT = f"rally-bridge/{version('rally-bridge')}"
