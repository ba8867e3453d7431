"""Records read in numbers: one that does not open is left out, and hides none of the others."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import structlog

from bridge.errors import DecryptionFailed
from bridge.redis.errors import translated
from bridge.store.connection import Store

log = structlog.get_logger()

Sealed = TypeVar("Sealed")
Opened = TypeVar("Opened")


async def read_many(
    store: Store, ids: Sequence[str], key: Callable[[str], str], load: Callable[[str, Mapping[str, Any]], Opened]
) -> list[Opened]:
    """Give the records with these ids that are there and open, in this order; raises StoreUnavailable."""
    if not ids:
        return []
    async with translated(), store.redis.pipeline(transaction=False) as pipe:
        for id_ in ids:
            pipe.hgetall(key(id_))
        records = await pipe.execute()
    there = ((id_, record) for id_, record in zip(ids, records, strict=True) if record)
    return list(those_that_open(there, load))


def those_that_open(records: Iterable[tuple[str, Sealed]], load: Callable[[str, Sealed], Opened]) -> Iterator[Opened]:
    """Load each; the log tells which ones none of our keys opens."""
    for id_, record in records:
        try:
            yield load(id_, record)
        except DecryptionFailed:
            log.error("record.decryption_failed", id=id_)  # noqa: TRY400 - where it was found out says nothing
