"""The ids of imports in a message of Slack: those that look like Rally's, and what is written as code."""

import re
from collections.abc import Iterator, Mapping
from html import unescape
from typing import Any

_RALLYS = re.compile(r"(?<![A-Za-z0-9_-])(?:test_)?c[a-z0-9]{24}(?![A-Za-z0-9_-])")
_CODE = re.compile(r"`([^`\s]{1,200})`")
MOST = 5
MOST_TEXT = 100_000
"""The number of characters that are searched."""
DEEPEST = 10
"""The depth to which blocks are searched; Slack nests them less deeply."""


def import_ids_in(message: Mapping[str, Any]) -> list[str]:
    """Return the ids in a message and its blocks: first those that look like Rally's."""
    text = "\n".join(_texts(message.get("blocks"), DEEPEST))
    text = f"{message.get('text')}\n{text}"[:MOST_TEXT]
    found = [*_RALLYS.findall(text), *(unescape(each) for each in _CODE.findall(text))]
    return list(dict.fromkeys(found))[:MOST]


def _texts(blocks: Any, depth: int) -> Iterator[str]:
    """Yield every text of the blocks; rich text marks code by its style."""
    match blocks:
        case {"type": "text", "text": str(text), "style": {"code": True}}:
            yield f"`{text}`"
        case {"text": str(text)}:
            yield text
        case list() if depth:
            for each in blocks:
                yield from _texts(each, depth - 1)
        case dict() if depth:
            for each in blocks.values():
                yield from _texts(each, depth - 1)
        case _:
            return
