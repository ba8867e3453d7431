"""The User-Agent of every request to Rally and to destinations."""

from bridge.version import VERSION

USER_AGENT = f"rally-bridge/{VERSION}"
