"""Errors say in plain English what is expected, list the choices, and have a stable code."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.destinations.egress.rules import EgressRules
from bridge.domain.clients import Permissions
from bridge.domain.destinations import SlackWebhook
from bridge.domain.secret import Secret
from bridge.web.refusals import Problem, Refused
from bridge.web.requests.body import parse
from bridge.web.schemas.body import Body
from bridge.web.schemas.destinations import Context
from bridge.web.schemas.problem_document import FORM_CODES, RULE_CODES
from bridge.web.schemas.redeliver import RedeliverBody
from bridge.web.schemas.send_test import TestBody as DestinationTest
from bridge.web.schemas.watches import BatchBody, WatchBody
from tests.support.samples import only
from tests.support.world import ADMIN_KEY, CLIENT_KEY, World

pytestmark = pytest.mark.anyio

WEBHOOK = SlackWebhook(url=Secret("https://hooks.slack.com/services/T000/B000/XXXX"))
CONTEXT = Context(
    rules=EgressRules(),
    workspaces=frozenset({"default", "eu"}),
    named={"ops": WEBHOOK, "research": WEBHOOK, "secret": WEBHOOK},
    slack_bot=True,
    permissions=Permissions(
        named=frozenset({"ops", "research"}),
        slack_channels=frozenset({"C0123ABCD"}),
        callback_hosts=frozenset({"crm.example.com"}),
    ),
)
SLACK = {"type": "slack", "channel": "C0123ABCD"}
USER = "Must be the id of a Slack user, such as U0123ABCD; a profile shows it"
CALLBACK = {"type": "callback", "url": "https://crm.example.com/hooks"}
TYPES = "'slack', 'slack_webhook', 'callback' or 'named'"
OUTCOMES = "'completed', 'completed_with_failures', 'failed', 'not_found', 'forbidden' or 'timed_out'"

SUBSCRIPTIONS = "Must be 'always', 'problems' or a list of outcomes, such as ['failed', 'timed_out']"


def problems(body: Any, model: type[Body] = WatchBody, context: Context = CONTEXT) -> list[Problem]:
    try:
        parse(json.dumps(body).encode(), model, context)
    except Refused as refused:
        return list(refused.problems)
    return []


EXPIRES_IN = "Must be a whole number of seconds, from 1 to 2592000 (30 days)"


@pytest.mark.parametrize(
    ("entry", "pointer", "detail", "code"),
    [
        ({}, "/type", f"This field is required: {TYPES}", "missing"),
        ({"type": "pigeon"}, "/type", f"Must be {TYPES}", "not_a_choice"),
        ("pigeon", "", "Must be an object", "wrong_type"),
        ({"type": "callback"}, "/url", "This field is required", "missing"),
        ({**CALLBACK, "url": 7}, "/url", "Must be a string", "wrong_type"),
        ({**CALLBACK, "url": ""}, "/url", "Must not be empty", "too_short"),
        ({**CALLBACK, "url": "x" * 2001}, "/url", "Must have at most 2000 characters", "too_long"),
        ({**CALLBACK, "on": 7}, "/on", SUBSCRIPTIONS, "not_a_choice"),
        ({**CALLBACK, "on": "failed"}, "/on", SUBSCRIPTIONS, "not_a_choice"),
        ({**CALLBACK, "on": []}, "/on", "Must not be empty", "too_short"),
        ({**CALLBACK, "on": ["failed"] * 7}, "/on", "Must have at most 6 entries", "too_long"),
        ({**CALLBACK, "on": ["complete"]}, "/on/0", f"Must be {OUTCOMES}", "not_a_choice"),
        ({**CALLBACK, "headers": []}, "/headers", "Must be an object", "wrong_type"),
        ({**CALLBACK, "headers": {"a": 7}}, "/headers/a", "Must be a string", "wrong_type"),
        (
            {**CALLBACK, "headers": {f"h{n}": "x" for n in range(21)}},
            "/headers",
            "Must have at most 20 entries",
            "too_long",
        ),
        (
            {**CALLBACK, "hedaers": {}},
            "/hedaers",
            "There is no such field; the fields are: on, type, url, secret, headers",
            "unknown_field",
        ),
        (
            {"type": "slack", "channel": "C0123ABCE"},
            "/channel",
            "Must be 'C0123ABCD', the only one that your client may use",
            "forbidden",
        ),
        ({**SLACK, "mention": {}}, "/mention/users", "This field is required", "missing"),
        ({**SLACK, "mention": {"users": []}}, "/mention/users", "Must not be empty", "too_short"),
        ({**SLACK, "mention": {"users": ["U0123"] * 11}}, "/mention/users", "Must have at most 10 entries", "too_long"),
        ({**SLACK, "mention": {"users": ["@jane"]}}, "/mention/users/0", USER, "wrong_format"),
        ({**SLACK, "mention": {"users": ["U0123>\n<!here>"]}}, "/mention/users/0", USER, "wrong_format"),
        ({**SLACK, "mention": {"users": ["!channel"]}}, "/mention/users/0", USER, "wrong_format"),
        ({**SLACK, "mention": {"users": ["U0123"], "on": "failed"}}, "/mention/on", SUBSCRIPTIONS, "not_a_choice"),
        ({**SLACK, "live": "yes"}, "/live", "Must be true or false", "wrong_type"),
        ({**SLACK, "end": "reply"}, "/end", "Is only possible with `live`: true", "needs_live"),
        ({**SLACK, "live": False, "end": "reply"}, "/end", "Is only possible with `live`: true", "needs_live"),
        (
            {**SLACK, "live": True, "end": "thread"},
            "/end",
            "Must be 'broadcast', 'reply' or 'message'",
            "not_a_choice",
        ),
        (
            {**CALLBACK, "live": True},
            "/live",
            "There is no such field; the fields are: on, type, url, secret, headers",
            "unknown_field",
        ),
        (
            {**CALLBACK, "mention": {"users": ["U0123"]}},
            "/mention",
            "There is no such field; the fields are: on, type, url, secret, headers",
            "unknown_field",
        ),
        (
            {**CALLBACK, "url": "https://billing.example.com/"},
            "/url",
            "The host must be 'crm.example.com', the only one that your client may use",
            "forbidden",
        ),
        (
            {"type": "named", "name": "secret"},
            "/name",
            "Must be one of those that your client may use: 'ops', 'research'",
            "unknown_name",
        ),
    ],
)
def test_an_error_in_a_destination_says_what_is_expected(entry: Any, pointer: str, detail: str, code: str) -> None:
    expected = Problem(pointer=pointer, detail=detail, code=code)
    in_watch = only(problems({"importId": "imp", "notify": [entry]}))
    in_test = only(problems({"destination": entry}, DestinationTest))

    assert in_watch == Problem(pointer=f"/notify/0{pointer}", detail=expected.detail, code=expected.code)
    assert in_test == Problem(pointer=f"/destination{pointer}", detail=expected.detail, code=expected.code)


@pytest.mark.parametrize(
    ("body", "model", "pointer", "detail", "code"),
    [
        (7, WatchBody, "", "Must be an object", "wrong_type"),
        ({}, WatchBody, "/importId", "This field is required", "missing"),
        ({"importId": "i", "notify": 7}, WatchBody, "/notify", "Must be a list", "wrong_type"),
        ({"importId": "i", "metadata": 7}, WatchBody, "/metadata", "Must be an object", "wrong_type"),
        ({"importId": "i", "metadata": {"": 7}}, WatchBody, "/metadata/", "Must not be empty", "too_short"),
        ({"importId": "i", "expiresIn": 1.5}, WatchBody, "/expiresIn", EXPIRES_IN, "wrong_type"),
        ({"importId": "i", "expiresIn": 0}, WatchBody, "/expiresIn", EXPIRES_IN, "out_of_range"),
        ({"importId": "i", "expiresIn": 10**9}, WatchBody, "/expiresIn", EXPIRES_IN, "out_of_range"),
        (
            {"importId": "i", "workspace": "us"},
            WatchBody,
            "/workspace",
            "Must be one of those that your client may use: 'default', 'eu'",
            "unknown_workspace",
        ),
        (
            {"importId": "i", "nofity": []},
            WatchBody,
            "/nofity",
            (
                "There is no such field; the fields are: "
                "importId, notify, workspace, label, metadata, expiresIn, nudgeAfter"
            ),
            "unknown_field",
        ),
        ({"watches": []}, BatchBody, "/watches", "Must not be empty", "too_short"),
        ({"watches": [{}] * 101}, BatchBody, "/watches", "Must have at most 100 entries", "too_long"),
        (
            {"state": "x", "since": "2026-11-24T09:30:00Z"},
            RedeliverBody,
            "/state",
            "Must be 'abandoned'",
            "not_a_choice",
        ),
    ],
)
def test_an_error_in_a_body_says_what_is_expected(
    body: Any, model: type[Body], pointer: str, detail: str, code: str
) -> None:
    assert only(problems(body, model)) == Problem(pointer=pointer, detail=detail, code=code)


@pytest.mark.parametrize(
    ("entry", "detail"),
    [
        ({"type": "named", "name": "ops"}, "Your client may use no named destination"),
        ({"type": "slack", "channel": "C0123ABCD"}, "Your client may use no Slack channel"),
        (CALLBACK, "Your client may use no callback"),
    ],
)
def test_a_client_without_permissions_is_told_so(entry: Any, detail: str) -> None:
    nothing = Permissions(named=frozenset(), slack_channels=frozenset(), callback_hosts=frozenset())
    context = replace(CONTEXT, permissions=nothing)

    assert only(problems({"importId": "imp", "notify": [entry]}, context=context)).detail == detail


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b" ", "The body is empty."),
        (b'{"importId": "imp"', "The body ends too early at line 1 column 18."),
        (b'\xef\xbb\xbf{"importId": "imp"}', "The body begins with a byte order mark. Send it without."),
        ('{"importId": "é"}'.encode("latin-1"), "The body is not in UTF-8."),
        (b'{"importId": "imp",}', "Trailing comma at line 1 column 20."),
    ],
)
def test_a_body_that_is_not_json_is_refused_with_the_reason(body: bytes, detail: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(body, WatchBody, CONTEXT)

    assert refused.value.detail == detail


@pytest.mark.parametrize(
    ("query", "detail", "code"),
    [
        ({"limit": "x"}, "Must be a whole number, written in digits", "wrong_type"),
        ({"limit": "101"}, "Must be at most 100", "out_of_range"),
        ({"limit": "9" * 5000}, "Must be a smaller number", "out_of_range"),
        ({"state": "open"}, "Must be 'watching', 'settled' or 'cancelled'", "not_a_choice"),
        (
            {"limt": "1"},
            "There is no such parameter; the parameters are: limit, state, outcome, importId, undelivered, cursor",
            "unknown_field",
        ),
        ({"limit": ["1", "2"]}, "Send this parameter once", "duplicate_parameter"),
        ({"cursor": "2"}, "Must be the `nextCursor` of the previous page", "wrong_format"),
    ],
)
async def test_an_error_in_a_query_says_what_is_expected(
    world: World, query: dict[str, Any], detail: str, code: str
) -> None:
    problem = (await world.get("/v1/watches", **query)).json()

    assert problem["code"] == "invalid_query"
    error = only(problem["errors"])
    assert (error["pointer"], error["detail"], error["code"]) == (f"?{next(iter(query))}", detail, code)


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1/", "https://crm.example.com:6379/", "http://localhost/", "http://169.254.169.254/"]
)
@pytest.mark.parametrize(("key", "named"), [(ADMIN_KEY, True), (CLIENT_KEY, False)])
async def test_an_admin_is_told_which_setting_can_allow_an_address(
    world: World, url: str, key: str, *, named: bool
) -> None:
    notify = [{"type": "callback", "url": url}]
    answer = await world.post("/v1/watches", key=key, json={"importId": "imp", "notify": notify})

    assert ("EGRESS_ALLOW" in only(answer.json()["errors"])["detail"]) == named


async def test_an_admin_is_not_sent_to_a_setting_that_can_allow_nothing(world: World) -> None:
    notify = [{"type": "callback", "url": "ftp://crm.example.com/"}]
    answer = await world.post("/v1/watches", key=ADMIN_KEY, json={"importId": "imp", "notify": notify})

    assert only(answer.json()["errors"])["detail"] == "Only http:// and https:// URLs are allowed"


async def test_null_means_not_given(world: World) -> None:
    optional: dict[str, Any] = dict.fromkeys(["notify", "workspace", "label", "metadata", "expiresIn", "nudgeAfter"])
    watch = await world.watch(**optional)
    assert (watch["workspace"], watch["metadata"], watch["notify"], watch["label"]) == ("default", {}, [], None)

    callback = {"type": "callback", "url": world.sandbox.callback_url(), "secret": None, "headers": None, "on": None}
    watch = await world.watch(notify=[callback])
    assert only(watch["notify"])["on"] == "always"


@pytest.mark.parametrize("entry", [7, None, "imp", [], True])
async def test_a_batch_entry_that_is_not_an_object_is_refused_alone(world: World, entry: Any) -> None:
    answer = await world.post("/v1/watches/batch", json={"watches": [{"importId": "a"}, entry, {"importId": "b"}]})

    assert [each["status"] for each in answer.json()["results"]] == [202, 422, 202]
    error = only(answer.json()["results"][1]["problem"]["errors"])
    assert error == {"pointer": "", "detail": "Must be an object", "code": "wrong_type"}


JUNK = st.recursive(
    st.sampled_from([None, True, -1, 1.5, 10**400, "", "x" * 2001, "\x00", "imp", "callback", "slack", "named"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*CALLBACK, "on", "x"]), inner),
    max_leaves=6,
)
NAMES = ["importId", "notify", "workspace", "label", "metadata", "expiresIn", "watches", "state", "since"]
FOREIGN = (
    "Input should",
    "validation",
    "Dictionary",
    "discriminator",
    "valid string",
    "integer",
    "array",
    "Value error",
)


def found(body: Any) -> Iterator[Problem]:
    for model in (WatchBody, BatchBody, RedeliverBody, DestinationTest):
        yield from problems(body, model)


@given(body=JUNK | st.dictionaries(st.sampled_from([*NAMES, "destination"]), JUNK | st.lists(JUNK)))
def test_no_error_is_in_the_words_of_a_library(body: Any) -> None:
    for problem in found(body):
        assert problem.code in {*FORM_CODES, *RULE_CODES}, problem
        assert not any(words in problem.detail for words in FOREIGN), problem
