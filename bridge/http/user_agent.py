"""The User-Agent of every request to Rally and to destinations."""

from importlib.metadata import version

USER_AGENT = f"rally-bridge/{version('rally-bridge')}"
