"""The methods that open and change modals.

Sources: https://docs.slack.dev/reference/methods/views.open and …/views.update
"""

from typing import Any

from bridge.sandbox.slack.api.checks.views import is_too_large, view_faults
from bridge.sandbox.slack.api.message_methods import Answer, Arguments, with_ids
from bridge.sandbox.slack.api.refusal import Refused, invalid_arguments
from bridge.sandbox.slack.state.identity import Identity
from bridge.sandbox.slack.state.modals import Modal
from bridge.sandbox.slack.state.workspace import Workspace


def open_view(slack: Workspace, arguments: Arguments) -> Answer:
    view = checked_view(arguments.get("view"))
    trigger = slack.triggers.exchange(arguments.get("trigger_id"))
    external = view.get("external_id")
    if external and slack.modals.get(None, external) is not None:
        raise Refused("duplicate_external_id")
    modal = slack.modals.show(trigger.user, trigger.channel, view)
    slack.changes.note()
    return {"view": view_json(modal, slack.identity)}


def update_view(slack: Workspace, arguments: Arguments) -> Answer:
    view = checked_view(arguments.get("view"))
    modal = slack.modals.get(arguments.get("view_id"), arguments.get("external_id"))
    if modal is None:
        raise Refused("not_found")
    if (known := arguments.get("hash")) and known != modal.hash:
        raise Refused("hash_conflict")
    updated = slack.modals.update(modal, view)
    slack.changes.note()
    return {"view": view_json(updated, slack.identity)}


def checked_view(view: Any) -> dict[str, Any]:
    """Return a view with the ids that Slack adds; raise Refused if Slack would not show it."""
    if is_too_large(view):
        raise Refused("view_too_large")
    if faults := view_faults(view):
        raise invalid_arguments(*faults)
    return {**view, "blocks": with_ids(view["blocks"])}


def view_json(modal: Modal, identity: Identity) -> dict[str, Any]:
    """Return a view as Slack describes it to apps, with what is typed into it."""
    return {
        "private_metadata": "",
        "callback_id": "",
        "external_id": "",
        **modal.view,
        "id": modal.id,
        "hash": modal.hash,
        "team_id": identity.team,
        "app_id": identity.app,
        "root_view_id": modal.id,
        "previous_view_id": None,
        "state": {"values": modal.typed},
    }
