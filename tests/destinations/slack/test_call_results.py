"""Answers that are not Slack's, and successes, as results for the person who waits."""

import json
from typing import Any

import pytest

from bridge.destinations.slack.call_results import NotDone, result_of
from bridge.domain.delivery.destination_requests import Failure, NoResponse, Response

NOW = 1_764_000_000_000


def answered(document: Any, status: int = 200, *, whole: bool = True) -> Response:
    return Response(status=status, headers={}, body=json.dumps(document).encode(), whole=whole)


@pytest.mark.parametrize(
    ("answer", "words", "perhaps"),
    [
        (answered({}, 500), "trouble of its own", True),
        (answered({}, 503), "trouble of its own", True),
        (answered({}, 429), "asks me to wait", False),
        (answered({}, 302), "report it", False),
        (answered({}, 404), "report it", False),
        (answered([]), "trouble of its own", True),
        (answered({"ok": False}), "trouble of its own", True),
        (answered({"ok": False, "error": ["x"]}), "trouble of its own", True),
        (answered({"ok": False, "error": "<!channel> no error"}), "trouble of its own", True),
        (NoResponse(failure=Failure.TIMEOUT, reason="no answer"), "did not answer", True),
        (NoResponse(failure=Failure.BROKEN, reason="broken off"), "did not answer", True),
        (NoResponse(failure=Failure.CONNECT, reason="refused"), "can't reach Slack", False),
        (NoResponse(failure=Failure.REFUSED_ADDRESS, reason="loopback"), "can't reach Slack", False),
        (NoResponse(failure=Failure.DNS, reason="no such host"), "can't reach Slack", False),
    ],
)
def test_an_answer_that_is_no_answer_of_slack_has_a_sentence_too(answer: Any, words: str, *, perhaps: bool) -> None:
    result = result_of(answer, NOW)
    assert isinstance(result, NotDone)
    assert (words in result.sentence, result.perhaps) == (True, perhaps)
    assert "<" not in result.sentence


def test_a_success_is_what_slack_answered() -> None:
    assert result_of(answered({"ok": True, "view": {"id": "V1"}}), NOW) == {"ok": True, "view": {"id": "V1"}}
    assert result_of(answered({}, whole=False), NOW) == {}
