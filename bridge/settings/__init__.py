"""The settings: read once at startup, with every problem reported at once."""

from bridge.settings.loading import load_settings
from bridge.settings.model import Settings

__all__ = ["Settings", "load_settings"]
