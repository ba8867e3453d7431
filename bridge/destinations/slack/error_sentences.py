"""The sentences that a person in Slack reads when Slack has refused a call, or could not carry it out now."""

from collections.abc import Mapping

from bridge.destinations.slack.escaping import code
from bridge.domain.delivery.verdicts import Deferred, Rejected

ERROR_LIMIT = 60

AGAIN = "Try again in a minute."
UNREACHABLE = f"I can't reach Slack now. {AGAIN}"
SLOW = f"Slack did not answer me. {AGAIN}"
_BUSY = f"Slack asks me to wait. {AGAIN}"
_FAILED = f"Slack has trouble of its own. {AGAIN}"
_TOKEN = "Slack refuses my token. Ask the operator of the bridge to replace it."  # noqa: S105 - a sentence
_SCOPES = (
    "My app lacks a permission in Slack. Ask the operator of the bridge to give it the scopes im:write and "
    "files:write, and to install it again."
)
_CLICK_AGAIN = "Slack waited too long for me. Click again."
_NO_MESSAGES = "Slack does not let me send you direct messages."
_POLICY = "An administrator of your Slack workspace must permit this."
_OURS = "Slack does not take the form of what I sent. Please report it to the operator of the bridge."

SENTENCES: Mapping[str, str] = {
    # views.open, views.update
    "expired_trigger_id": _CLICK_AGAIN,
    "exchanged_trigger_id": _CLICK_AGAIN,
    "invalid_trigger_id": _CLICK_AGAIN,
    "hash_conflict": _CLICK_AGAIN,
    "not_found": "The window was closed. Click again.",
    "view_too_large": _OURS,
    "push_limit_reached": "Too many windows are open. Close them, then click again.",
    # conversations.open
    "cannot_dm_bot": _NO_MESSAGES,
    "messages_tab_disabled": _NO_MESSAGES,
    "user_disabled": _NO_MESSAGES,
    "user_not_found": _NO_MESSAGES,
    "user_not_visible": _NO_MESSAGES,
    # files
    "file_uploads_disabled": "Your Slack workspace does not permit files.",
    "file_uploads_except_images_disabled": "Your Slack workspace permits no other files than images.",
    "file_type_not_allowed": "Your Slack workspace does not permit CSV files.",
    "file_upload_size_restricted": "Your Slack workspace does not permit files of this size.",
    "storage_limit_reached": "The file storage of your Slack workspace is full.",
    "file_not_found": _FAILED,
    "file_update_failed": _FAILED,
    "not_in_channel": _NO_MESSAGES,
    "channel_not_found": _NO_MESSAGES,
    "invalid_channel": _NO_MESSAGES,
    "is_archived": _NO_MESSAGES,
    "posting_to_channel_denied": _NO_MESSAGES,
    # all methods
    "missing_scope": _SCOPES,
    "no_permission": _SCOPES,
    "access_denied": _POLICY,
    "ekm_access_denied": _POLICY,
    "enterprise_is_restricted": _POLICY,
    "team_access_not_granted": _POLICY,
    "two_factor_setup_required": _POLICY,
    "restricted_action": _POLICY,
}
"""The sentence for each error that concerns what the person has asked for."""


def error_sentence(error: str | None, verdict: Rejected | Deferred) -> str:
    """Return the sentence about a failed call: by the name of the error, or else by the verdict on it."""
    known = SENTENCES.get(error) if error is not None else None
    otherwise = _OURS if isinstance(verdict, Rejected) else _of_kind(verdict)
    return known or otherwise or f"Slack refuses this: {code(str(error), ERROR_LIMIT)}."


def _of_kind(deferred: Deferred) -> str:
    """Return the sentence for a kind of error; an empty one if the kind is unknown."""
    if deferred.refused_token:
        return _TOKEN
    if deferred.whole_lane:
        return _BUSY
    if deferred.as_plain_text:
        return _OURS
    return "" if deferred.max_tries is not None and not deferred.ambiguous else _FAILED
