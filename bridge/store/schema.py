"""The version of the data layout. Each version of rally-bridge reads its own layout, the one before and the one after.

So a new version may run beside the previous one, and be rolled back. Data is marked with the new layout once no process
of the previous one is alive.
"""

from bridge.domain.heartbeats import ALIVE_FOR
from bridge.store import keys
from bridge.store.calls.connection import Store

OLDEST, NEWEST = keys.SCHEMA - 1, keys.SCHEMA + 1
"""The layouts that this version reads."""
UNMARKED = "Restore a backup, or use an empty database"


async def adopt_schema(store: Store, *, may_evict: bool = False) -> str | None:
    """Store the layout version in an empty database. Return an error message if the data has one that is not read.

    If Redis `may_evict` keys, the version may have been evicted; it is then stored again.
    """
    others = () if may_evict else keys.IN_ANY_LAYOUT
    stored = await store.run(
        "adopt_schema", {"schema": keys.SCHEMA_VERSION}, {"version": keys.SCHEMA}, more_keys=others
    )
    problem = schema_problem(stored)
    return None if problem is None else f"{problem}. {schema_remedy(stored)}"


async def raise_schema(store: Store) -> bool:
    """Mark data of the previous layout with ours, unless an older worker or API is alive. Return whether it did."""
    raised = await store.run(
        "raise_schema",
        {"schema": keys.SCHEMA_VERSION, "workers": keys.WORKERS, "apis": keys.APIS},
        {"version": keys.SCHEMA, "alive_for": ALIVE_FOR},
    )
    return bool(raised)


def schema_problem(stored: str) -> str | None:
    """Return an error message about a stored version ('': none), or None if this version reads it."""
    if _is_read(stored):
        return None
    theirs = f"has layout {stored[:20]!r}" if stored else "names no layout"
    return f"the data in this Redis {theirs}; this version of rally-bridge reads the layouts {OLDEST} to {NEWEST}"


def schema_remedy(stored: str) -> str:
    """Return what to run on data of a layout that this version does not read."""
    if not (stored.isascii() and stored.isdecimal()):
        return UNMARKED
    if int(stored) > NEWEST:
        return f"Run `rally-bridge serve` and `rally-bridge worker` of a version with layout {int(stored) - 1} or newer"
    step = int(stored) + 1
    return f"First run `rally-bridge worker` of a version with layout {step}, until `rally-bridge doctor` names {step}"


def _is_read(stored: str) -> bool:
    return stored in {str(version) for version in range(OLDEST, NEWEST + 1)}
