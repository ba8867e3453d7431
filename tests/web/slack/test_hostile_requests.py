"""Hostile requests to the Slack app end in 401 or 200: never in a 500, a log of the body, or a call elsewhere."""

import asyncio
import hmac
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from structlog.testing import capture_logs

from bridge.domain.slack_signatures import NotSlacks, read_signature
from bridge.web.app import build
from tests.support.redis_process import RedisProcess
from tests.support.redis_snapshot import take_snapshot
from tests.support.slack_requests import (
    OTHER_SECRET,
    SIGNING_SECRET,
    SLACK_CLIENT,
    SlackStandIn,
    click,
    command_form,
    send_command,
    send_interaction,
    shortcut,
    signed_headers,
    text_of,
)
from tests.support.world import World, opened

pytestmark = pytest.mark.anyio

PATHS = ["/slack/commands", "/slack/interactions"]
BODY = urlencode(command_form("watch imp PRIVATE-LABEL")).encode()
TIMESTAMP, SIGNATURE = "x-slack-request-timestamp", "x-slack-signature"


@pytest.fixture(params=PATHS)
def path(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def assert_refused(world: World, slack: SlackStandIn, path: str, headers: Any, body: bytes = BODY) -> None:
    """Check that a request is a 401 without a trace, except for the line of refused calls."""
    before = await take_snapshot(world.resources.store)
    with capture_logs() as logs:
        answer = await world.api.post(path, content=body, headers=headers)
    assert answer.status_code == 401, answer.text
    assert answer.json()["code"] == "slack_not_signed"
    assert "PRIVATE" not in answer.text + str(logs)
    assert {each["event"] for each in logs} <= {"request.answered"}
    assert await take_snapshot(world.resources.store) == before
    assert slack.calls == []


def hostile_headers() -> Iterator[tuple[str, Mapping[str, str] | list[tuple[bytes, bytes]]]]:
    good = signed_headers(BODY)
    yield "no headers", {}
    for name in (TIMESTAMP, SIGNATURE):
        yield f"without {name}", {key: value for key, value in good.items() if key != name}
        yield f"{name} twice", [*((k.encode(), v.encode()) for k, v in good.items()), (name.encode(), b"0")]
    now = good[TIMESTAMP]
    for timestamp in ("abc", f"{now}.0", f"{now} ", f"{now}_0", "9" * 5000, "-1", "", "\xb2"):
        yield f"timestamp {timestamp[:15].replace(now, 'now')!r}", {**good, TIMESTAMP: timestamp}
    signatures = ("v0=\xe9", "", "v0=", good[SIGNATURE][3:], good[SIGNATURE].replace("v0", "v1"), "v0=" + "0" * 64)
    for number, signature in enumerate(signatures):
        yield f"signature {number}", {**good, SIGNATURE: signature}
    for age in (302, -302):
        yield f"{age} s old", signed_headers(BODY, at=time.time() - age)
    yield "by another app's secret", signed_headers(BODY, secret=OTHER_SECRET)


@pytest.mark.parametrize("what", list(dict(hostile_headers())))
async def test_what_is_not_signed_is_refused(world: World, slack: SlackStandIn, path: str, what: str) -> None:
    headers: Any = dict(hostile_headers())[what]
    if isinstance(headers, dict):
        headers = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    await assert_refused(world, slack, path, headers)


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff=1", b"text=%ff", b"a" * 3000, b"&".join([b"a=1"] * 101), b"ssl_check=2", b"{}", b"payload={", b"%"],
)
async def test_signed_bodies_that_are_not_slacks_are_refused(
    world: World, slack: SlackStandIn, path: str, body: bytes
) -> None:
    await assert_refused(world, slack, path, signed_headers(body), body)


@pytest.mark.parametrize(
    "changes",
    [
        {"team_id": "T999"},
        {"team_id": ""},
        {"api_app_id": "A999"},
        {"user_id": "U1> <!channel>"},
        {"user_id": ""},
        {"command": "rally"},
        {"command": "/rally`"},
    ],
)
async def test_a_command_of_another_team_or_app_is_refused(
    world: World, slack: SlackStandIn, changes: dict[str, str]
) -> None:
    body = urlencode(command_form("watch imp", **changes)).encode()
    await assert_refused(world, slack, "/slack/commands", signed_headers(body), body)


@pytest.mark.parametrize(
    "payload",
    [
        "[]",
        "1",
        '"x"',
        "{",
        "",
        "[" * 100_000,
        "{}",
        '{"team": "T000", "api_app_id": "A000"}',
        '{"team": {"id": "T999"}, "api_app_id": "A000"}',
        '{"team": {"id": "T000"}, "api_app_id": "A999"}',
        '{"team": {"id": ["T000"]}, "api_app_id": "A000"}',
    ],
)
async def test_an_interaction_of_another_team_or_app_is_refused(
    world: World, slack: SlackStandIn, payload: str
) -> None:
    body = urlencode({"payload": payload}).encode()
    await assert_refused(world, slack, "/slack/interactions", signed_headers(body), body)


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "shortcut"},
        {"type": 1},
        {"actions": []},
        {"actions": {}},
        {"actions": ["x"]},
        {"actions": [{"action_id": "unknown", "value": "wat_1"}]},
        {"actions": [{"action_id": "stop_watching"}]},
        {"actions": [{"action_id": "stop_watching", "value": 1}]},
        {"actions": [{"action_id": {}, "value": "wat_1"}]},
        {"actions": [{"action_id": "link", "url": "https://example.com"}]},
        {"user": {"id": "<!channel>"}},
        {"user": None},
    ],
)
async def test_unknown_interactions_are_acknowledged_and_nothing_is_done(
    world: World, slack: SlackStandIn, changes: dict[str, Any]
) -> None:
    answer = await send_interaction(world.api, click(slack, "stop_watching", "wat_1") | changes)
    assert (answer.status_code, answer.content) == (200, b"")
    assert slack.calls == []


