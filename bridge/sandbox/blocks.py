"""Block Kit's limits, checked as Slack checks them.

Source: https://docs.slack.dev/reference/block-kit/blocks
"""

from collections.abc import Iterator
from typing import Any

MAX_BLOCKS = 50
MAX_HEADER = 150
MAX_SECTION = 3000
MAX_FIELDS = 10
MAX_FIELD = 2000
MAX_ELEMENTS = 10


def faults_of(blocks: Any) -> list[str]:
    """Return every fault for which Slack would answer `invalid_blocks`."""
    if not isinstance(blocks, list):
        return ["blocks must be a list"]
    found = [f"no more than {MAX_BLOCKS} blocks allowed"] if len(blocks) > MAX_BLOCKS else []
    for number, block in enumerate(blocks):
        found += [f"{fault} [json-pointer:/blocks/{number}]" for fault in _block(block)]
    return found


def _block(block: Any) -> Iterator[str]:
    match block:
        case {"type": "header", "text": text}:
            yield from _text(text, MAX_HEADER, kinds=("plain_text",))
        case {"type": "section", **rest} if "text" in rest or "fields" in rest:
            if "text" in rest:
                yield from _text(rest["text"], MAX_SECTION)
            yield from _texts(rest.get("fields", []), "fields", MAX_FIELDS, MAX_FIELD)
        case {"type": "context", "elements": elements}:
            yield from _texts(elements, "elements", MAX_ELEMENTS, MAX_SECTION)
        case {"type": "divider"}:
            return
        case {"type": str(kind)}:
            yield f"a block of type {kind} that is unknown here or lacks a field"
        case _:
            yield "a block must have a type"


def _texts(items: Any, name: str, most: int, length: int) -> Iterator[str]:
    if not isinstance(items, list):
        yield f"{name} must be a list"
        return
    if len(items) > most:
        yield f"no more than {most} {name} allowed"
    for item in items:
        yield from _text(item, length)


def _text(item: Any, length: int, kinds: tuple[str, ...] = ("plain_text", "mrkdwn")) -> Iterator[str]:
    match item:
        case {"type": kind, "text": str(text), **rest} if kind in kinds:
            if not 1 <= len(text) <= length:
                yield f"must be more than 0 and less than {length + 1} characters"
            unknown = rest.keys() - ({"emoji"} if kind == "plain_text" else {"verbatim"})
            if unknown:
                yield f"a {kind} object has no {', '.join(sorted(map(str, unknown)))}"
        case _:
            yield f"must be a text object of type {' or '.join(kinds)}"
