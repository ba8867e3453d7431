"""The version of the data layout. Each version of rally-bridge reads its own layout, the one before and the one after.

So a new version may run beside the previous one, and be rolled back. Data is marked with the new layout once no process
of the previous one is alive.
"""

from bridge.domain.heartbeats import ALIVE_FOR
from bridge.store import keys
from bridge.store.calls.connection import Store

LAYOUT = 7
"""The version of this layout. Raise it by one with each release whose data the previous release would misread.

A release reads the data of the previous one, and writes what that one reads until `raise_layout` has marked the data.
"""
OLDEST, NEWEST = LAYOUT - 1, LAYOUT + 1
"""The layouts that this version reads."""
UNMARKED = "Restore a backup, or use an empty database"


async def adopt_layout(store: Store, *, may_evict: bool = False) -> str | None:
    """Store the layout version in an empty database. Return an error message if the data has one that is not read.

    If Redis `may_evict` keys, the version may have been evicted; it is then stored again.
    """
    others = () if may_evict else keys.IN_ANY_LAYOUT
    stored = await store.run("adopt_layout", {"layout_mark": keys.LAYOUT_MARK}, {"version": LAYOUT}, more_keys=others)
    problem = layout_problem(stored)
    return None if problem is None else f"{problem}. {layout_remedy(stored)}"


async def raise_layout(store: Store) -> bool:
    """Mark data of the previous layout with ours, unless an older worker or API is alive. Return whether it did."""
    raised = await store.run(
        "raise_layout",
        {"layout_mark": keys.LAYOUT_MARK, "workers": keys.WORKERS, "apis": keys.APIS},
        {"version": LAYOUT, "alive_for": ALIVE_FOR},
    )
    return bool(raised)


def layout_problem(stored: str) -> str | None:
    """Return an error message about a stored version ('': none), or None if this version reads it."""
    if _is_read(stored):
        return None
    theirs = f"has layout {stored[:20]!r}" if stored else "names no layout"
    return f"the data in this Redis {theirs}; this version of rally-bridge reads the layouts {OLDEST} to {NEWEST}"


def layout_remedy(stored: str) -> str:
    """Return what to run on data of a layout that this version does not read."""
    if not (stored.isascii() and stored.isdecimal()):
        return UNMARKED
    if int(stored) > NEWEST:
        return f"Run `rally-bridge serve` and `rally-bridge worker` of a version with layout {int(stored) - 1} or newer"
    step = int(stored) + 1
    return f"First run `rally-bridge worker` of a version with layout {step}, until `rally-bridge doctor` names {step}"


def _is_read(stored: str) -> bool:
    return stored in {str(version) for version in range(OLDEST, NEWEST + 1)}
