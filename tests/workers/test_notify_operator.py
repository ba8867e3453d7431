"""Notices to the operator."""

import json

import pytest
from structlog.testing import capture_logs

from bridge.domain.times import DAY, MINUTE, SECOND
from tests.support.configuration import destination
from tests.support.world import SECRET, opened

pytestmark = pytest.mark.anyio


async def test_the_operator_is_notified_once_when_a_key_is_refused_and_once_when_it_is_accepted(
    redis_url: str, sandbox_url: str
) -> None:
    room = destination("room", "slack_webhook", f"{sandbox_url}/inbox/services/T/B/X")
    async with opened(redis_url, sandbox_url, room, OPERATOR_NOTIFY="room") as world:
        await world.sandbox.set_import("imp", ("COMPLETED", 0))
        await world.sandbox.faults(status=401, times=3)
        await world.watch()
        for _ in range(5):
            await world.poll()
            await world.deliver()
            world.pass_time(MINUTE + SECOND)

        texts = [json.loads(each["body"])["text"] for each in await world.sandbox.messages(kind="slack")]
        assert len(texts) == 2
        assert "refuses the API key" in texts[0]
        assert "accepts the API key" in texts[1]

        world.pass_time(31 * DAY)
        await world.sweep()
        assert await world.resources.store.call("KEYS", "rb:delivery:*") == []


async def test_the_log_names_no_watch_for_a_notice(redis_url: str, sandbox_url: str) -> None:
    room = destination("room", "slack_webhook", f"{sandbox_url}/inbox/services/T/B/X")
    async with opened(redis_url, sandbox_url, room, OPERATOR_NOTIFY="room") as world:
        await world.sandbox.faults(status=401, times=1)
        await world.watch()
        await world.poll()
        with capture_logs() as lines:
            await world.deliver()

    assert [line["watch_id"] for line in lines if line["event"] == "delivery.attempted"] == [None]


async def test_an_abandoned_notice_is_not_reported_to_the_operator(redis_url: str, sandbox_url: str) -> None:
    room = destination("room", "slack_webhook", f"{sandbox_url}/inbox/services/T/B/X")
    async with opened(redis_url, sandbox_url, room, OPERATOR_NOTIFY="room") as world:
        await world.sandbox.set_answers("slack", {"status": 404, "body": "no_team"})
        await world.sandbox.faults(status=401, times=1)
        await world.watch()
        await world.poll()
        await world.deliver()

        assert await world.resources.store.call("ZCARD", "rb:deliveries:in:abandoned") == 1
        assert await world.resources.notices.unreported(9) == []


async def test_messages_wait_for_another_token_when_slack_refuses_it_and_the_operator_is_notified_once(
    redis_url: str, sandbox_url: str
) -> None:
    ops = destination("ops", "callback", f"{sandbox_url}/inbox/callbacks/ops") + f'secret = "{SECRET}"'
    refused = {"status": 200, "body": '{"ok": false, "error": "token_revoked"}'}
    async with opened(redis_url, sandbox_url, ops, OPERATOR_NOTIFY="ops") as world:
        await world.sandbox.set_import("imp", ("COMPLETED", 0))
        await world.sandbox.set_answers("slack", refused, refused, refused)
        watches = [
            await world.watch(notify=[{"type": "slack", "channel": name}]) for name in ("C0000000A", "C0000000B")
        ]
        await world.poll()
        await world.deliver()
        waiting = [(await world.reload(each))["deliveries"][0] for each in watches]
        for _ in range(3):
            world.pass_time(MINUTE + SECOND)
            await world.deliver()
        told = [json.loads(each["body"]) for each in await world.sandbox.messages(name="ops")]
        ended = [(await world.reload(each))["deliveries"][0] for each in watches]

    reason = "Slack: token_revoked (the bot's token was revoked; make a new one)"
    assert [(each["state"], each["lastReason"]) for each in waiting] == [("pending", reason)] * 2
    assert [(each["type"], each["data"]["reason"]) for each in told] == [("slack.refused", reason)]
    assert [each["state"] for each in ended] == ["delivered"] * 2
