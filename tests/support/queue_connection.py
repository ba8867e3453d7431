"""arq's connection with short pauses, and a Redis that rejects writes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bridge import queue
from bridge.domain.secret import Secret
from bridge.store.calls.connection import Store

STEP = 0.05


def connect(url: str, *, patience: float = 0.0) -> queue.ResilientArqRedis:
    """Open arq's connection, whose pauses are a tenth of the usual ones."""
    arq = queue.connect(Secret(url), patience=patience)
    arq.retries.pause /= 10
    arq.retries.logged_after /= 10
    arq.read_interval /= 10
    return arq


TROUBLES = {
    "full": (["CONFIG SET maxmemory 1"], ["CONFIG SET maxmemory 0"]),
    "a replica": (["REPLICAOF 127.0.0.1 1"], ["REPLICAOF NO ONE"]),
    "a replica that lost its master": (
        ["CONFIG SET replica-serve-stale-data no", "REPLICAOF 127.0.0.1 1"],
        ["REPLICAOF NO ONE", "CONFIG SET replica-serve-stale-data yes"],
    ),
    "short of replicas": (["CONFIG SET min-replicas-to-write 1"], ["CONFIG SET min-replicas-to-write 0"]),
}
"""Commands that make Redis reject writes, and those that undo it."""


@asynccontextmanager
async def troubled(store: Store, trouble: str) -> AsyncIterator[None]:
    begin, end = TROUBLES[trouble]
    for command in begin:
        await store.call(*command.split())
    try:
        yield
    finally:
        for command in end:
            await store.call(*command.split())


async def in_transaction(arq: queue.ResilientArqRedis, *command: Any) -> list[Any]:
    pipeline = arq.pipeline()
    pipeline.execute_command(*command)
    return await pipeline.execute()
