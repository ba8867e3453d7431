"""Duplicate names in the objects of a JSON body: parsers disagree on which of the values counts."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from bridge.web.refusals import Problem
from bridge.web.requests.json_pointer import escape


class _Found(Exception):
    """Ends the parsing of a body at the first object that has a duplicate name."""


class _WithDuplicates(dict[str, Any]):
    """A JSON object that has duplicate names, with these names."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.duplicates = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise _Found
    return value


# Numbers stay strings: only names matter here, and converting a long number is slow.
_quick = json.JSONDecoder(object_pairs_hook=_unique, parse_int=str, parse_float=str)
_thorough = json.JSONDecoder(object_pairs_hook=_WithDuplicates, parse_int=str, parse_float=str)


def duplicate_names(body: bytes) -> list[Problem]:
    """Return a problem for each duplicate name; `body` must be valid JSON in UTF-8."""
    text = body.decode()
    try:
        _quick.decode(text)
    except _Found:
        return [
            Problem(pointer=pointer, detail="Send this name once", code="duplicate_name")
            for pointer in _pointers(_thorough.decode(text), "")
        ]
    return []


def _pointers(value: Any, path: str) -> Iterator[str]:
    """Yield a JSON pointer for each duplicate name; the parser has already limited the depth."""
    match value:
        case _WithDuplicates():
            yield from (f"{path}/{escape(name)}" for name in value.duplicates)
            for name, inner in value.items():
                yield from _pointers(inner, f"{path}/{escape(name)}")
        case list():
            for index, inner in enumerate(value):
                yield from _pointers(inner, f"{path}/{index}")
        case _:
            return
