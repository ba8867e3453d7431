"""The sequential round trips to Redis between Rally's final response and the message."""

import asyncio

import pytest

from bridge.store.calls.connection import Store
from tests.support.samples import only
from tests.support.world import World
from workers.notify_operator import OperatorNotifier
from workers.poll import PollWork

pytestmark = pytest.mark.anyio

READ_TOGETHER = {"read_waiting", "read_budget", "HGETALL", "ZSCORE", "LRANGE", "HGET"}
"""The commands that settling sends concurrently."""
RING = {"EXISTS", "MULTI", "EXEC", "WATCH", "PSETEX", "ZADD", "LPUSH", "LTRIM", "PEXPIRE", "BLPOP"}
"""The commands of the bell and of arq, which may come at any time."""


async def record(store: Store, commands: list[str], on: asyncio.Event) -> None:
    """Record each command that clients send; scripts by name."""
    names = {script.sha: name for (name, _), script in store._scripts.items()}
    async with store.redis.monitor() as monitor:
        on.set()
        async for each in monitor.listen():
            if each["client_type"] != "lua":
                command, *arguments = each["command"].split()
                commands.append(names.get(arguments[0], "?") if command == "EVALSHA" else command)


async def test_four_round_trips_lead_from_the_final_answer_to_the_message(world: World) -> None:
    callback = {"type": "callback", "url": world.sandbox.callback_url()}
    for import_id in ("first", "imp"):  # the first one loads every script
        await world.sandbox.set_import(import_id, ("COMPLETED", 0))
    await world.watch("first", notify=[callback])
    await world.poll()
    await world.deliver()
    await world.watch("imp", notify=[callback])
    commands, on = list[str](), asyncio.Event()
    recording = asyncio.create_task(record(world.resources.store, commands, on))
    await on.wait()

    await world.poll()
    async with asyncio.timeout(10):
        while len(await world.sandbox.messages(kind="callback")) < 2 or "commit_delivery" not in commands:
            await world.deliver()
    recording.cancel()

    way = list(commands[commands.index("commit_polls") : commands.index("claim_deliveries") + 1])
    steps = [name for name in way if name in {"commit_polls", "settle", "claim_deliveries"}]
    reads = set(way[1 : way.index("settle")]) - {"write_budget", "claim_polls"} - RING
    assert steps == ["commit_polls", "settle", "claim_deliveries"]
    assert "read_waiting" in reads
    assert reads <= READ_TOGETHER, "read sequentially"


async def test_the_end_of_an_import_is_committed_before_its_round_ends(world: World) -> None:
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    watch = await world.watch("imp")
    worker = world.worker
    work = PollWork(world.resources, "default", worker.settler, OperatorNotifier(world.resources, on_due=lambda: None))
    polls, _ = await work.claim(5)

    polled = await work.act(only(list(polls)))
    await worker.settler.close()

    assert polled.committed
    assert (await world.reload(watch))["state"] == "settled"
    await work.commit([polled])
    assert (await world.reload(watch))["outcome"] == "completed"
