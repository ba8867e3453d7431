"""The modal in which a person says which import to watch, and where.

Source: https://docs.slack.dev/reference/views/modal-views
"""

from collections.abc import Sequence
from typing import Any

from bridge.destinations.slack.escaping import plain_text

WATCH_VIEW = "watch_import"
SHORTCUT, MESSAGE_SHORTCUT = "watch_import", "watch_import_in_message"
"""The ids of the shortcuts that open the modal."""
IMPORT, LABEL, CHANNEL, OUTCOMES, PROGRESS = "import", "label", "channel", "outcomes", "progress"
"""The ids of the blocks; errors of a submission name them."""
VALUE = "value"
"""The id of the one element of each block."""
ALWAYS, PROBLEMS = "always", "problems"
LIVE = "live"
LONGEST_ID, LONGEST_LABEL, LONGEST_HINT = 200, 300, 1_500


def watch_view(import_ids: Sequence[str] = (), channel: str | None = None) -> dict[str, Any]:
    """Return the modal, filled in with the first of the ids; the others are named below it."""
    return {
        "type": "modal",
        "callback_id": WATCH_VIEW,
        "title": plain_text("Watch an import"),
        "submit": plain_text("Watch"),
        "close": plain_text("Cancel"),
        "blocks": [_import(import_ids), _label(), _channel(channel), _outcomes(), _progress()],
    }


def _import(import_ids: Sequence[str]) -> dict[str, Any]:
    element = {"type": "plain_text_input", "action_id": VALUE, "max_length": LONGEST_ID}
    if import_ids:
        element["initial_value"] = import_ids[0]
    block = _input(IMPORT, "Import id", element)
    if len(import_ids) > 1:
        hint = f"Also in the message: {', '.join(import_ids[1:])}"
        block["hint"] = plain_text(hint[:LONGEST_HINT])
    return block


def _label() -> dict[str, Any]:
    element = {"type": "plain_text_input", "action_id": VALUE, "max_length": LONGEST_LABEL}
    return {**_input(LABEL, "Label", element), "optional": True}


def _channel(channel: str | None) -> dict[str, Any]:
    """Return the choice of a channel. Slack then sends a `response_url` for it along."""
    element = {
        "type": "conversations_select",
        "action_id": VALUE,
        "response_url_enabled": True,
        "filter": {"include": ["public", "private"], "exclude_bot_users": True},
        **({"default_to_current_conversation": True} if channel is None else {"initial_conversation": channel}),
    }
    return _input(CHANNEL, "Channel that is told", element)


def _outcomes() -> dict[str, Any]:
    options = [
        {"text": plain_text("However it ends"), "value": ALWAYS},
        {"text": plain_text("Only if there are problems"), "value": PROBLEMS},
    ]
    element = {"type": "radio_buttons", "action_id": VALUE, "options": options, "initial_option": options[0]}
    return _input(OUTCOMES, "When", element)


def _progress() -> dict[str, Any]:
    options = [{"text": plain_text("In one message, if it runs for more than a minute"), "value": LIVE}]
    element = {"type": "checkboxes", "action_id": VALUE, "options": options, "initial_options": options}
    return {**_input(PROGRESS, "Show its progress", element), "optional": True}


def _input(block: str, label: str, element: dict[str, Any]) -> dict[str, Any]:
    return {"type": "input", "block_id": block, "label": plain_text(label), "element": element}
