"""The names of our keys in Redis; what each holds is told in the package's docstring.

An import's id is whatever a client says, so it ends its keys: behind it nothing could be told from it.
"""

SCHEMA = 2
"""The version of the layout of everything below. Raise it with each change that older or newer code would misread."""
SCHEMA_VERSION = "rb:schema"

EXPIRING = "rb:watches:expiring"
ENDED = "rb:watches:ended"
SETTLING = "rb:imports:settling"
FINAL = "rb:imports:final"
FENCE = "rb:fence"
CLOCK = "rb:clock"
SEAL = "rb:seal"
UNREPORTED = "rb:deliveries:unreported"
REPLAYS = "rb:replays"
LANES = "rb:lanes"
LANES_DOUBTFUL = "rb:lanes:doubtful"
EVICTS = "rb:evicts"
IN_ANY_LAYOUT = (SEAL, FENCE, EXPIRING, ENDED)
"""Keys by which data is recognised that names no version."""
CHANGES = "rb:changes"
"""A channel, not a key."""

IMPORT_PREFIX = "rb:import:"
WAITING_PREFIX = "rb:waiting:"
WATCH_PREFIX = "rb:watch:"
DELIVERY_PREFIX = "rb:delivery:"


def watch(watch_id: str) -> str:
    return f"{WATCH_PREFIX}{watch_id}"


def watches_in(ending: str, client: str | None = None) -> str:
    """Name the list of the watches that stand so: `watching`, `cancelled`, or an outcome; all, or one client's."""
    return f"rb:watches:in:{ending}" if client is None else f"rb:watches:of:{client}:{ending}"


def watches_about(import_id: str) -> str:
    return f"rb:watches:about:{import_id}"


def deliveries_in(state: str, client: str | None = None) -> str:
    """Name the list of the deliveries in a state; all, or one client's. Scripts build the same names."""
    return f"rb:deliveries:in:{state}" if client is None else f"rb:deliveries:of:{client}:{state}"


def doubtful_lanes(client: str) -> str:
    """Name the queue of a client's doubtful lanes. Scripts build the same names."""
    return f"{LANES_DOUBTFUL}:{client}"


def replay(client: str, mark: str) -> str:
    return f"rb:replay:{client}:{mark}"


def client_calls(client: str) -> str:
    return f"rb:calls:{client}"


def watch_topic(watch_id: str) -> str:
    return f"watch:{watch_id}"


def import_topic(workspace: str, import_id: str) -> str:
    return f"import:{member(workspace, import_id)}"


def import_prefix(workspace: str) -> str:
    return f"{IMPORT_PREFIX}{workspace}:"


def import_(workspace: str, import_id: str) -> str:
    return f"{import_prefix(workspace)}{import_id}"


def waiting(workspace: str, import_id: str) -> str:
    return f"{WAITING_PREFIX}{member(workspace, import_id)}"


def imports_due(workspace: str) -> str:
    return f"rb:imports:due:{workspace}"


def imports_leased(workspace: str) -> str:
    return f"rb:imports:leased:{workspace}"


def budget(workspace: str) -> str:
    return f"rb:budget:{workspace}"


def delivery(delivery_id: str) -> str:
    return f"{DELIVERY_PREFIX}{delivery_id}"


def attempts(delivery_id: str) -> str:
    return f"rb:attempts:{delivery_id}"


def member(workspace: str, import_id: str) -> str:
    """Name an import within the sets that hold those of all workspaces; a workspace's name has no colon."""
    return f"{workspace}:{import_id}"


def place(member_: str) -> tuple[str, str]:
    workspace, import_id = member_.split(":", 1)
    return workspace, import_id
