"""Buttons in messages of the bot. Their values are ids, which are looked up when someone clicks, and never trusted.

Source: https://docs.slack.dev/reference/block-kit/block-elements/button-element
"""

import json
from typing import Any

from bridge.destinations.slack.escaping import escaped_line, plain_text

STOP = "stop_watching"
SEND_AGAIN = "send_again"
FAILED_RECORDS = "failed_records"
PLACE_LIMIT = 30
ACTIONS = frozenset({STOP, SEND_AGAIN, FAILED_RECORDS})


def stop_button(watch_id: str) -> dict[str, Any]:
    return button(STOP, "Stop watching", "Stop watching this import", watch_id)


def send_again_button(watch_id: str, place: str) -> dict[str, Any]:
    """Return the button that sends again to a place, which may be untrusted text."""
    text = f"Send again to {escaped_line(place, PLACE_LIMIT)}"
    return button(SEND_AGAIN, text, f"{text}, where it did not arrive", watch_id)


def failed_records_button(watch_id: str) -> dict[str, Any]:
    return button(FAILED_RECORDS, "Failed records", "Show the failed records of this import to me alone", watch_id)


def actions(*buttons: dict[str, Any]) -> dict[str, Any]:
    """Return the block of a message that has these buttons."""
    return {"type": "actions", "elements": list(buttons)}


def with_buttons(body: str, *buttons: dict[str, Any]) -> str:
    """Return a rendered message with buttons at its end, after those that it has."""
    payload = json.loads(body)
    last = payload["blocks"][-1]
    if last["type"] == "actions":
        last["elements"].extend(buttons)
    else:
        payload["blocks"].append(actions(*buttons))
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":"))


def button(action: str, text: str, label: str, value: str) -> dict[str, Any]:
    """Return a button; screen readers read the `label`, which contains the text and has at most 75 characters."""
    return {
        "type": "button",
        "action_id": action,
        "text": plain_text(text),
        "accessibility_label": label,
        "value": value,
    }
