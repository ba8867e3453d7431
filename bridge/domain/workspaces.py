"""Workspaces: accounts at Rally."""

from dataclasses import dataclass

from bridge.domain.secret import Secret

DEFAULT_WORKSPACE = "default"
"""The name of the workspace that a watch belongs to if it names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A Rally account: its name here, its key, the address of its API, and the part of its rate limit that we use."""

    name: str
    key: Secret
    base_url: str
    budget_share: float
    webhook_secrets: tuple[Secret, ...] = ()
    """The secrets of Rally's pushes, newest first; without one, pushes are not received."""
    import_url: str | None = None
    """The template of links to its imports, as in `bridge.domain.import_links`."""