async def test_half_a_character_is_no_error(world: World, slack: SlackStandIn) -> None:
    half = "\ud800"
    shortcuts = (
        shortcut("watch_import", trigger_id=half),
        shortcut("watch_import_in_message", message={"text": f"`a{half}`"}, channel={"id": half}),
        shortcut("watch_import_in_message", message={"text": "`imp`"}, response_url=f"https://hooks.slack.com/{half}"),
    )
    actions = ("stop_watching", "send_again", "failed_records")
    clicks = [click(slack, action, value) for action in actions for value in (half, "wat_1")]
    with capture_logs() as logs:
        for payload in (*shortcuts, *clicks):
            assert (await send_interaction(world.api, payload)).status_code == 200
    assert [name for name, _ in slack.calls] == ["views.open"] * len(shortcuts) + ["commands"] * len(clicks)
    assert logs == []


async def test_a_large_body_is_refused_before_it_is_read(world: World, slack: SlackStandIn, path: str) -> None:
    large = b"a=" + b"x" * 2_000_000
    await assert_refused(world, slack, path, signed_headers(large), large)
    await assert_refused(world, slack, path, {}, b"a=" + b"x" * 2_000)


async def test_the_check_of_the_certificate_needs_no_signature(world: World, path: str) -> None:
    answer = await world.api.post(path, content=b"ssl_check=1&token=x")
    assert (answer.status_code, answer.content) == (200, b"")


async def test_without_a_slack_app_nothing_is_accepted(redis_url: str, sandbox_url: str, path: str) -> None:
    async with opened(redis_url, sandbox_url) as world:
        empty = hmac.new(b"", b"v0:%d:%s" % (now := int(time.time()), BODY), "sha256").hexdigest()
        by_an_empty_secret = {TIMESTAMP: str(now), SIGNATURE: f"v0={empty}"}
        for headers in (by_an_empty_secret, signed_headers(BODY)):
            assert (await world.api.post(path, content=BODY, headers=headers)).status_code == 401


