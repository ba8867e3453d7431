"""A watch that was asked for in Slack is not lost with the process that asks Slack about it."""

import asyncio
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest

from bridge.domain.destinations import SlackChannel
from bridge.domain.living.living_message import LivingPlace
from bridge.domain.secret import Secret
from bridge.domain.times import SECOND
from bridge.ids import new_id
from bridge.store import keys
from bridge.store.slack.wishes import ACCEPTED_AFTER, KeptWish
from bridge.store.watches.acceptance_call import NewWatch
from tests.support.outages import unavailable
from tests.support.samples import only
from tests.support.slack_requests import CHANNEL, USER, SlackStandIn, send_command, text_of
from tests.support.world import ADMIN_KEY, World

pytestmark = pytest.mark.anyio


def wish(import_id: str = "imp", answers: str | None = None) -> KeptWish:
    new = NewWatch(
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
    return KeptWish(new=new, answers=None if answers is None else Secret(answers))


async def left(world: World) -> list[str]:
    """Return the keys of wishes that are neither fulfilled nor forgotten."""
    return [key async for key in world.resources.store.redis.scan_iter("rb:slack:wish*")]


async def watches(world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await world.get("/v1/watches", key=ADMIN_KEY)).json()["data"]
    return found


async def test_a_wish_that_a_process_leaves_behind_is_confirmed_and_accepted(world: World, slack: SlackStandIn) -> None:
    kept = wish(answers=slack.response_url)
    await world.resources.slack_wishes.keep(kept)
    stored = await world.resources.store.call("GET", keys.slack_wish(kept.new.id))
    assert "PRIVATE" not in stored
    assert "secret-of-the-url" not in stored

    await world.resume_wishes()
    assert await watches(world) == []

    world.pass_time(ACCEPTED_AFTER)
    await world.resume_wishes()
    await world.resume_wishes()
    accepted = only(await watches(world))
    assert (accepted["id"], accepted["label"], accepted["createdBy"]) == (kept.new.id, kept.new.label, kept.new.client)
    shown = only(slack.of("chat.postEphemeral"))
    assert (shown["channel"], shown["user"], "Watching `imp`" in shown["text"]) == (CHANNEL, USER, True)
    assert slack.of("commands") == []
    assert "`imp`" in text_of(await send_command(world.api, "list", user_id="U0BOB"))
    assert await left(world) == []
    assert await world.resources.store.call("KEYS", "rb:living:*:imp") == [f"rb:living:{'f' * 32}:default:imp"]


async def test_a_wish_that_slack_refuses_to_confirm_is_not_accepted_by_a_worker(
    world: World, slack: SlackStandIn
) -> None:
    slack.answers["chat.postEphemeral"] = {"ok": False, "error": "not_in_channel"}
    await world.resources.slack_wishes.keep(wish(answers=slack.response_url))
    world.pass_time(ACCEPTED_AFTER)
    await world.resume_wishes()
    assert "Invite me" in only(slack.of("commands"))["text"]
    assert await watches(world) == []
    assert await left(world) == []


async def test_a_worker_says_what_slack_may_not_have_shown(world: World, slack: SlackStandIn) -> None:
    slack.answers["chat.postEphemeral"] = {"ok": False, "error": "internal_error"}
    await world.resources.slack_wishes.keep(wish(answers=slack.response_url))
    world.pass_time(ACCEPTED_AFTER)
    await world.resume_wishes()
    assert "Watching `imp`" in only(slack.of("commands"))["text"]
    assert len(await watches(world)) == 1


async def test_a_refusal_while_redis_is_away_is_said_and_nothing_is_accepted(world: World, slack: SlackStandIn) -> None:
    slack.answers["chat.postEphemeral"] = {"ok": False, "error": "channel_not_found"}
    with ExitStack() as outage:
        begin = partial(outage.enter_context, unavailable(world.resources.store))
        slack.on_call["chat.postEphemeral"] = begin  # so that the wish can't be forgotten
        await send_command(world.api, "watch imp", response_url=slack.response_url)
        assert "Invite me" in only(slack.of("commands"))["text"]
    slack.on_call.clear()
    assert await left(world) != []

    world.pass_time(ACCEPTED_AFTER)
    await world.resume_wishes()
    assert await watches(world) == []
    assert await left(world) == []


async def test_a_watch_that_redis_could_not_take_is_confirmed_again_when_it_is_accepted(
    world: World, slack: SlackStandIn
) -> None:
    with ExitStack() as outage:
        slack.on_call["chat.postEphemeral"] = partial(outage.enter_context, unavailable(world.resources.store))
        await send_command(world.api, "watch imp", response_url=slack.response_url)
    slack.on_call.clear()
    assert await watches(world) == []

    world.pass_time(ACCEPTED_AFTER)
    await world.resume_wishes()
    assert only(await watches(world))["importId"] == "imp"
    assert ["Watching" in each["text"] for each in slack.of("chat.postEphemeral")] == [True, True]


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
    await world.resume_wishes()
    assert len(await watches(world)) == 1


async def test_a_wish_that_cannot_be_decrypted_stays_and_blocks_no_other(world: World) -> None:
    strange, good = wish(), wish("another")
    for each in (strange, good):
        await world.resources.slack_wishes.keep(each)
    await world.resources.store.call("SET", keys.slack_wish(strange.new.id), "?")
    world.pass_time(ACCEPTED_AFTER)
    await world.resume_wishes()
    assert only(await watches(world))["id"] == good.new.id
    assert keys.slack_wish(strange.new.id) in await left(world)


async def test_a_channel_hears_once_of_an_import_that_is_asked_for_twice_at_once(world: World) -> None:
    answers = await asyncio.gather(*(send_command(world.api, "watch imp", user_id=user) for user in (USER, "U0BOB")))
    assert ["a moment ago" in answer.text for answer in answers].count(True) == 1
    only(await watches(world))
    assert await left(world) == []


async def test_a_wish_whose_answer_was_lost_is_not_kept_twice(world: World) -> None:
    lost = wish()
    await world.resources.slack_wishes.keep(lost)
    assert "a moment ago" in text_of(await send_command(world.api, "watch imp"))
    assert await world.resources.slack_wishes.keep(lost)  # the same again, as after a lost reply of Redis
    world.pass_time(ACCEPTED_AFTER)
    await world.resume_wishes()
    assert only(await watches(world))["id"] == lost.new.id
