"""Living messages when something goes wrong: one end each, and never a second living message."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bridge.domain.destinations import SlackChannel
from bridge.domain.living.living_message import Phase
from bridge.domain.times import DAY, HOUR, MINUTE, SECOND
from bridge.store.slack.living_messages import LivingClaim
from tests.support.living_messages import LIVE, TS, Living, end, end_living, living_world, progress, show_living
from tests.support.outages import unavailable
from tests.support.redis_snapshot import assert_store_sound
from tests.support.samples import only
from tests.support.slack_requests import CHANNEL, SLACK_CLIENT, SlackStandIn
from tests.support.world import World
from workers.deliver import DeliverWork
from workers.living import LEASE, LivingWork
from workers.notify_operator import OperatorNotifier

pytestmark = pytest.mark.anyio

NAMED = """
[destinations.panels]
type = "slack"
channel = "C0PANELS"
live = true
"""


@pytest.fixture
async def living(redis_url: str, sandbox_url: str, slack: SlackStandIn) -> AsyncIterator[Living]:
    async with living_world(redis_url, sandbox_url, slack) as living:
        yield living
        await assert_store_sound(living.world.resources.store)


async def until_posted(living: Living) -> None:
    """Watch an import that runs until its living message is due."""
    await living.world.sandbox.set_import("imp", ("UPLOADING", 0))
    await living.world.watch(notify=[LIVE], label="Q4 panel")
    await living.world.poll()
    living.world.pass_time(MINUTE)


def fails(error: str) -> dict[str, Any]:
    return {"ok": False, "error": error}


async def test_a_message_that_is_gone_is_forgotten_and_its_end_is_an_ordinary_message(living: Living) -> None:
    await show_living(living.world)
    living.slack.answers["chat.update"] = fails("message_not_found")
    for _ in range(2):
        await progress(living.world, 300)
        await living.world.live()
    await end(living.world)
    await end_living(living.world)

    assert [post.get("thread_ts") for post in living.posts()] == [None, None]
    assert (len(living.edits()), await living.phase()) == (1, "given_up")


async def test_a_message_that_can_not_be_edited_stays_and_its_end_is_a_reply(living: Living) -> None:
    await show_living(living.world)
    living.slack.answers["chat.update"] = fails("edit_window_closed")
    for _ in range(2):
        await progress(living.world, 300)
        await living.world.live()
    await end(living.world)
    await end_living(living.world)

    assert [post.get("thread_ts") for post in living.posts()] == [None, TS]
    assert (len(living.edits()), await living.phase()) == (1, "frozen")


async def test_an_edit_that_failed_for_now_is_followed_by_the_next_state(living: Living) -> None:
    await show_living(living.world)
    living.slack.answers["chat.update"] = fails("update_failed")
    await progress(living.world, 300)
    await living.world.live()
    del living.slack.answers["chat.update"]
    living.world.pass_time(40 * SECOND)
    await living.world.live()
    assert len(living.edits()) == 1
    await progress(living.world, 400)
    await living.world.live()

    assert ["400 people" in edit["text"] for edit in living.edits()] == [False, True]


async def test_a_limit_of_slack_pauses_all_edits_but_no_end(living: Living) -> None:
    await show_living(living.world)
    living.slack.answers["chat.update"] = 429
    living.slack.answer_headers["Retry-After"] = "300"
    await progress(living.world, 300)
    await living.world.live()
    del living.slack.answers["chat.update"]
    await progress(living.world, 400)
    await living.world.live()
    assert len(living.edits()) == 1

    await end(living.world)
    assert living.posts()[1]["thread_ts"] == TS
    living.world.pass_time(5 * MINUTE)
    await living.world.live()

    assert living.edits()[1]["text"].endswith("It has ended, see below.")


async def test_an_edit_whose_form_slack_refuses_is_repeated_once_as_plain_text(living: Living) -> None:
    await show_living(living.world)
    living.slack.answers["chat.update"] = fails("block_mismatch")
    await progress(living.world, 300)
    await living.world.live()
    living.world.pass_time(2 * SECOND)
    await living.world.live()
    living.world.pass_time(5 * MINUTE)
    await living.world.live()

    assert ["blocks" in edit for edit in living.edits()] == [True, False]
    assert await living.phase() == "frozen"


async def test_a_post_without_a_clear_answer_is_not_repeated(living: Living) -> None:
    living.slack.answers["chat.postMessage"] = 500
    await show_living(living.world)
    del living.slack.answers["chat.postMessage"]
    living.world.pass_time(HOUR)
    await living.world.live()
    assert (len(living.posts()), await living.phase()) == (1, "given_up")

    await end(living.world)
    await end_living(living.world)
    assert [post.get("thread_ts") for post in living.posts()] == [None, None]
    assert living.edits() == []


async def test_a_post_that_slack_refuses_for_now_is_repeated_later(living: Living) -> None:
    living.slack.answers["chat.postMessage"] = 429
    living.slack.answer_headers["Retry-After"] = "90"
    await show_living(living.world)
    del living.slack.answers["chat.postMessage"]
    living.world.pass_time(60 * SECOND)
    await living.world.live()
    assert len(living.posts()) == 1
    living.world.pass_time(35 * SECOND)
    await living.world.live()

    assert (len(living.posts()), await living.phase()) == (2, "shown")


async def test_a_reply_that_slack_refuses_becomes_an_ordinary_message(living: Living) -> None:
    watch = await show_living(living.world)
    living.slack.answers["chat.postMessage"] = fails("thread_not_found")
    await end(living.world)
    del living.slack.answers["chat.postMessage"]
    living.world.pass_time(3 * SECOND)
    await living.world.deliver()
    await end_living(living.world)

    assert [post.get("thread_ts") for post in living.posts()] == [None, TS, None]
    delivery = only((await living.world.reload(watch))["deliveries"])
    assert (delivery["state"], delivery["attempts"]) == ("delivered", 2)


async def test_an_archived_channel_ends_the_delivery_as_without_a_living_message(living: Living) -> None:
    watch = await show_living(living.world)
    living.slack.answers = dict.fromkeys(("chat.postMessage", "chat.update"), fails("is_archived"))
    await end(living.world)
    await end_living(living.world)

    delivery = only((await living.world.reload(watch))["deliveries"])
    assert (delivery["state"], delivery["lastReason"]) == (
        "abandoned",
        "Slack: is_archived (unarchive the channel, or use another)",
    )


async def claim_post(world: World) -> LivingClaim:
    _, _, (claim,) = await world.resources.living.claim(4, LEASE)
    return claim


async def test_a_worker_that_dies_before_the_intent_leaves_the_post_to_another(living: Living) -> None:
    await until_posted(living)
    await claim_post(living.world)
    await living.world.live()
    assert living.posts() == []
    living.world.pass_time(LEASE)
    await living.world.live()

    assert (len(living.posts()), await living.phase()) == (1, "shown")


async def test_a_worker_that_dies_after_the_intent_gives_the_message_up(living: Living) -> None:
    await until_posted(living)
    claim = await claim_post(living.world)
    assert await living.world.resources.living.begin_post(claim) == 0
    living.world.pass_time(LEASE)
    await living.world.live()
    assert (living.posts(), await living.phase()) == ([], "given_up")

    await end(living.world)
    assert "thread_ts" not in only(living.posts())


async def test_a_worker_that_dies_between_the_answer_and_the_commit_leaves_one_message(living: Living) -> None:
    await until_posted(living)
    work = LivingWork(living.world.resources)
    claimed, _ = await work.claim(4)
    result = await work.act(only(list(claimed)))
    assert result.after is not None
    assert result.after.phase is Phase.SHOWN
    living.world.pass_time(LEASE)
    await living.world.live()
    await work.commit([result])  # too late
    await end(living.world)
    await end_living(living.world)

    assert [post.get("thread_ts") for post in living.posts()] == [None, None]
    assert "As of <!date^" in str(living.posts()[0]["blocks"])
    assert (living.edits(), await living.phase()) == ([], "given_up")


async def test_an_end_waits_for_a_post_in_progress_and_is_then_a_reply(living: Living) -> None:
    await until_posted(living)
    work = LivingWork(living.world.resources)
    claimed, _ = await work.claim(4)
    result = await work.act(only(list(claimed)))
    await living.world.sandbox.set_import("imp", ("COMPLETED", 0))
    living.world.pass_time(5 * SECOND)
    await living.world.poll()
    await living.world.deliver()
    assert len(living.posts()) == 1

    await work.commit([result])
    living.world.pass_time(2 * SECOND)
    await living.world.deliver()
    await end_living(living.world)

    assert [post.get("thread_ts") for post in living.posts()] == [None, TS]
    assert only(living.edits())["text"].endswith("It has ended, see below.")


async def test_an_end_is_an_ordinary_message_once_a_post_has_no_answer(living: Living) -> None:
    await until_posted(living)
    claim = await claim_post(living.world)
    await living.world.resources.living.begin_post(claim)
    await living.world.sandbox.set_import("imp", ("COMPLETED", 0))
    living.world.pass_time(5 * SECOND)
    await living.world.poll()
    await living.world.deliver()
    assert living.posts() == []
    living.world.pass_time(26 * SECOND)
    await living.world.deliver()

    assert "thread_ts" not in only(living.posts())


async def test_an_import_that_ends_between_the_claim_and_the_intent_is_not_posted(living: Living) -> None:
    await until_posted(living)
    claim = await claim_post(living.world)
    await living.world.sandbox.set_import("imp", ("COMPLETED", 0))
    living.world.pass_time(5 * SECOND)
    await living.world.poll()

    assert await living.world.resources.living.begin_post(claim) is None
    assert await living.phase() is None


async def test_an_edit_in_progress_is_followed_by_the_last_one_only_after_its_lease(living: Living) -> None:
    await show_living(living.world)
    living.world.pass_time(MINUTE + SECOND)
    claim = await claim_post(living.world)
    await end(living.world)
    await end_living(living.world)
    assert len(living.edits()) == 1  # the clock was moved past the lease

    assert await living.world.resources.living.begin_edit(claim) is None


async def test_at_most_once_abandons_a_reply_without_an_answer(
    redis_url: str, sandbox_url: str, slack: SlackStandIn
) -> None:
    async with living_world(redis_url, sandbox_url, slack, SLACK_AT_MOST_ONCE="true") as living:
        watch = await show_living(living.world)
        living.slack.answers["chat.postMessage"] = 500
        await end(living.world)
        del living.slack.answers["chat.postMessage"]
        living.world.pass_time(5 * MINUTE)
        await living.world.deliver()
        await end_living(living.world)

        assert len(living.posts()) == 2
        assert only((await living.world.reload(watch))["deliveries"])["state"] == "abandoned"
        assert only(living.edits())["text"].endswith("It has ended.")


async def test_redis_that_is_away_when_an_end_looks_for_its_thread_is_no_attempt(
    redis_url: str, sandbox_url: str, slack: SlackStandIn
) -> None:
    async with living_world(redis_url, sandbox_url, slack, SLACK_AT_MOST_ONCE="true") as living:
        watch = await show_living(living.world)
        await living.world.resources.lanes.pause(living.world.resources.lane(SlackChannel(channel=CHANNEL)), 2 * MINUTE)
        await living.world.sandbox.set_import("imp", ("COMPLETED", 0))
        living.world.pass_time(MINUTE)
        await living.world.poll()
        living.world.pass_time(MINUTE)
        work = DeliverWork(living.world.resources, OperatorNotifier(living.world.resources, on_due=lambda: None))
        claimed, _ = await work.claim(4)
        with unavailable(living.world.resources.store):
            result = await work.act(only(list(claimed)))
        await work.commit([result])
        living.world.pass_time(2 * SECOND)
        await living.world.deliver()

        delivery = only((await living.world.reload(watch))["deliveries"])
        assert (delivery["state"], delivery["attempts"]) == ("delivered", 1)


async def test_a_name_that_stands_for_another_channel_by_now_is_told_there(
    redis_url: str, sandbox_url: str, slack: SlackStandIn
) -> None:
    async with living_world(redis_url, sandbox_url, slack, SLACK_CLIENT + NAMED) as living:
        await show_living(living.world, notify={"type": "named", "name": "panels"})
        assert only(living.posts())["channel"] == CHANNEL
        assert "actions" not in {block["type"] for block in only(living.posts())["blocks"]}
        async with living.reopened(SLACK_CLIENT + NAMED.replace("C0PANELS", "C0OTHERS")) as moved:
            moved.world.pass_time(MINUTE)
            await moved.world.live()
            await end(moved.world)
            await end_living(moved.world)

            assert [(post["channel"], post.get("thread_ts")) for post in moved.posts()] == [
                (CHANNEL, None),
                ("C0OTHERS", None),
            ]
            edit = only(moved.edits())
            assert (edit["channel"], edit["text"].split(":")[0]) == (CHANNEL, "⏹️ Import not watched here any more")
            assert await moved.phase() == "frozen"


async def test_a_message_whose_key_is_lost_is_given_up(living: Living) -> None:
    await show_living(living.world)
    store = living.world.resources.store
    key = only(await store.call("KEYS", "rb:living:*:default:imp"))
    await store.call("HSET", key, "posted", "gAAAAABm")
    await progress(living.world, 300)
    await living.world.live()
    await end(living.world)
    await end_living(living.world)

    assert [post.get("thread_ts") for post in living.posts()] == [None, None]
    assert (living.edits(), await living.phase()) == ([], "given_up")


async def test_without_a_bot_a_message_is_given_up_when_its_import_has_ended(
    redis_url: str, sandbox_url: str, slack: SlackStandIn
) -> None:
    async with living_world(redis_url, sandbox_url, slack) as living:
        watch = await show_living(living.world)
        async with living.reopened("", SLACK_BOT_TOKEN="", SLACK_SIGNING_SECRET="") as without:
            without.world.pass_time(MINUTE)
            await without.world.live()
            await without.world.post(f"/v1/watches/{watch['id']}/cancel")
            await end_living(without.world)

            assert (living.edits(), await without.phase()) == ([], "given_up")
            await assert_store_sound(without.world.resources.store)


async def test_figures_are_not_dated_by_polls_that_could_not_read_the_import(living: Living) -> None:
    await show_living(living.world)
    await living.world.sandbox.faults(status=500, times=1)
    await progress(living.world, 300)
    await living.world.live()
    assert living.edits() == []

    await progress(living.world, 300)
    await living.world.live()
    assert "300 people" in only(living.edits())["text"]


async def test_edits_that_failed_before_the_end_leave_the_last_edit_its_tries(living: Living) -> None:
    await show_living(living.world)
    living.slack.answers["chat.update"] = 500
    for people in (300, 400, 500, 600):
        await progress(living.world, people)
        await living.world.live()
    await end(living.world)
    await end_living(living.world)
    assert await living.phase() == "shown"
    del living.slack.answers["chat.update"]
    living.world.pass_time(MINUTE)
    await living.world.live()

    assert await living.phase() == "ended"


async def test_an_import_that_ended_long_ago_is_not_said_to_run_when_it_is_watched_again(living: Living) -> None:
    await show_living(living.world)
    await end(living.world)
    await end_living(living.world)
    living.world.pass_time(DAY)
    await living.world.watch(notify=[LIVE])
    await living.world.live()
    await living.world.poll()
    await living.world.live()
    await living.world.deliver()
    living.world.pass_time(MINUTE)
    await living.world.live()

    assert not [edit["text"] for edit in living.edits() if "running" in edit["text"]]
    assert living.edits()[-1]["text"].endswith("It has ended, see below.")


async def test_a_name_that_is_no_longer_live_has_its_message_edited_until_its_end(
    redis_url: str, sandbox_url: str, slack: SlackStandIn
) -> None:
    async with living_world(redis_url, sandbox_url, slack, SLACK_CLIENT + NAMED) as living:
        await show_living(living.world, notify={"type": "named", "name": "panels"})
        async with living.reopened(SLACK_CLIENT + NAMED.replace("live = true\n", "")) as changed:
            await progress(changed.world, 300)
            await changed.world.live()
            await end(changed.world)
            await end_living(changed.world)

            assert [post.get("thread_ts") for post in changed.posts()] == [None, None]
            running, ended = (edit["text"] for edit in changed.edits())
            assert running.startswith("⏳ Import running")
            assert ended.endswith("It has ended, see below.")
