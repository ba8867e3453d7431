"""Texts within the documents that Slack sends."""

from typing import Any


def text_at(document: Any, *path: str) -> str:
    """Return the text at a path; an empty one if there is none."""
    found = document
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, str) else ""
