"""Long polls and event streams of a watch, and their few commands to Redis while nothing happens."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from bridge.store import keys
from bridge.web.endpoints.events import COMMENT, watch_events
from tests.support.world import CLIENT_KEY, OTHER_KEY, World, bearer, opened

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(redis_url: str, sandbox_url: str) -> AsyncIterator[World]:
    async with opened(redis_url, sandbox_url) as world:
        yield world


async def until_subscribed(world: World, number: int) -> None:
    """Wait until there are this many subscriptions to changes."""
    async with asyncio.timeout(5):
        while world.resources.change_feed.listeners < number:  # noqa: ASYNC110 - the product has no use for such an event
            await asyncio.sleep(0.01)


async def test_a_long_poll_is_answered_as_soon_as_the_watch_settles(world: World) -> None:
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    watch = await world.watch()
    waiting = asyncio.create_task(world.get(f"/v1/watches/{watch['id']}", wait=30))
    await until_subscribed(world, 1)
    assert not waiting.done()
    await world.poll()

    answer = await asyncio.wait_for(waiting, 5)
    assert (answer.json()["state"], answer.json()["outcome"]) == ("settled", "completed")


async def test_a_long_poll_that_times_out_returns_the_current_state(world: World) -> None:
    watch = await world.watch()
    answer = await world.get(f"/v1/watches/{watch['id']}", wait=1)

    assert (answer.status_code, answer.json()["state"]) == (200, "watching")


async def test_a_watch_of_another_client_cannot_be_waited_for_or_followed(world: World) -> None:
    watch = await world.watch()

    assert (await world.get(f"/v1/watches/{watch['id']}", key=OTHER_KEY, wait=30)).status_code == 404
    assert (await world.get(f"/v1/watches/{watch['id']}/events", key=OTHER_KEY)).status_code == 404


async def test_long_polls_send_no_commands_to_redis_while_nothing_happens(world: World) -> None:
    watch = await world.watch()
    path = f"/v1/watches/{watch['id']}"
    waiting = [asyncio.create_task(world.get(path, wait=30)) for _ in range(50)]
    await until_subscribed(world, 50)
    await asyncio.sleep(0.5)  # the first reads may still be in progress
    before = await calls(world)
    await asyncio.sleep(1)

    assert await calls(world) - before <= 2, "but our own INFO, nothing"
    await world.post(f"{path}/cancel")
    answers = await asyncio.wait_for(asyncio.gather(*waiting), 5)
    assert {answer.json()["state"] for answer in answers} == {"cancelled"}


async def test_a_stream_reads_the_store_once_for_each_keep_alive(world: World) -> None:
    await world.heartbeat()
    watch = await world.resources.watches.get((await world.watch())["id"])
    assert watch is not None
    stream = watch_events(world.resources, watch, keep_alive=0.01)
    assert (await anext(stream)).startswith("event: watch")
    await world.resources.bell.aclose()  # without the commands of the POST's ring
    before = await calls(world)

    assert {await anext(stream) for _ in range(20)} == {COMMENT}
    # The watch, its import, the import's next poll, the workspace, the workers and the time (a script, and a command in
    # it); besides, a PING and our own INFO.
    assert await calls(world) - before <= 7 * 20 + 4


async def calls(world: World) -> int:
    stats = await world.resources.store.redis.info("stats")
    return int(stats["total_commands_processed"])


def events(text: str) -> Iterator[tuple[str, Any]]:
    for block in text.split("\n\n"):
        if block.startswith("event: "):
            name, _, data = block.removeprefix("event: ").partition("\ndata: ")
            yield name, json.loads(data)


async def test_a_stream_sends_each_reading_the_outcome_and_each_delivery_and_then_ends(world: World) -> None:
    notify = [{"type": "callback", "url": world.sandbox.callback_url()}, {"type": "slack", "channel": "C0123ABCD"}]
    watch = await world.watch(notify=notify)
    stream = asyncio.create_task(world.get(f"/v1/watches/{watch['id']}/events"))
    await until_subscribed(world, 2)
    for status, after in (("UPLOADING", 0), ("COMPLETED", 0)):
        await world.sandbox.set_import("imp", (status, after), people=7 if status == "UPLOADING" else 9)
        world.pass_time(120_000)
        await world.poll()
        await asyncio.sleep(0.2)
    await world.deliver()

    answer = await asyncio.wait_for(stream, 5)
    received = list(events(answer.text))
    assert answer.headers["content-type"].startswith("text/event-stream")
    # The final reading is an event of its own only if it is read before the watch settles.
    names = [name for name, data in received if "COMPLETED" not in {data.get("status"), data.get("meaning", "")[-9:]}]
    assert names == ["watch", "reading", "poll", "outcome", "delivery", "delivery"]
    assert received[0][1]["state"] == "watching"
    assert next(data for name, data in received if name == "outcome")["outcome"] == "completed"
    assert {data["state"] for name, data in received if name == "delivery"} == {"delivered"}


async def test_a_stream_reports_at_once_that_rally_does_not_know_the_import(world: World) -> None:
    watch = await world.resources.watches.get((await world.watch("unknown"))["id"])
    assert watch is not None
    stream = watch_events(world.resources, watch)
    assert (await anext(stream)).startswith("event: watch")
    await world.poll()

    ((name, found),) = events(await asyncio.wait_for(anext(stream), 5))
    assert (name, found["status"]) == ("poll", 404)
    assert "Rally knows no such import yet; the watch ends as not_found at " in found["meaning"]
    assert (await world.reload({"id": watch.id}))["lastPoll"] == found
    (listed,) = (await world.get("/v1/watches")).json()["data"]
    assert listed["lastPoll"] == found
    cancelled = (await world.post(f"/v1/watches/{watch.id}/cancel")).json()
    assert cancelled["lastPoll"] == {**found, "meaning": "Rally knows no such import"}


async def test_a_stream_sends_no_reading_when_the_import_has_just_been_deleted(world: World) -> None:
    await world.sandbox.set_import("imp", ("UPLOADING", 0), people=7)
    posted = await world.watch()
    await world.poll()
    watch = await world.resources.watches.get(posted["id"])
    assert watch is not None
    stream = watch_events(world.resources, watch, keep_alive=0.01)
    ((_, snapshot),) = events(await anext(stream))
    assert snapshot["import"]["status"] == "UPLOADING"

    await world.resources.store.call("DEL", keys.import_("default", "imp"))  # as between two steps of another process

    assert {await anext(stream) for _ in range(3)} == {COMMENT}


async def test_a_stream_survives_an_outage_of_the_store(world: World) -> None:
    call = world.resources.store.call
    watch = await world.resources.watches.get((await world.watch())["id"])
    assert watch is not None
    record, stream = f"rb:watch:{watch.id}", watch_events(world.resources, watch)
    assert (await anext(stream)).startswith("event: watch")
    await call("RENAME", record, "set-aside")
    await call("SET", record, "nothing that can be read")
    await call("PUBLISH", "rb:changes", f"watch:{watch.id}")

    assert await anext(stream) == COMMENT

    await call("RENAME", "set-aside", record)
    await world.post(f"/v1/watches/{watch.id}/cancel")
    assert [event async for event in stream if event.startswith("event: outcome")]


async def test_a_head_request_for_a_stream_is_answered_at_once(world: World) -> None:
    watch = await world.watch()
    path = f"/v1/watches/{watch['id']}/events"
    answer = await asyncio.wait_for(world.api.head(path, headers=bearer(CLIENT_KEY)), 5)

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")


async def test_the_stream_of_an_ended_watch_is_its_snapshot(world: World) -> None:
    watch = await world.watch()
    await world.post(f"/v1/watches/{watch['id']}/cancel")
    answer = await world.get(f"/v1/watches/{watch['id']}/events")

    assert [(name, data["state"]) for name, data in events(answer.text)] == [("watch", "cancelled")]


async def test_a_subscription_is_renewed_after_redis_dropped_the_connection(world: World) -> None:
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    watch = await world.watch()
    waiting = asyncio.create_task(world.get(f"/v1/watches/{watch['id']}", wait=30))
    await until_subscribed(world, 1)
    await world.resources.store.call("CLIENT", "KILL", "TYPE", "pubsub")
    await world.poll()

    assert (await asyncio.wait_for(waiting, 5)).json()["state"] == "settled"


async def test_a_process_that_shuts_down_answers_all_long_polls(world: World) -> None:
    watch = await world.watch()
    path = f"/v1/watches/{watch['id']}"
    waiting = asyncio.create_task(world.get(path, wait=60))
    stream = asyncio.create_task(world.get(f"{path}/events"))
    await until_subscribed(world, 3)
    world.resources.change_feed.stop()

    answers = await asyncio.wait_for(asyncio.gather(waiting, stream), 5)
    assert [answer.status_code for answer in answers] == [200, 200]
