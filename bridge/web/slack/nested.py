"""Texts and lists within the documents that Slack sends."""

from collections.abc import Sequence
from typing import Any


def text_at(document: Any, *path: str) -> str:
    """Return the text at a path; an empty one if there is none."""
    found = _at(document, path)
    return found if isinstance(found, str) else ""


def list_at(document: Any, *path: str) -> Sequence[Any]:
    """Return the list at a path; an empty one if there is none."""
    found = _at(document, path)
    return found if isinstance(found, list) else []


def _at(document: Any, path: Sequence[str]) -> Any:
    for name in path:
        document = document.get(name) if isinstance(document, dict) else None
    return document
