"""The settings: read once, at the edge; every problem reported at once, in plain words."""

from bridge.settings.model import Settings

__all__ = ["Settings"]
