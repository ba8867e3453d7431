"""Names that stand more than once in one object of a JSON body: of two values each reader may take another."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from bridge.errors import Problem


class _Repeating(dict[str, Any]):
    """An object with the names that are repeated in it."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.repeated = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]


def repeated_names(body: bytes) -> list[Problem]:
    """Return a problem for each repeated name; the body must be known to be JSON."""
    found = False

    def read(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal found
        value = dict(pairs)
        if len(value) == len(pairs):
            return value
        found = True
        return _Repeating(pairs)

    # Numbers stay text, since only names count here, and making a long one costs time.
    document = json.loads(body, object_pairs_hook=read, parse_int=str, parse_float=str)
    if not found:
        return []
    return [Problem(pointer=pointer, detail="Give this once") for pointer in _pointers(document, "")]


def _pointers(value: Any, place: str) -> Iterator[str]:
    """Walk through a document; its depth is bounded by the parser that read it before."""
    match value:
        case dict():
            if isinstance(value, _Repeating):
                yield from (f"{place}/{escaped(name)}" for name in value.repeated)
            for name, inner in value.items():
                yield from _pointers(inner, f"{place}/{escaped(name)}")
        case list():
            for number, inner in enumerate(value):
                yield from _pointers(inner, f"{place}/{number}")
        case _:
            return


def escaped(part: str) -> str:
    """Write one part of a JSON pointer (RFC 6901)."""
    return part.replace("~", "~0").replace("/", "~1")
