"""Nudges: Slack is told once of an import that runs for long or stands still; it is no delivery."""

import json
from typing import Any

import pytest

from bridge.domain.destinations import SlackChannel
from bridge.domain.nudges import CHECKED_AGAIN_AFTER, NO_PROGRESS_AFTER, NUDGE_AFTER
from bridge.domain.past_ends import LEAST
from bridge.domain.times import DAY, HOUR, MINUTE, SECOND
from bridge.store.slack.nudges import FURTHEST
from tests.support.deliveries import callback, slack
from tests.support.living_messages import LIVE, living_world
from tests.support.redis_snapshot import assert_store_sound
from tests.support.rules import watch_by_rule
from tests.support.samples import only
from tests.support.slack_requests import SlackStandIn
from tests.support.world import World, opened
from workers.nudges import NudgeWork

pytestmark = pytest.mark.anyio

HALF_AN_HOUR = NUDGE_AFTER // SECOND


async def watch(world: World, *, people: int = 120, **wish: Any) -> dict[str, Any]:
    """Watch an import that runs and has this number of people."""
    await world.sandbox.set_import("imp", ("UPLOADING", 0), people=people)
    made = await world.watch("imp", **{"notify": [slack(world)], "nudgeAfter": HALF_AN_HOUR, **wish})
    await look(world)
    return made


async def look(world: World) -> None:
    """Poll what is due, and check the watches."""
    await world.poll()
    await world.nudge()


