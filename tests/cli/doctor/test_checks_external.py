"""What the doctor finds in the responses of Rally and of destinations, and in the egress rules."""

import json
from typing import Any

import pytest

from bridge.cli.doctor import checks_external
from bridge.destinations.egress.rules import EgressRules
from bridge.destinations.send_test import TestOutcome as Outcome  # pytest would collect a class named Test…
from bridge.domain.delivery.destination_requests import Failure, NoResponse, Response, SendResult
from bridge.domain.delivery.verdicts import Accepted, Deferred, Rejected, Verdict
from bridge.domain.imports import Absence, Absent, ImportAnswer, KeyRefused, OverLimit, Unanswered
from bridge.domain.times import SECOND


@pytest.mark.parametrize(
    ("answer", "state", "words"),
    [
        (Absent(Absence.NOT_FOUND), "ok", "accepts the key"),
        (Absent(Absence.FORBIDDEN), "warning", "HTTP 403"),
        (KeyRefused(), "failed", "HTTP 401"),
        (OverLimit(1_500), "warning", "HTTP 429"),
        (OverLimit(None), "warning", "HTTP 429"),
        (Unanswered("timeout"), "failed", "timeout"),
    ],
)
def test_responses_of_rally_become_findings(answer: ImportAnswer, state: str, words: str) -> None:
    finding = checks_external.check_rally("eu", "https://rally", answer, key="the key", url="the address")

    assert (finding.check, finding.state, words in finding.detail) == ("Rally, eu", state, True)
    assert not isinstance(answer, KeyRefused) or "the key" in str(finding.remedy)
    assert not isinstance(answer, Unanswered) or "the address" in str(finding.remedy)
    assert answer != OverLimit(1_500) or "in 2 s" in str(finding.remedy)


def test_an_address_that_answers_any_key_may_not_be_that_of_rally() -> None:
    absent = Absent(Absence.NOT_FOUND)
    finding = checks_external.check_rally("eu", "https://rally", absent, key="the key", url="the address", any_key=True)

    assert (finding.state, "HTTP 404 to any key" in finding.detail) == ("warning", True)
    assert "the address" in str(finding.remedy)


def slacks(status: int, document: Any, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status=status, headers=named, body=json.dumps(document).encode())


@pytest.mark.parametrize(
    ("answer", "state", "words"),
    [
        (slacks(200, {"ok": True}), "ok", "accepts the token"),
        (slacks(200, {"ok": True}, x_oauth_scopes="chat:write,users:read"), "ok", "accepts the token"),
        (slacks(200, {"ok": True}, x_oauth_scopes="users:read, chat:write.public"), "failed", "lacks the scope"),
        (slacks(200, {"ok": False, "error": "invalid_auth"}), "failed", "invalid_auth"),
        (slacks(404, {}), "failed", "HTTP 404"),
        (slacks(503, {}), "warning", "HTTP 503"),
        (slacks(429, {}, retry_after="30"), "warning", "HTTP 429"),
        (NoResponse(failure=Failure.DNS, reason="the name does not resolve"), "failed", "resolve"),
    ],
)
def test_responses_of_slack_become_findings(answer: SendResult, state: str, words: str) -> None:
    finding = checks_external.check_slack("https://slack", answer, 0)

    assert (finding.state, words in finding.detail) == (state, True), finding


@pytest.mark.parametrize(
    ("scopes", "state", "words"),
    [
        ("chat:write,files:write,im:write", "ok", "accepts the token"),
        ("chat:write,files:write", "warning", "lacks the scope im:write: failed records"),
        ("chat:write", "warning", "lacks the scope files:write and im:write: failed records"),
        ("im:write", "failed", "lacks the scope chat:write and files:write"),
    ],
)
def test_files_with_failed_records_need_scopes_of_their_own(scopes: str, state: str, words: str) -> None:
    answer = slacks(200, {"ok": True}, x_oauth_scopes=scopes)
    finding = checks_external.check_slack("https://slack", answer, 0, sends_files=True)
    assert (finding.state, words in finding.detail) == (state, True), finding


