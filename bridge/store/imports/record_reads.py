"""Record sets that are read from Rally on demand, because there are too many records to keep them.

A request of the API waits until a worker has read the import within the budget. Whoever asks within a minute of that
request to Rally gets the same answer.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from bridge.domain.imports import Read, Reading
from bridge.domain.polling.budget import Budget, Grant
from bridge.domain.times import MINUTE, Moment, Span
from bridge.store import bindings, codec, keys
from bridge.store.calls.connection import Store
from bridge.store.encryption import Encryptor
from bridge.store.imports.record_set_format import compress

KEPT_FOR: Span = MINUTE
"""How long the answer is kept, counted from the request: there is at most one in this time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRead:
    """What Rally answered: the reading with its compressed record set, if it has one; or why there is no reading."""

    reading: Reading | None = None
    compressed: bytes | None = None
    trouble: str | None = None


class RecordReads:
    """The wanted and the answered reads in Redis."""

    def __init__(self, store: Store, encryptor: Encryptor) -> None:
        self._store = store
        self._encryptor = encryptor

    async def get_or_request(self, workspace: str, import_id: str) -> RecordRead | None:
        """Return the answer of the last minute; None if it is still awaited, perhaps only from now on."""
        flat = await self._store.run(
            "request_record_read",
            {"read": keys.record_read(workspace, import_id), "wanted": keys.RECORD_READS_WANTED},
            {"member": keys.member(workspace, import_id)},
        )
        return await asyncio.to_thread(self._load, workspace, import_id, codec.unflatten(flat))

    async def wanted(self, count: int) -> list[tuple[str, str]]:
        """Return the imports that must be read: (workspace, import id)."""
        members = await self._store.call("ZRANGE", keys.RECORD_READS_WANTED, 0, count - 1)
        return [keys.split_member(member) for member in members]

    async def drop(self, workspace: str, import_id: str) -> None:
        """Forget that an import must be read."""
        await self._store.call("ZREM", keys.RECORD_READS_WANTED, keys.member(workspace, import_id))

    async def claim(
        self, workspace: str, import_id: str, budget: Budget, granted: Grant, *, lease: Span, now: Moment
    ) -> bool:
        """Reserve budget for one read. Return False if the budget was overwritten, or if another worker reads it."""
        claimed = await self._store.run(
            "claim_record_read",
            {
                "budget": keys.budget(workspace),
                "imports_leased": keys.imports_leased(workspace),
                "wanted": keys.RECORD_READS_WANTED,
                "read": keys.record_read(workspace, import_id),
            },
            {
                "version": budget.version,
                "member": keys.member(workspace, import_id),
                "leased_as": _leased_as(import_id),
                "lease": lease,
                "paced_until": granted.paced_from + granted.step,
                "probing_until": now + lease if granted.probe else 0,
                "kept_for": KEPT_FOR,
            },
        )
        return bool(claimed)

    async def answer(self, workspace: str, import_id: str, answer: Read | str) -> None:
        """Store what was read, or in words why nothing was, and notify those who wait."""
        fields = await asyncio.to_thread(self._dump, workspace, import_id, answer)
        await self._store.run(
            "answer_record_read",
            {"read": keys.record_read(workspace, import_id), "imports_leased": keys.imports_leased(workspace)},
            {"leased_as": _leased_as(import_id), "topic": keys.record_read_topic(workspace, import_id)},
            more_args=fields,
        )

    def _dump(self, workspace: str, import_id: str, answer: Read | str) -> Sequence[str]:
        if isinstance(answer, str):
            return ["trouble", answer]
        reading, records = bindings.of_record_read(workspace, import_id)
        return [
            *("reading", self._encryptor.encrypt(codec.dump(answer.reading), reading)),
            *("records", self._encryptor.encrypt_bytes(compress(answer.record_set), records)),
        ]

    def _load(self, workspace: str, import_id: str, record: dict[str, str]) -> RecordRead | None:
        if "trouble" in record:
            return RecordRead(trouble=record["trouble"])
        if "reading" not in record:
            return None
        reading, records = bindings.of_record_read(workspace, import_id)
        found = codec.load_reading(codec.load(self._encryptor.decrypt(record["reading"], reading)))
        compressed = self._encryptor.decrypt_bytes(record["records"], records)
        return RecordRead(reading=found, compressed=None if found.record_set_id is None else compressed)


def _leased_as(import_id: str) -> str:
    """Return the member among the leased imports. No import's id contains a line feed."""
    return f"\n{import_id}"
