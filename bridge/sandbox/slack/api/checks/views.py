"""Modals.

Source: https://docs.slack.dev/reference/views/modal-views
"""

import json
from collections.abc import Iterator
from typing import Any

from bridge.sandbox.slack.api.checks.blocks import faults_of
from bridge.sandbox.slack.api.checks.texts import LONGEST_ID, PLAIN, field_faults, string_faults, text_faults

LONGEST_TITLE = 24
LONGEST_METADATA = 3000
LARGEST_VIEW = 250_000
"""The bytes of a view."""
MODAL = frozenset(
    {
        *("type", "title", "submit", "close", "blocks", "private_metadata", "callback_id", "external_id"),
        *("clear_on_close", "notify_on_close", "submit_disabled"),
    }
)


def is_too_large(view: Any) -> bool:
    return len(json.dumps(view, ensure_ascii=False).encode("utf-8", "replace")) > LARGEST_VIEW


def view_faults(view: Any) -> list[str]:
    """Return every fault for which Slack would refuse a view."""
    if not isinstance(view, dict) or view.get("type") != "modal":
        return ["view must be an object of type modal"]
    return list(_modal(view))


def _modal(view: dict[str, Any]) -> Iterator[str]:
    yield from field_faults(view, MODAL)
    yield from text_faults(view.get("title"), LONGEST_TITLE, PLAIN)
    for name in ("submit", "close"):
        if name in view:
            yield from text_faults(view[name], LONGEST_TITLE, PLAIN)
    yield from string_faults(view, "private_metadata", LONGEST_METADATA)
    yield from string_faults(view, "callback_id", LONGEST_ID)
    yield from string_faults(view, "external_id", LONGEST_ID)
    blocks = view.get("blocks")
    yield from faults_of(blocks, modal=True)
    if isinstance(blocks, list) and "submit" not in view and any(_is_input(block) for block in blocks):
        yield "submit is required when an input block is within blocks"


def _is_input(block: Any) -> bool:
    return isinstance(block, dict) and block.get("type") == "input"
