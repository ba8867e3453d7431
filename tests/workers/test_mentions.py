"""Mentions of destinations: in messages to Slack, for the outcomes that they name, beside those of rules."""

import json
from typing import Any

import pytest

from bridge.domain.rules.floods import FLOOD_DIGEST_AFTER
from bridge.domain.rules.precedence import HOLD
from tests.support.deliveries import watch_ended_import
from tests.support.held_deliveries import end_import
from tests.support.samples import only
from tests.support.world import World, opened

pytestmark = pytest.mark.anyio

PANELS = """
[destinations.panels]
type = "slack"
channel = "C0PANELS1"
mention = {users = ["U0123", "W0456"], on = ["completed", "timed_out"]}
"""
RULE = """
[[rules]]
name = "ops"
notify = [{type = "slack", channel = "C0123ABCD", mention = {users = ["U0123", "U0789"]}}]
mode = "digest"
digest = {every = "15m"}
mention = {users = ["U0123"]}
"""


async def bodies(world: World) -> list[str]:
    return [message["body"] for message in await world.sandbox.messages(kind="slack")]


@pytest.mark.parametrize(
    ("mention", "mentioned"),
    [
        ({}, False),
        ({"mention": None}, False),
        ({"mention": {"users": ["U0123"]}}, False),
        ({"mention": {"users": ["U0123"], "on": None}}, False),
        ({"mention": {"users": ["U0123"], "on": "always"}}, True),
        ({"mention": {"users": ["U0123"], "on": ["failed"]}}, False),
        ({"mention": {"users": ["U0123", "U0123"], "on": ["failed", "completed"]}}, True),
    ],
)
@pytest.mark.parametrize("kind", ["slack", "slack_webhook"])
async def test_a_request_mentions_users_for_its_outcomes(
    world: World, kind: str, mention: dict[str, Any], *, mentioned: bool
) -> None:
    where = {"channel": "C0123ABCD"} if kind == "slack" else {"url": world.sandbox.slack_url()}
    await watch_ended_import(world, {"type": kind, **where, **mention})

    assert only(await bodies(world)).count("<@U0123>") == mentioned


async def test_a_named_destination_mentions_its_users_in_slack_only(redis_url: str, sandbox_url: str) -> None:
    async with opened(redis_url, sandbox_url, PANELS) as world:
        callback = {"type": "callback", "url": world.sandbox.callback_url()}
        await watch_ended_import(world, {"type": "named", "name": "panels"}, callback)

        assert json.loads(only(await bodies(world)))["blocks"][1]["text"]["text"] == "<@U0123> <@W0456>"
        assert "U0123" not in only(await world.sandbox.messages(name="crm"))["body"]


async def test_a_digest_mentions_the_users_of_its_rule_and_of_its_destination(redis_url: str, sandbox_url: str) -> None:
    async with opened(redis_url, sandbox_url, RULE) as world:
        (rule,) = world.resources.settings.rules
        for number in range(2):
            await end_import(world, f"imp{number}", *rule.notify, status="ERROR")
        world.pass_time(HOLD)
        await world.deliver()
        world.pass_time(FLOOD_DIGEST_AFTER)
        await world.sweep()
        await world.deliver()

        assert "<@U0123> <@U0789>" in only(await bodies(world))
