"""The settings: read once, at the edge; every problem reported at once, in plain words."""

from bridge.settings.model import Settings
from bridge.settings.values import DEFAULT_WORKSPACE, ClientKey

__all__ = ["DEFAULT_WORKSPACE", "ClientKey", "Settings"]
