"""The event stream of the console: that something changed, for whom, and its end."""

import asyncio

import pytest

from bridge.store import keys
from bridge.web.console.events import CHANGED, changes
from tests.support.world import OTHER_KEY, World

pytestmark = pytest.mark.anyio

PATH = "/console/events"


async def test_each_change_is_one_event_and_silence_ends_after_a_while(world: World) -> None:
    stream = changes(world.resources, (keys.ANY_TOPIC,), at_most_every=0, at_least_every=30)
    assert (await anext(stream)).startswith("retry:")
    assert await anext(stream) == CHANGED  # the connection is new, so changes may have been missed
    waiting = asyncio.ensure_future(anext(stream))
    await world.resources.store.call("PUBLISH", "rb:changes", "watch:wat_any")
    async with asyncio.timeout(10):
        assert await waiting == CHANGED
    await stream.aclose()


async def test_a_page_is_read_again_from_time_to_time_without_a_change(world: World) -> None:
    stream = changes(world.resources, (keys.watch_topic("wat_1"),), at_most_every=0, at_least_every=0.01)
    async with asyncio.timeout(10):
        assert [await anext(stream) for _ in range(4)][1:] == [CHANGED] * 3
    await stream.aclose()


async def test_the_stream_ends_with_the_session_and_at_shutdown(world: World) -> None:
    stream = changes(world.resources, (keys.ANY_TOPIC,), lasts=0.05, at_most_every=0, at_least_every=30)
    async with asyncio.timeout(10):
        assert len([each async for each in stream]) >= 1
    world.resources.change_feed.stop()
    stopped = changes(world.resources, (keys.ANY_TOPIC,), at_most_every=0)
    async with asyncio.timeout(10):
        assert len([each async for each in stopped]) == 1


async def test_it_is_for_the_session_and_for_its_own_watches_only(signed_in: World) -> None:
    own, theirs = await signed_in.watch("own"), await signed_in.watch("theirs", key=OTHER_KEY)
    stream = await signed_in.api.head(PATH)
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert (await signed_in.api.head(PATH, params={"watch": own["id"]})).status_code == 200
    assert (await signed_in.api.head(PATH, params={"watch": theirs["id"]})).status_code == 404
    assert (await signed_in.api.head(PATH, params={"watch": "*"})).status_code == 422
    signed_in.api.cookies.clear()
    assert (await signed_in.api.get(PATH)).status_code == 303


async def test_the_script_is_kept_under_an_address_of_its_contents(signed_in: World) -> None:
    page = await signed_in.api.get("/console")
    address = page.text.split('<script src="')[1].split('"')[0]
    script = await signed_in.api.get(address)
    assert script.headers["content-type"].startswith("text/javascript")
    assert "immutable" in script.headers["cache-control"]
    assert page.text.count("<script") == 1