@pytest.mark.parametrize(("error", "state"), [(None, "not checked"), ("invalid_auth", "failed")])
def test_a_good_answer_of_the_sandbox_says_nothing_about_slack(error: str | None, state: str) -> None:
    answer = slacks(200, {"ok": error is None, "error": error})
    finding = checks_external.answered_by_sandbox(checks_external.check_slack("https://slack", answer, 0))
    assert (finding.state, "EGRESS_SANDBOX" in finding.detail) == (state, error is None)


def test_a_destination_is_not_checked_while_its_messages_go_to_the_sandbox() -> None:
    assert (
        checks_external.check_destination("ops", "C1", None, "destinations.ops", sandboxed=True).state == "not checked"
    )


@pytest.mark.parametrize(("team", "state"), [("T1", "ok"), (None, "ok"), ("T2", "failed")])
def test_the_token_must_be_of_the_slack_workspace_in_the_configuration(team: str | None, state: str) -> None:
    answer = slacks(200, {"ok": True, "team_id": "T1"})
    assert checks_external.check_slack("https://slack", answer, 0, team=team).state == state


@pytest.mark.parametrize(
    ("verdict", "state", "words"),
    [
        (Accepted(), "ok", "accepted a test message"),
        (Deferred("HTTP 503"), "failed", "HTTP 503; it would be retried"),
        (Rejected("HTTP 410"), "failed", "HTTP 410; it would not be retried"),
    ],
)
def test_results_of_test_messages_become_findings(verdict: Verdict, state: str, words: str) -> None:
    finding = checks_external.check_test_message(
        "ops", "https://h/…", Outcome(verdict=verdict, status=None, took=3), "crm", "destinations.ops"
    )

    assert (finding.state, words in finding.detail) == (state, True), finding


@pytest.mark.parametrize(
    ("failure", "setting"),
    [
        (Failure.REFUSED_ADDRESS, "EGRESS_ALLOW"),
        (Failure.DNS, "destinations.ops"),
        (Failure.TLS, "EGRESS_CA_FILE"),
        (Failure.CONNECT, "destinations.ops"),
    ],
)
def test_an_unreachable_destination_is_reported_with_a_remedy(failure: Failure, setting: str) -> None:
    refusal = NoResponse(failure=failure, reason="so it is")
    finding = checks_external.check_destination("ops", "https://h/…", refusal, "destinations.ops", proxied=False)

    assert (finding.state, "so it is" in finding.detail, setting in str(finding.remedy)) == ("failed", True, True)


@pytest.mark.parametrize(("diverted", "state"), [([], "ok"), (["eu"], "warning")])
def test_a_sandbox_in_the_place_of_destinations_is_reported(diverted: list[str], state: str) -> None:
    finding = checks_external.check_sandbox("http://127.0.0.1:8081", diverted)

    assert (finding.state, "all messages go to the inbox at http://127.0.0.1:8081" in finding.detail) == (state, True)


@pytest.mark.parametrize(
    ("allow", "state", "words"),
    [
        ((), "ok", "the public internet, ports 80 and 443"),
        (("10.1.0.0/16", "127.0.0.1:8081"), "ok", "10.1.0.0/16 (any port), 127.0.0.1 port 8081"),
        (("crm.internal:8080", "*.corp.example"), "ok", "crm.internal port 8080, all below corp.example (any port)"),
        (("0.0.0.0/0",), "warning", "every address"),
        (("::/0",), "warning", "every address"),
        (("169.254.0.0/16",), "warning", "credentials"),
        (("fd00::/8",), "warning", "credentials"),
    ],
)
def test_egress_rules_are_described(allow: tuple[str, ...], state: str, words: str) -> None:
    finding = checks_external.check_rules(EgressRules.parse(allow))

    assert (finding.state, words in finding.detail) == (state, True), finding


def test_authorities_are_counted_and_reported_when_expired() -> None:
    assert checks_external.check_authorities("ca.pem", [5 * SECOND], 4 * SECOND).state == "ok"
    finding = checks_external.check_authorities("ca.pem", [5 * SECOND, 9 * SECOND], 5 * SECOND)
    assert (finding.state, "adds 2 authorities; expired: 1" in finding.detail) == ("warning", True)
