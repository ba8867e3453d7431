"""The layout of the stored data: its version is a key of its own, and data of another layout is never served."""

from bridge.store import keys
from bridge.store.connection import Store

REMEDY = "Start the version that wrote it, restore a backup of this one, or use an empty database"


async def adopt_schema(store: Store, *, may_evict: bool = False) -> str | None:
    """Mark an empty store as having our layout; return what is wrong where the stored data has another.

    Where Redis `may_evict` anything, data that names no layout has merely lost its version: it is marked as ours.
    """
    others = () if may_evict else keys.IN_ANY_LAYOUT
    stored = await store.run(
        "adopt_schema", {"schema": keys.SCHEMA_VERSION}, {"version": keys.SCHEMA}, more_keys=others
    )
    problem = schema_problem(stored)
    return None if problem is None else f"{problem}. {REMEDY}"


def schema_problem(stored: str) -> str | None:
    """Say what is wrong with the version that the stored data names ('': none); None when it is ours."""
    if stored == str(keys.SCHEMA):
        return None
    theirs = f"has layout {stored[:20]!r}" if stored else "names no layout"
    return f"the data in this Redis {theirs}; this version of rally-bridge reads layout {keys.SCHEMA} alone"
