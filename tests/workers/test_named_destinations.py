"""Deliveries to destinations that the operator has configured by name."""

import json

import pytest

from bridge.domain.times import MINUTE
from tests.support.configuration import destination
from tests.support.deliveries import watch_ended_import
from tests.support.samples import only
from tests.support.world import CLIENT_KEY, World, bearer, opened

pytestmark = pytest.mark.anyio


def named(world_url: str) -> str:
    inbox = f"{world_url}/inbox"
    room = destination("room", "slack_webhook", f"{inbox}/services/T/B/X")
    return room + destination("tool", "callback", f"{inbox}/callbacks/tool")


async def test_a_named_channel_gets_the_message_from_the_bot(redis_url: str, sandbox_url: str) -> None:
    channel = '[destinations.panels]\ntype = "slack"\nchannel = "C0PANELS1"\n'
    async with opened(redis_url, sandbox_url, channel) as world:
        watch = await watch_ended_import(world, {"type": "named", "name": "panels"})

        assert [each["state"] for each in (await world.reload(watch))["deliveries"]] == ["delivered"]
        (message,) = await world.sandbox.messages(kind="slack")
        assert json.loads(message["body"])["channel"] == "C0PANELS1"


async def test_a_message_links_to_the_import_by_the_template_of_its_workspace(redis_url: str, sandbox_url: str) -> None:
    template = "https://app.example.com/imports/{importId}?a=1&b=2"
    async with opened(redis_url, sandbox_url, RALLY_IMPORT_URL=template) as world:
        await world.sandbox.set_import("a b/c", ("COMPLETED", 0))
        await world.watch("a b/c", notify=[{"type": "slack_webhook", "url": world.sandbox.slack_url()}])
        await world.poll()
        await world.deliver()

        (message,) = await world.sandbox.messages(kind="slack")
        link = "<https://app.example.com/imports/a%20b%2Fc?a=1&amp;b=2|Open the import in Rally>"
        assert link in [element["text"] for element in json.loads(message["body"])["blocks"][-1]["elements"]]


async def test_a_named_destination_gets_the_message_of_its_kind(redis_url: str, sandbox_url: str) -> None:
    async with opened(redis_url, sandbox_url, named(sandbox_url)) as world:
        watch = await watch_ended_import(world, {"type": "named", "name": "room"}, {"type": "named", "name": "tool"})

        shown = [(each["type"], each["destination"], each["state"]) for each in watch["deliveries"]]
        assert shown == [("named", "room", "delivered"), ("named", "tool", "delivered")]
        assert len(await world.sandbox.messages(kind="slack")) == 1
        assert only(await world.sandbox.messages(name="tool"))["verified"]


async def test_a_name_that_is_not_configured_is_refused_with_a_code(world: World) -> None:
    wish = {"importId": "imp", "notify": [{"type": "named", "name": "nobody"}]}
    answer = await world.api.post("/v1/watches", json=wish, headers=bearer(CLIENT_KEY))

    assert answer.status_code == 422
    assert [(each["pointer"], each["code"]) for each in answer.json()["errors"]] == [("/notify/0/name", "unknown_name")]


async def test_a_name_that_is_no_longer_configured_waits_for_its_return(redis_url: str, sandbox_url: str) -> None:
    async with opened(redis_url, sandbox_url, named(sandbox_url)) as world:
        await world.sandbox.set_import("imp", ("COMPLETED", 0))
        watch = await world.watch(notify=[{"type": "named", "name": "room"}])
        del world.resources.named["room"]  # type: ignore[attr-defined]  # as after a restart with other settings
        await world.poll()
        await world.deliver()
        seen = await world.reload(watch)
        assert only(seen["deliveries"])["state"] == "pending"
        assert "no destination is configured" in only(seen["deliveries"])["lastReason"]

        world.resources.named["room"] = world.resources.named["tool"]  # type: ignore[index]
        world.pass_time(MINUTE)
        await world.deliver()
        assert only((await world.reload(watch))["deliveries"])["state"] == "delivered"