async def test_each_secret_of_a_rotation_is_accepted(redis_url: str, sandbox_url: str) -> None:
    secrets = {"SLACK_SIGNING_SECRET": f"{OTHER_SECRET}, {SIGNING_SECRET}"}
    async with opened(redis_url, sandbox_url, SLACK_CLIENT, **secrets) as world:
        for secret in (SIGNING_SECRET, OTHER_SECRET):
            body = urlencode(command_form("help")).encode()
            answer = await world.api.post("/slack/commands", content=body, headers=signed_headers(body, secret=secret))
            assert answer.status_code == 200


def test_the_example_of_slacks_documentation_verifies() -> None:
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name="
        b"foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2F"
        b"hooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015."
        b"47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    signature = b"v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    headers = [(b"X-Slack-Request-Timestamp", b"1531420618"), (b"X-Slack-Signature", signature)]

    read = read_signature(headers, now=1531420618.0 + 300)

    assert read.verify(body, [OTHER_SECRET, SIGNING_SECRET])
    assert not read.verify(body + b"&", [SIGNING_SECRET])
    unkeyed = hmac.new(b"", read.signed(body), "sha256").hexdigest().encode()
    assert not replace(read, signature=b"v0=" + unkeyed).verify(body, [""])
    for off in (301, -301):
        with pytest.raises(NotSlacks):
            read_signature(headers, now=1531420618.0 + off)


async def test_without_redis_a_sentence_is_the_answer(tmp_path: Path, sandbox_url: str) -> None:
    redis = RedisProcess(tmp_path)
    redis.start()
    secrets = {"SLACK_SIGNING_SECRET": SIGNING_SECRET}
    async with opened(redis.url, sandbox_url, SLACK_CLIENT, **secrets) as world:
        redis.kill()
        for text in ("watch imp", "help"):
            assert "can't reach my data" in text_of(await send_command(world.api, text))


@pytest.mark.slow
async def test_a_redis_that_hangs_is_not_waited_for_longer_than_slack_waits(tmp_path: Path, sandbox_url: str) -> None:
    redis = RedisProcess(tmp_path)
    redis.start()
    secrets = {"SLACK_SIGNING_SECRET": SIGNING_SECRET}
    async with opened(redis.url, sandbox_url, SLACK_CLIENT, **secrets) as world:
        redis.send_signal(signal.SIGSTOP)
        try:
            async with asyncio.timeout(3):
                assert "can't reach my data" in text_of(await send_command(world.api, "watch imp"))
        finally:
            redis.send_signal(signal.SIGCONT)
        assert "Be told here" in text_of(await send_command(world.api, "help"))
    redis.kill()


async def test_the_answer_is_sent_before_slack_is_asked(world: World, slack: SlackStandIn) -> None:
    asked_before: list[int] = []
    parts = [{"type": "http.request", "body": BODY, "more_body": False}]

    async def receive() -> Any:
        return parts.pop()

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            asked_before.append(len(slack.calls))

    headers = [(name.encode(), value.encode()) for name, value in signed_headers(BODY).items()]
    scope = {"type": "http", "method": "POST", "path": "/slack/commands", "headers": headers, "query_string": b""}
    await build(world.resources)(scope, receive, send)

    assert asked_before == [0]
    assert [name for name, _ in slack.calls] == ["chat.postEphemeral"]


async def test_logs_name_the_watch_but_repeat_neither_label_nor_response_url(world: World, slack: SlackStandIn) -> None:
    slack.answers["chat.postEphemeral"] = {"ok": False, "error": "not_in_channel PRIVATE"}
    with capture_logs() as logs:
        await send_command(world.api, "watch imp PRIVATE-LABEL", response_url=f"{slack.url}/commands/PRIVATE")
        slack.answers = {"commands": 500}
        await send_command(world.api, "watch imp PRIVATE-LABEL", response_url=f"{slack.url}/commands/PRIVATE")
    assert {each["event"] for each in logs} == {"watch.accepted"}
    assert "PRIVATE" not in str(logs)
