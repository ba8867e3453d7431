"""The version of the data layout. Data of another version is rejected."""

from bridge.store import keys
from bridge.store.connection import Store

REMEDY = "Start the version that wrote it, restore a backup of this one, or use an empty database"


async def adopt_schema(store: Store, *, may_evict: bool = False) -> str | None:
    """Store the layout version in an empty database. Return an error message if the data has another.

    If Redis `may_evict` keys, the version may have been evicted; it is then stored again.
    """
    others = () if may_evict else keys.IN_ANY_LAYOUT
    stored = await store.run(
        "adopt_schema", {"schema": keys.SCHEMA_VERSION}, {"version": keys.SCHEMA}, more_keys=others
    )
    problem = schema_problem(stored)
    return None if problem is None else f"{problem}. {REMEDY}"


def schema_problem(stored: str) -> str | None:
    """Return an error message about a stored version ('': none), or None if it is the current one."""
    if stored == str(keys.SCHEMA):
        return None
    theirs = f"has layout {stored[:20]!r}" if stored else "names no layout"
    return f"the data in this Redis {theirs}; this version of rally-bridge reads layout {keys.SCHEMA} alone"
