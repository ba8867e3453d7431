"""The User-Agent of every request to Rally and to destinations."""

from importlib.metadata import version

VERSION = version("rally-bridge")
USER_AGENT = f"rally-bridge/{VERSION}"
