"""The way from Rally's final answer to the message: which trips to Redis stand one behind another on it."""

import asyncio

import pytest

from bridge.store.connection import Store
from tests.support.samples import only
from tests.support.world import World
from workers.operator_notices import OperatorNotices
from workers.poll import PollWork

pytestmark = pytest.mark.anyio

READ_TOGETHER = {"read_waiting", "read_budget", "HGETALL", "ZSCORE"}
"""What settling reads, at the same time."""


async def listen(store: Store, heard: list[str], on: asyncio.Event) -> None:
    """Note each command that clients send: scripts by their names."""
    names = {script.sha: name for (name, _), script in store._scripts.items()}
    async with store.redis.monitor() as monitor:
        on.set()
        async for each in monitor.listen():
            if each["client_type"] != "lua":
                command, *arguments = each["command"].split()
                heard.append(names.get(arguments[0], "?") if command == "EVALSHA" else command)


async def test_between_the_final_answer_and_the_message_are_four_trips(world: World) -> None:
    callback = {"type": "callback", "url": world.sandbox.callback_url()}
    for import_id in ("first", "imp"):  # the first has every script loaded
        await world.sandbox.set_import(import_id, ("COMPLETED", 0))
    await world.watch("first", notify=[callback])
    await world.poll()
    await world.deliver()
    await world.watch("imp", notify=[callback])
    heard, on = list[str](), asyncio.Event()
    listening = asyncio.create_task(listen(world.resources.store, heard, on))
    await on.wait()

    await world.poll()
    async with asyncio.timeout(10):
        while len(await world.sandbox.messages(kind="callback")) < 2 or "commit_delivery" not in heard:
            await world.deliver()
    listening.cancel()

    way = list(heard[heard.index("commit_polls") : heard.index("claim_deliveries") + 1])
    steps = [name for name in way if name in {"commit_polls", "settle", "claim_deliveries"}]
    reads = set(way[1 : way.index("settle")]) - {"write_budget", "claim_polls", "BLPOP"}
    assert steps == ["commit_polls", "settle", "claim_deliveries"]
    assert "read_waiting" in reads
    assert reads <= READ_TOGETHER, "read one after another"


async def test_what_ends_an_import_is_committed_before_its_round_ends(world: World) -> None:
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    watch = await world.watch("imp")
    worker = world.worker
    work = PollWork(world.resources, "default", worker.settler, OperatorNotices(world.resources, on_due=lambda: None))
    polls, _ = await work.claim(5)

    polled = await work.act(only(list(polls)))
    await worker.settler.close()

    assert polled.committed
    assert (await world.reload(watch))["state"] == "settled"
    await work.commit([polled])
    assert (await world.reload(watch))["outcome"] == "completed"
