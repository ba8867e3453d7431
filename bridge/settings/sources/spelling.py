"""The known name that is nearest to a misspelt one, of a variable or of a key in bridge.toml."""

from collections.abc import Iterable

MOST_EDITS = 2
_PER_EDIT = 2
"""The number of letters by which one edit changes the set of a word's letters, at most."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is at most two edits away; None if there is none."""
    near = ((edits(name, each), each) for each in known if _may_be_near(name, each))
    distance, best = min(near, default=(MOST_EDITS + 1, ""))
    return best if distance <= MOST_EDITS else None


def _may_be_near(one: str, other: str) -> bool:
    """Exclude most pairs cheaply."""
    return abs(len(one) - len(other)) <= MOST_EDITS and len(set(one) ^ set(other)) <= MOST_EDITS * _PER_EDIT


def edits(one: str, other: str) -> int:
    """Return the Levenshtein distance: how many letters must be inserted, deleted or replaced."""
    row = list(range(len(other) + 1))
    for above, letter in enumerate(one, start=1):
        diagonal, row[0] = row[0], above
        for column, its in enumerate(other, start=1):
            diagonal, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, diagonal + (letter != its))
    return row[-1]
