"""A watch that was asked for in Slack is not lost with the process that asks Slack about it."""

import asyncio

import pytest

from bridge.domain.destinations import SlackChannel
from bridge.domain.living.living_message import LivingPlace
from bridge.domain.times import SECOND
from bridge.ids import new_id
from bridge.store import keys
from bridge.store.slack.wishes import ACCEPTED_AFTER
from bridge.store.watches.acceptance_call import NewWatch
from tests.support.samples import only
from tests.support.slack_requests import CHANNEL, USER, SlackStandIn, send_command, text_of
from tests.support.world import ADMIN_KEY, World

pytestmark = pytest.mark.anyio


def wish(import_id: str = "imp") -> NewWatch:
    return NewWatch(
        id=new_id("wat_"),
        client=f"slack:{USER}",
        workspace="default",
        import_id=import_id,
        notify=(SlackChannel(channel=CHANNEL, on=None),),
        label="PRIVATE-LABEL",
        metadata={},
        expires_in=3_600 * SECOND,
        living=(LivingPlace(receiver="f" * 32, lane="slack:x"),),
    )


async def left(world: World) -> list[str]:
    """Return the keys of wishes that are neither fulfilled nor forgotten."""
    return [key async for key in world.resources.store.redis.scan_iter("rb:slack:wish*")]


async def test_a_wish_that_a_process_leaves_behind_is_accepted_by_a_worker(world: World) -> None:
    new = wish()
    await world.resources.slack_wishes.keep(new)
    assert "PRIVATE" not in await world.resources.store.call("GET", keys.slack_wish(new.id))

    await world.sweep()
    assert (await world.get("/v1/watches", key=ADMIN_KEY)).json()["data"] == []

    world.pass_time(ACCEPTED_AFTER)
    await world.sweep()
    await world.sweep()
    accepted = only((await world.get("/v1/watches", key=ADMIN_KEY)).json()["data"])
    assert (accepted["id"], accepted["label"], accepted["createdBy"]) == (new.id, new.label, new.client)
    assert "`imp`" in text_of(await send_command(world.api, "list", user_id="U0BOB"))
    assert await left(world) == []
    assert await world.resources.store.call("KEYS", "rb:living:*:imp") == [f"rb:living:{'f' * 32}:default:imp"]


@pytest.mark.parametrize("answer", [{"ok": True}, 500, {"ok": False, "error": "not_in_channel"}])
async def test_no_wish_is_left_once_slack_has_answered(world: World, slack: SlackStandIn, answer: object) -> None:
    slack.answers["chat.postEphemeral"] = answer
    await send_command(world.api, "watch imp", response_url=slack.response_url)
    assert len(slack.of("chat.postEphemeral")) == 1
    assert await left(world) == []


async def test_a_wish_is_due_at_once_after_the_clock_was_set_back(world: World) -> None:
    world.pass_time(10 * ACCEPTED_AFTER)
    await world.resources.slack_wishes.keep(wish())
    world.pass_time(-9 * ACCEPTED_AFTER)
    await world.sweep()
    assert len((await world.get("/v1/watches", key=ADMIN_KEY)).json()["data"]) == 1


async def test_a_wish_that_cannot_be_decrypted_stays_and_blocks_no_other(world: World) -> None:
    strange, good = wish(), wish("another")
    for new in (strange, good):
        await world.resources.slack_wishes.keep(new)
    await world.resources.store.call("SET", keys.slack_wish(strange.id), "?")
    world.pass_time(ACCEPTED_AFTER)
    await world.sweep()
    assert only((await world.get("/v1/watches", key=ADMIN_KEY)).json()["data"])["id"] == good.id
    assert keys.slack_wish(strange.id) in await left(world)


async def test_a_channel_hears_once_of_an_import_that_is_asked_for_twice_at_once(world: World) -> None:
    answers = await asyncio.gather(*(send_command(world.api, "watch imp", user_id=user) for user in (USER, "U0BOB")))
    assert ["a moment ago" in answer.text for answer in answers].count(True) == 1
    only((await world.get("/v1/watches", key=ADMIN_KEY)).json()["data"])
    assert await left(world) == []


async def test_a_wish_whose_answer_was_lost_is_not_kept_twice(world: World) -> None:
    lost = wish()
    await world.resources.slack_wishes.keep(lost)
    assert "a moment ago" in text_of(await send_command(world.api, "watch imp"))
    assert await world.resources.slack_wishes.keep(lost)  # the same again, as after a lost reply of Redis
    world.pass_time(ACCEPTED_AFTER)
    await world.sweep()
    assert only((await world.get("/v1/watches", key=ADMIN_KEY)).json()["data"])["id"] == lost.id
