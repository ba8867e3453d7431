"""The calls of Slack that open and update modals: a modal is opened by a trigger, and updated by its id.

Sources: https://docs.slack.dev/reference/methods/views.open and https://docs.slack.dev/reference/methods/views.update
"""

import re
from typing import Any

from bridge.destinations.slack.bot import SlackBot, prepare_call
from bridge.destinations.slack.call_results import CallResult, NotDone
from bridge.domain.delivery.destination_requests import Request

VIEW_ID = re.compile(r"V[A-Z0-9]{2,30}")


def prepare_open(trigger: str, view: dict[str, Any], bot: SlackBot) -> Request:
    """Return the request that opens a modal; the trigger is valid for 3 seconds, and once."""
    return prepare_call("views.open", {"trigger_id": trigger, "view": view}, bot)


def prepare_update(view_id: str, view: dict[str, Any], bot: SlackBot) -> Request:
    """Return the request that replaces the contents of an open modal."""
    return prepare_call("views.update", {"view_id": view_id, "view": view}, bot)


def view_id_of(result: CallResult) -> str | NotDone:
    """Return the id of the modal that Slack has opened."""
    if isinstance(result, NotDone):
        return result
    view = result.get("view")
    view_id = view.get("id") if isinstance(view, dict) else None
    if isinstance(view_id, str) and VIEW_ID.fullmatch(view_id):
        return view_id
    return NotDone(reason="Slack named no view", sentence="Slack did not say which window it opened.", perhaps=True)
