"""The settings: read once, at the edge; every problem reported at once, in plain words."""

from bridge.settings.clients import Allowed, Client
from bridge.settings.model import Settings
from bridge.settings.parsers import DEFAULT_WORKSPACE

__all__ = ["DEFAULT_WORKSPACE", "Allowed", "Client", "Settings"]
