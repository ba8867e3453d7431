"""One trial: clients call while the primary is lost, until everything that was accepted has been told."""

import asyncio
from collections.abc import Callable, Sequence
from time import monotonic

from bridge.store import keys

from .clients import Clients
from .findings import Message, Trial
from .outside import Outside
from .servers import RedisSet, Server

KILLED, PLANNED, SILENT = "killed", "planned", "silent"
KINDS = (KILLED, PLANNED, SILENT)
BEFORE, AFTER = 3.0, 2.0
"""Seconds of calls before the fault, and after the recovery."""
SILENCE = 5.0
"""Seconds for which the replicas hear nothing before the primary is killed."""
PATIENCE = 60.0


async def run_trial(kind: str, number: int, redis: RedisSet, api: str, outside: Outside, *, required: int) -> Trial:
    """`required` is the number of replicas that must confirm."""
    former = await redis.until_ready(len(redis.servers) - 1)
    outside.messages.clear()
    clients, done = Clients(f"{kind}-{number}", api, outside), asyncio.Event()
    calling = asyncio.create_task(clients.run(done))
    try:
        await asyncio.sleep(BEFORE)
        await _until(lambda: monotonic() if outside.messages else None)
        struck = await _strike(kind, redis, former)
        primary = await redis.until_named(former)
        named = monotonic()
        if kind != PLANNED:
            former.start(replica_of=primary)
        await redis.until_followed(required)
        followed, told_before = monotonic(), len(outside.messages)
        accepted = await _until(lambda: _first_accepted(clients, followed))
        told = await _until(lambda: monotonic() if len(outside.messages) > told_before else None)
        await asyncio.sleep(AFTER)
        done.set()
        await calling
        await clients.repeat_refused()
        await _until_all_told(clients, outside)
        return await _result(
            clients,
            redis,
            tuple(outside.messages),
            kind=kind,
            named_after=named - struck,
            followed_after=followed - struck,
            accepted_after=None if accepted is None else accepted - followed,
            told_after=None if told is None else told - followed,
        )
    finally:
        done.set()
        await asyncio.gather(calling, return_exceptions=True)
        await clients.aclose()


async def _strike(kind: str, redis: RedisSet, primary: Server) -> float:
    """Cause the failover; return its moment."""
    if kind == SILENT:
        primary.forwarder.swallow(replication_alone=True)
        await asyncio.sleep(SILENCE)
    struck = monotonic()
    if kind == PLANNED:
        await redis.fail_over()
    else:
        primary.kill()
    return struck


def _first_accepted(clients: Clients, since: float) -> float | None:
    """Return the first moment since then at which a watch was accepted."""
    return min((at for at in clients.accepted_at if at >= since), default=None)


async def _until(moment: Callable[[], float | None]) -> float | None:
    until = monotonic() + PATIENCE
    while monotonic() < until:
        if (found := moment()) is not None:
            return found
        await asyncio.sleep(0.02)
    return None


async def _until_all_told(clients: Clients, outside: Outside) -> None:
    """Wait until all accepted watches were told; what is missing then is found by the check."""
    until, untold = monotonic() + PATIENCE, True
    while untold and monotonic() < until:
        await asyncio.sleep(0.2)
        untold = bool(clients.accepted.keys() - {each.watch_id for each in outside.messages})


async def _result(
    clients: Clients, redis: RedisSet, messages: Sequence[Message], *, kind: str, **times: float | None
) -> Trial:
    found = {watch_id: await clients.get(watch_id) for watch_id in clients.accepted}
    primary = await redis.until_followed(0)
    recorded = {
        message_id
        for message_id in clients.pushed
        if await primary.ask("EXISTS", keys.push_seen("default", message_id))
    }
    return Trial(
        kind=kind,
        **times,  # type: ignore[arg-type]  # the names are those of the fields
        refused=len(clients.refused),
        accepted=clients.accepted,
        pushed=clients.pushed,
        shown=clients.shown,
        final={watch_id: watch for watch_id, watch in found.items() if watch is not None},
        watches_of={each: await clients.watches_of(each) for each in clients.accepted.values()},
        recorded=frozenset(recorded),
        messages=messages,
    )
