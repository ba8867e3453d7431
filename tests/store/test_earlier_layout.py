"""Data of layout 6, as an earlier version has stored it: this version continues where that one stopped."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bridge.domain.times import HOUR, SECOND
from bridge.store.calls.connection import Store
from bridge.store.layout import LAYOUT
from tests.support.push_messages import PUSH_SECRET
from tests.support.world import ADMIN_KEY, World, reopened

pytestmark = pytest.mark.anyio

DATA = json.loads((Path(__file__).parents[1] / "support" / "layout_6.json").read_text())
"""An open, a cancelled, a told and an ended watch with a pending message, and a rule's digest of two imports."""
WATCHES = DATA["watches"]
CONFIG = """
[destinations.ops]
type = "slack"
channel = "C0123ABCD"

[[rules]]
name = "ops"
outcomes = "always"
notify = ["ops"]
mode = "digest"
digest = {every = "1h"}
"""
COMMANDS = {"string": "SET", "hash": "HSET", "list": "RPUSH", "set": "SADD", "zset": "ZADD"}


def command(key: str, kind: str, value: Any) -> list[str]:
    """Return the command that writes a key of the data."""
    match kind:
        case "string":
            parts = [value]
        case "hash":
            parts = [part for pair in value.items() for part in pair]
        case "zset":
            parts = [part for member, score in zip(value[::2], value[1::2], strict=True) for part in (score, member)]
        case _:
            parts = value
    return [COMMANDS[kind], key, *parts]


@pytest.fixture
async def world(redis_url: str, sandbox_url: str, store: Store) -> AsyncIterator[World]:
    """A world on the data, at the time at which it was stored."""
    for key, (kind, value) in DATA["keys"].items():
        await store.call(*command(key, kind, value))
    async with reopened(redis_url, sandbox_url, CONFIG, RALLY_WEBHOOK_SECRETS=PUSH_SECRET) as world:
        (await world.sandbox.http.post("/control/reset")).raise_for_status()
        world.pass_time(DATA["now"] - await world.resources.store.now())
        yield world


async def sent(world: World) -> str:
    return " ".join(each["body"] for each in await world.sandbox.messages(kind="slack"))


async def test_watches_are_read(world: World) -> None:
    states = {name: (await world.reload({"id": id_}))["state"] for name, id_ in WATCHES.items()}

    assert states == {"told": "settled", "open": "watching", "cancelled": "cancelled", "ended": "settled"}


async def test_histories_are_read(world: World) -> None:
    for id_ in WATCHES.values():
        assert (await world.get(f"/v1/watches/{id_}/history")).json()["data"]


async def test_a_message_that_was_owed_is_sent(world: World) -> None:
    await world.deliver()

    assert "`ended`" in await sent(world)
    assert (await world.reload({"id": WATCHES["ended"]}))["deliveries"][0]["state"] == "delivered"


async def test_an_open_watch_is_polled_and_told(world: World) -> None:
    await world.sandbox.set_import("open", ("COMPLETED", 0))

    await world.poll()
    world.pass_time(2 * SECOND)
    await world.deliver()
    world.pass_time(2 * SECOND)
    await world.deliver()

    watch = await world.reload({"id": WATCHES["open"]})
    assert (watch["outcome"], watch["deliveries"][0]["state"]) == ("completed", "delivered")


async def test_a_digest_that_was_gathered_is_sent(world: World) -> None:
    await world.deliver()
    world.pass_time(HOUR)
    await world.sweep()
    await world.deliver()

    assert "2 imports ended" in await sent(world)
    assert (await world.get("/v1/deliveries", key=ADMIN_KEY, state="pending")).json()["data"] == []


async def test_the_sweep_marks_the_data_with_our_layout(world: World) -> None:
    assert await world.resources.store.call("GET", "rb:schema") == "6"

    await world.sweep()

    assert await world.resources.store.call("GET", "rb:schema") == str(LAYOUT)
