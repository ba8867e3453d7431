"""Each error of Slack's calls for a person: what it means, and the sentence that the person reads."""

import json

import pytest

from bridge.destinations.slack.call_results import NotDone, result_of
from bridge.destinations.slack.error_sentences import SENTENCES
from bridge.domain.delivery.destination_requests import Response

NOW = 1_764_000_000_000
ROWS = {
    "expired_trigger_id": "Click again",
    "exchanged_trigger_id": "Click again",
    "invalid_trigger_id": "Click again",
    "hash_conflict": "Click again",
    "not_found": "closed",
    "view_too_large": "report it",
    "push_limit_reached": "Too many windows",
    "cannot_dm_bot": "direct messages",
    "messages_tab_disabled": "direct messages",
    "user_disabled": "direct messages",
    "user_not_found": "direct messages",
    "user_not_visible": "direct messages",
    "file_uploads_disabled": "does not permit files.",
    "file_uploads_except_images_disabled": "no other files than images",
    "file_type_not_allowed": "does not permit CSV files",
    "file_upload_size_restricted": "files of this size",
    "storage_limit_reached": "is full",
    "file_not_found": "trouble of its own",
    "file_update_failed": "trouble of its own",
    "not_in_channel": "direct messages",
    "channel_not_found": "direct messages",
    "invalid_channel": "direct messages",
    "is_archived": "direct messages",
    "posting_to_channel_denied": "direct messages",
    "missing_scope": "im:write and files:write",
    "no_permission": "im:write and files:write",
    "access_denied": "administrator",
    "ekm_access_denied": "administrator",
    "enterprise_is_restricted": "administrator",
    "team_access_not_granted": "administrator",
    "two_factor_setup_required": "administrator",
    "restricted_action": "administrator",
}
OTHERS = {
    "ratelimited": "asks me to wait",
    "rate_limited": "asks me to wait",
    "invalid_auth": "refuses my token",
    "token_revoked": "refuses my token",
    "token_expired": "refuses my token",
    "account_inactive": "refuses my token",
    "internal_error": "trouble of its own",
    "fatal_error": "trouble of its own",
    "service_unavailable": "trouble of its own",
    "accesslimited": "trouble of its own",
    "invalid_arguments": "report it",
    "invalid_blocks": "report it",
    "something_new": "`something_new`",
}


def refused(error: str) -> NotDone:
    body = json.dumps({"ok": False, "error": error}).encode()
    result = result_of(Response(status=200, headers={}, body=body), NOW)
    assert isinstance(result, NotDone)
    return result


def test_the_table_has_a_row_for_every_sentence() -> None:
    assert ROWS.keys() == SENTENCES.keys()


@pytest.mark.parametrize(("error", "words"), [*ROWS.items(), *OTHERS.items()])
def test_every_error_has_a_sentence_for_the_person(error: str, words: str) -> None:
    result = refused(error)
    assert words in result.sentence
    assert result.sentence.endswith(".")
    assert (result.error, error in result.reason) == (error, True)


def test_only_what_slack_may_have_done_is_said_to_be_perhaps_done() -> None:
    assert [error for error in (*ROWS, *OTHERS) if refused(error).perhaps] == ["internal_error", "fatal_error"]
