"""The pages that the navigation of the console lists."""

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.domain.clients import Client


@dataclass(frozen=True, slots=True)
class Entry:
    """A page that the navigation lists: its path, its name, and whether only admins see it."""

    path: str
    name: str
    admin: bool = False


ENTRIES = (
    Entry("/console", "Overview"),
    Entry("/console/watches", "Watches"),
    Entry("/console/deliveries", "Deliveries"),
    Entry("/console/destinations", "Destinations"),
    Entry("/console/rules", "Rules", admin=True),
    Entry("/console/workspaces", "Workspaces", admin=True),
    Entry("/console/workers", "Workers", admin=True),
)


def entries_for(client: Client) -> Sequence[Entry]:
    """Return the pages that a client may see."""
    return [each for each in ENTRIES if client.admin or not each.admin]
