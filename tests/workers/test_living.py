"""Living messages: posted when an import runs for a minute, edited, and ended with their import."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bridge.domain.times import MINUTE, SECOND
from tests.support.living_messages import (
    END_LOOKED_AFTER,
    LIVE,
    TS,
    Living,
    end,
    end_living,
    living_world,
    progress,
    show_living,
)
from tests.support.redis_snapshot import assert_store_sound
from tests.support.samples import only
from tests.support.slack_requests import CHANNEL, SlackStandIn

pytestmark = pytest.mark.anyio


@pytest.fixture
async def living(redis_url: str, sandbox_url: str, slack: SlackStandIn) -> AsyncIterator[Living]:
    async with living_world(redis_url, sandbox_url, slack) as living:
        yield living
        await assert_store_sound(living.world.resources.store)


async def test_an_import_that_ends_within_a_minute_has_only_its_end(living: Living) -> None:
    await living.world.sandbox.set_import("imp", ("UPLOADING", 0))
    await living.world.watch(notify=[LIVE])
    await living.world.poll()
    living.world.pass_time(40 * SECOND)
    await living.world.live()
    await living.world.sandbox.set_import("imp", ("COMPLETED", 0))
    await living.world.poll()
    await living.world.deliver()
    living.world.pass_time(MINUTE)
    await living.world.live()

    post = only(living.posts())
    assert post["text"].startswith("✅ Import completed")
    assert "thread_ts" not in post
    assert (living.edits(), await living.phase()) == ([], None)


async def test_an_import_that_runs_longer_has_one_message_that_is_edited(living: Living) -> None:
    await show_living(living.world)
    post = only(living.posts())
    assert post["text"] == "⏳ Import running: Q4 panel - 120 people imported so far (imp)"
    assert (post["channel"], post["unfurl_links"]) == (CHANNEL, False)

    await progress(living.world, 1_240)
    await living.world.live()

    edit = only(living.edits())
    assert (edit["channel"], edit["ts"]) == (CHANNEL, TS)
    assert "*1,240 people* imported so far" in json.dumps(edit["blocks"])
    assert edit.keys() == {"channel", "ts", "text", "blocks"}
    assert len(living.posts()) == 1


async def test_an_import_that_rally_does_not_know_is_not_said_to_run_until_it_is_read(living: Living) -> None:
    await living.world.watch(notify=[LIVE])
    await living.world.poll()
    living.world.pass_time(MINUTE)
    await living.world.live()
    assert only(living.posts())["text"] == "❓ Import not found so far: imp"

    await progress(living.world, 7)
    await living.world.live()

    assert only(living.edits())["text"] == "⏳ Import running: imp - 7 people imported so far"


async def test_a_message_is_edited_at_most_once_a_minute_and_only_if_its_words_change(living: Living) -> None:
    await show_living(living.world)
    living.world.pass_time(40 * SECOND)
    await living.world.live()
    assert living.edits() == []
    living.world.pass_time(21 * SECOND)
    await living.world.live()
    assert len(living.edits()) == 1  # "watched for about 2 min"
    living.world.pass_time(100 * MINUTE)
    await living.world.live()
    living.world.pass_time(MINUTE)
    await living.world.live()
    assert len(living.edits()) == 2  # "about 2 h", twice


@pytest.mark.parametrize(
    ("where", "thread"),
    [
        ({}, {"thread_ts": TS, "reply_broadcast": True}),
        ({"end": "broadcast"}, {"thread_ts": TS, "reply_broadcast": True}),
        ({"end": "reply"}, {"thread_ts": TS, "reply_broadcast": False}),
        ({"end": "message"}, {}),
    ],
)
async def test_the_end_is_told_where_the_destination_wants_it(
    living: Living, where: dict[str, Any], thread: dict[str, Any]
) -> None:
    await show_living(living.world, **where)
    await end(living.world)
    await end_living(living.world)

    told = living.posts()[1]
    assert told["text"].startswith("✅ Import completed: Q4 panel")
    assert {key: told[key] for key in ("thread_ts", "reply_broadcast") if key in told} == thread
    words = "It has ended, see the thread." if where == {"end": "reply"} else "It has ended, see below."
    edit = only(living.edits())
    assert edit["text"] == f"✅ Import completed: Q4 panel - 120 people imported (imp). {words}"
    assert "actions" not in {block["type"] for block in edit["blocks"]}
    assert await living.phase() == "ended"


async def test_a_living_message_that_ended_is_deleted_after_the_retention(living: Living) -> None:
    await show_living(living.world)
    await end(living.world)
    await end_living(living.world)

    key = only(await living.world.resources.store.call("KEYS", "rb:living:*:default:imp"))
    left = await living.world.resources.store.call("PTTL", key)
    assert 0 < left <= living.world.resources.settings.bridge_retention
    assert TS not in str(await living.world.resources.store.call("HGETALL", key))


async def test_an_outcome_that_is_not_told_here_is_said_by_the_last_edit(living: Living) -> None:
    await show_living(living.world, on="problems")
    await end(living.world)
    await end_living(living.world)

    assert len(living.posts()) == 1
    assert only(living.edits())["text"].endswith("120 people imported (imp). It has ended.")


async def test_the_last_edit_waits_until_the_end_is_told(living: Living) -> None:
    await show_living(living.world)
    living.slack.answers["chat.postMessage"] = {"ok": False, "error": "service_unavailable"}
    await end(living.world)
    await end_living(living.world)
    assert living.edits() == []

    del living.slack.answers["chat.postMessage"]
    living.world.pass_time(15 * SECOND)
    await living.world.deliver()
    await living.world.live()

    assert only(living.edits())["text"].endswith("It has ended, see below.")


async def test_a_cancelled_watch_ends_its_living_message(living: Living) -> None:
    watch = await show_living(living.world)
    await living.world.post(f"/v1/watches/{watch['id']}/cancel")
    await end_living(living.world)

    assert only(living.edits())["text"].startswith("⏹️ Import not watched here any more: Q4 panel")
    assert len(living.posts()) == 1


async def test_watches_of_one_destination_and_import_share_the_message_and_have_an_end_each(living: Living) -> None:
    first = await show_living(living.world)
    second = await living.world.watch(notify=[LIVE])
    await living.world.post(f"/v1/watches/{first['id']}/cancel")
    await progress(living.world, 300)
    await living.world.live()
    assert "300 people imported so far" in living.edits()[-1]["text"]

    third = await living.world.watch(notify=[LIVE])
    await end(living.world)
    living.world.pass_time(2 * SECOND)
    await living.world.deliver()
    await end_living(living.world)

    assert second["id"] != third["id"]
    assert [post.get("thread_ts") for post in living.posts()] == [None, TS, TS]
    assert living.edits()[-1]["text"].endswith("It has ended, see below.")


async def test_a_watch_that_is_cancelled_after_another_was_told_does_not_hide_the_end(living: Living) -> None:
    await show_living(living.world)
    second = await living.world.watch(notify=[LIVE])
    waiting, store = "rb:waiting:default:imp", living.world.resources.store
    await store.call("SREM", waiting, second["id"])  # it is settled later than the first one
    await end(living.world)
    assert (await living.world.post(f"/v1/watches/{second['id']}/cancel")).status_code == 200
    await end_living(living.world)

    assert living.edits()[-1]["text"].endswith("It has ended, see below.")


async def test_a_watch_that_is_cancelled_after_another_timed_out_ends_the_message(living: Living) -> None:
    first = await show_living(living.world)
    await living.world.watch(notify=[LIVE], expiresIn=60)
    living.world.pass_time(2 * MINUTE)
    await living.world.sweep()
    assert (await living.world.post(f"/v1/watches/{first['id']}/cancel")).status_code == 200
    await end_living(living.world)

    assert living.edits()[-1]["text"].endswith("Nothing more is told here.")


async def test_an_import_that_is_watched_again_keeps_its_message(living: Living) -> None:
    watch = await show_living(living.world)
    await living.world.post(f"/v1/watches/{watch['id']}/cancel")
    await end_living(living.world)
    await living.world.watch(notify=[LIVE])
    await living.world.poll()
    living.world.pass_time(2 * SECOND)
    await living.world.live()
    await end(living.world)

    assert [edit["text"].split(":")[0] for edit in living.edits()] == [
        "⏹️ Import not watched here any more",
        "⏳ Import running",
    ]
    assert [post.get("thread_ts") for post in living.posts()] == [None, TS]


async def test_a_redelivered_end_is_a_reply_as_well(living: Living) -> None:
    watch = await show_living(living.world)
    await end(living.world)
    await end_living(living.world)
    delivery = only((await living.world.reload(watch))["deliveries"])
    await living.world.post(f"/v1/deliveries/{delivery['id']}/redeliver")
    living.world.pass_time(2 * SECOND)
    await living.world.deliver()

    assert [post.get("thread_ts") for post in living.posts()] == [None, TS, TS]


async def test_ends_that_a_digest_tells_end_their_living_messages(living: Living) -> None:
    world, watches = living.world, [{"importId": each, "notify": [LIVE]} for each in ("imp", "imp2")]
    for each in watches:
        await world.sandbox.set_import(str(each["importId"]), ("UPLOADING", 0))
    await world.post("/v1/watches/batch", json={"watches": watches, "digest": True})
    await world.poll()
    for _ in watches:
        world.pass_time(MINUTE)
        await world.live()
    for each in watches:
        await world.sandbox.set_import(str(each["importId"]), ("COMPLETED", 0))
    world.pass_time(MINUTE)
    await world.poll()
    await world.sweep()
    await world.deliver()
    for _ in range(4):
        world.pass_time(END_LOOKED_AFTER)
        await world.live()

    assert ["imp2" in post["text"] for post in living.posts()[:2]] == [False, True]
    digest = only(living.posts()[2:])
    assert "2 imports" in digest["text"]
    assert "thread_ts" not in digest
    last = living.edits()[-2:]
    assert sorted("imp2" in edit["text"] for edit in last) == [False, True]
    assert {edit["text"].rpartition(". ")[2] for edit in last} == {"It has ended, see below."}


async def test_a_running_message_has_a_button_where_buttons_can_be_used(living: Living) -> None:
    watch = await show_living(living.world)

    button = only(only(living.posts())["blocks"][-1]["elements"])
    assert (button["action_id"], button["value"]) == ("stop_watching", watch["id"])


async def test_a_destination_without_live_has_no_living_message(living: Living) -> None:
    await show_living(living.world, live=False)

    assert living.slack.calls == []
    assert await living.world.resources.store.call("KEYS", "rb:living*") == []