async def wait(world: World, span: int, *, step: int = MINUTE) -> None:
    """Let time pass in steps, with polls and checks."""
    for _ in range(span // step):
        world.pass_time(step)
        await look(world)


async def texts(world: World) -> list[str]:
    await assert_store_sound(world.resources.store)
    return [json.loads(each["body"])["text"] for each in await world.sandbox.messages(kind="slack")]


async def test_an_import_that_runs_for_long_is_told_once(world: World) -> None:
    made = await watch(world, label="Q4 panel")
    await wait(world, NUDGE_AFTER - MINUTE, step=NUDGE_AFTER - MINUTE)
    assert await texts(world) == []

    await wait(world, MINUTE)

    assert only(await texts(world)).startswith(
        "⏳ Import still running: Q4 panel - 120 people imported so far, watched for "
    )
    await wait(world, HOUR, step=HOUR)
    assert len(await texts(world)) == 1
    shown = await world.reload(made)
    assert (shown["nudgeAfter"], shown["deliveries"]) == (HALF_AN_HOUR, [])


async def test_a_watch_that_asks_for_no_nudges_gets_none(world: World) -> None:
    await watch(world, nudgeAfter=None)
    world.pass_time(DAY // 2)
    await look(world)

    assert await texts(world) == []
    assert await world.resources.store.call("EXISTS", "rb:nudges:due") == 0


async def test_a_watch_that_has_ended_is_not_nudged(world: World) -> None:
    made = await watch(world)
    await world.post(f"/v1/watches/{made['id']}/cancel")
    world.pass_time(HOUR)
    await look(world)

    assert await texts(world) == []
    assert await world.resources.store.call("EXISTS", "rb:nudges:due") == 0


async def test_a_number_of_people_that_stands_still_is_told(world: World) -> None:
    await watch(world, nudgeAfter=DAY // SECOND // 2, people=10)
    await wait(world, 2 * MINUTE)
    await world.sandbox.set_import("imp", ("UPLOADING", 0), people=500)
    await wait(world, 5 * MINUTE, step=5 * MINUTE)
    await wait(world, NO_PROGRESS_AFTER, step=5 * MINUTE)

    assert only(await texts(world)).startswith("⏸️ Import without progress: imp - 500 people imported so far, no new ")


async def test_what_usually_takes_long_is_told_later(world: World) -> None:
    world.pass_time(-2 * DAY)  # so that no import seems to have ended before it was watched
    for number in range(LEAST):
        await world.sandbox.set_import(f"before{number}", ("UPLOADING", 0), people=150)
        await world.watch(f"before{number}")
        await world.poll()
        world.pass_time(20 * MINUTE)
        await world.sandbox.set_import(f"before{number}", ("COMPLETED", 0), people=150)
        await world.poll()

    await watch(world)
    world.pass_time(NUDGE_AFTER + MINUTE)
    await look(world)
    assert await texts(world) == []
    world.pass_time(NUDGE_AFTER)
    await look(world)

    assert "usually about 20 min" in only(await texts(world))


async def test_only_slack_is_nudged_and_only_destinations_that_want_problems(world: World) -> None:
    channel = {"type": "slack", "channel": "C0123ABCD"}
    await watch(world, notify=[callback(world), {**slack(world), "on": ["completed"]}, channel])
    world.pass_time(NUDGE_AFTER)
    await look(world)

    assert [each["kind"] for each in await world.sandbox.messages()] == ["slack"]
    body = json.loads(only(await world.sandbox.messages())["body"])
    assert body["channel"] == "C0123ABCD"


async def test_a_nudge_that_slack_refuses_is_not_repeated_and_delays_no_end(world: World) -> None:
    await world.sandbox.set_answers("slack", {"status": 500})
    await watch(world)
    world.pass_time(NUDGE_AFTER)
    await look(world)
    world.pass_time(HOUR)
    await look(world)
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    world.pass_time(HOUR)
    await world.poll()
    await world.deliver()

    assert [text[:8] for text in await texts(world)] == ["⏳ Import", "✅ Import"]


async def test_a_worker_that_dies_after_its_check_repeats_no_nudge(world: World) -> None:
    made = await watch(world)
    found = await world.resources.watches.get(made["id"])
    assert found is not None
    world.pass_time(NUDGE_AFTER)
    await world.poll()
    before = await world.resources.nudges.state(found)
    again_at = await world.resources.store.now() + MINUTE

    assert await world.resources.nudges.note(found, before, before.state, again_at)
    assert not await world.resources.nudges.note(found, before, before.state, again_at), "another was faster"


async def test_an_import_that_cannot_be_read_is_not_told(world: World) -> None:
    await watch(world)
    await world.sandbox.faults(status=500, times=100)
    world.pass_time(NUDGE_AFTER)
    await look(world)

    assert await texts(world) == []


async def test_a_clock_that_was_set_back_delays_no_check(world: World) -> None:
    made = await watch(world)
    await world.resources.store.call(
        "ZADD", "rb:nudges:due", 2 * FURTHEST + await world.resources.store.now(), made["id"]
    )

    work = NudgeWork(world.resources)
    claims, _ = await work.claim(1)

    assert [each.watch_id for each in claims] == [made["id"]]


async def test_a_watch_whose_check_fails_is_set_aside(world: World) -> None:
    made = await watch(world)
    work = NudgeWork(world.resources)
    world.pass_time(NUDGE_AFTER)
    (claim,), _ = await work.claim(1)

    await work.commit([work.set_aside(claim, ValueError())])

    due = int(await world.resources.store.call("ZSCORE", "rb:nudges:due", made["id"]))
    assert due - claim.at > CHECKED_AGAIN_AFTER


async def test_a_watch_that_was_deleted_or_cannot_be_read_is_forgotten(world: World) -> None:
    made = await watch(world)
    await world.resources.store.call("ZADD", "rb:nudges:due", 0, "wat_gone")
    await world.resources.store.call("HSET", f"rb:watch:{made['id']}", "private", "not encrypted by us")
    world.pass_time(NUDGE_AFTER)

    await world.nudge()

    assert await world.resources.store.call("EXISTS", "rb:nudges:due") == 0


async def test_the_watch_of_a_rule_is_nudged(redis_url: str, sandbox_url: str) -> None:
    config = """
        [[rules]]
        name = "ops"
        notify = [{type = "slack", channel = "C0123ABCD"}]

        [[rules]]
        name = "quiet"
        notify = [{type = "slack", channel = "C0123ABCD"}]
        nudge_after = false

        [[rules]]
        name = "soon"
        notify = [{type = "slack", channel = "C0123ABCD"}]
        nudge_after = "5m"
    """
    async with opened(redis_url, sandbox_url, config) as world:
        assert [each.nudge_after for each in world.resources.settings.rules] == [NUDGE_AFTER, None, 5 * MINUTE]
        rule = world.resources.settings.rules[0]
        await world.sandbox.set_import("imp", ("UPLOADING", 0))
        await watch_by_rule(world, *rule.notify, rule="ops", import_id="imp", nudge_after=NUDGE_AFTER)
        await look(world)
        world.pass_time(NUDGE_AFTER)
        await look(world)

        (message,) = await world.sandbox.messages(kind="slack")
        assert "Rule ops" in message["body"]


async def test_a_living_message_says_what_a_nudge_would(redis_url: str, sandbox_url: str, slack: SlackStandIn) -> None:
    async with living_world(redis_url, sandbox_url, slack) as living:
        world = living.world
        await world.sandbox.set_import("imp", ("UPLOADING", 0), people=10)
        await world.watch("imp", notify=[LIVE], nudgeAfter=HALF_AN_HOUR)
        await look(world)
        world.pass_time(MINUTE)
        await world.live()
        assert only(living.posts())["text"].startswith("⏳ Import running: imp")
        await wait(world, MINUTE)
        await world.sandbox.set_import("imp", ("UPLOADING", 0), people=20)
        await wait(world, NUDGE_AFTER, step=5 * MINUTE)
        await world.live()

        assert len(living.posts()) == 1, "no message of its own"
        edit = living.edits()[-1]
        assert edit["text"].startswith("⏸️ Import without progress: imp - 20 people")
        assert "no new people for about " in json.dumps(edit["blocks"])

        await world.sandbox.set_import("imp", ("UPLOADING", 0), people=30)
        await wait(world, 3 * MINUTE)
        await world.live()

        edit = living.edits()[-1]
        assert edit["text"].startswith("⏳ Import still running: imp - 30 people")
        assert "no new people" not in json.dumps(edit["blocks"])


async def test_a_living_message_that_is_not_shown_says_nothing(
    redis_url: str, sandbox_url: str, slack: SlackStandIn
) -> None:
    async with living_world(redis_url, sandbox_url, slack) as living:
        world = living.world
        await world.sandbox.set_import("imp", ("UPLOADING", 0))
        await world.watch("imp", notify=[LIVE], nudgeAfter=HALF_AN_HOUR)
        living.slack.answers["chat.postMessage"] = {"ok": False, "error": "channel_not_found"}
        await look(world)
        world.pass_time(MINUTE)
        await world.live()
        del living.slack.answers["chat.postMessage"]
        world.pass_time(NUDGE_AFTER)
        await look(world)

        assert [each["text"][:14] for each in living.posts()] == ["⏳ Import runni", "⏳ Import still"]


async def test_a_rule_leaves_a_destination_to_a_watch_that_nudges_it(world: World) -> None:
    shared, own = SlackChannel(channel="C0123ABCD"), SlackChannel(channel="C0OTHER00")
    await watch(world, notify=[{"type": "slack", "channel": "C0123ABCD"}])
    await watch_by_rule(world, shared, own, nudge_after=NUDGE_AFTER)
    world.pass_time(NUDGE_AFTER + MINUTE)
    await look(world)

    bodies = [json.loads(each["body"]) for each in await world.sandbox.messages(kind="slack")]
    assert sorted(each["channel"] for each in bodies) == ["C0123ABCD", "C0OTHER00"]
