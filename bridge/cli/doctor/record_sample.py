"""A sample of the stored records: whether our encryption keys decrypt them, and not the store's own key alone."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from redis.asyncio import Redis

from bridge.domain.delivery.deliveries import DeliveryState
from bridge.errors import DecryptionFailed
from bridge.resources import Resources
from bridge.store import keys
from bridge.store.indexes import WATCH_INDEXES

PER_END = 3
"""The oldest and the newest records of each index that are read."""
Read: TypeAlias = Callable[[str], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class RecordSample:
    """The number of records that were read, and of those that no key decrypts."""

    count: int = 0
    undecryptable: int = 0


async def sample_records(redis: Redis, resources: Resources) -> RecordSample:
    """Read watches and deliveries from both ends of each index."""
    found: dict[str, Read] = {}
    for index, read in _indexes(resources):
        oldest = await redis.zrange(index, 0, PER_END - 1)
        newest = await redis.zrange(index, -PER_END, -1)
        found |= dict.fromkeys([*oldest, *newest], read)
    results = await asyncio.gather(*(_decrypts(record_id, read) for record_id, read in found.items()))
    return RecordSample(count=len(results), undecryptable=results.count(False))


def _indexes(resources: Resources) -> Iterator[tuple[str, Read]]:
    for index in WATCH_INDEXES:
        yield keys.watches_in(index), resources.watches.get
    for state in DeliveryState:
        yield keys.deliveries_in(state.value), resources.deliveries.get


async def _decrypts(record_id: str, read: Read) -> bool:
    try:
        await read(record_id)
    except DecryptionFailed:
        return False
    return True
