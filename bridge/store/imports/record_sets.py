"""Record sets in Redis: all failed records of an import whose reading has only the first of them.

A set is stored under the id of its content, before the reading that refers to it, and deleted when neither its import
nor a watch of the import refers to it any more.
"""

import asyncio
from collections.abc import Sequence

from bridge.domain.imports import FailedRecord
from bridge.domain.times import MINUTE, Span
from bridge.store import bindings, keys
from bridge.store.calls.connection import Store
from bridge.store.encryption import Encryptor
from bridge.store.imports.record_set_format import compress

USE_CHECKED_EVERY: Span = 10 * MINUTE
"""How often the sweep checks whether a set is still in use; longer than from storing a set to storing its reading."""


class RecordSets:
    """The record sets in Redis."""

    def __init__(self, store: Store, encryptor: Encryptor) -> None:
        self._store = store
        self._encryptor = encryptor

    async def keep(self, workspace: str, import_id: str, set_id: str, records: Sequence[FailedRecord]) -> None:
        """Store a set. Storing it again encrypts it with the newest key."""
        encrypted = await asyncio.to_thread(self._encrypt, workspace, import_id, set_id, records)
        await self._store.run(
            "keep_record_set",
            {"record_set": keys.record_set(set_id, workspace, import_id), "record_sets": keys.RECORD_SETS},
            {
                "member": keys.record_set_member(set_id, workspace, import_id),
                "encrypted": encrypted,
                "checked_every": USE_CHECKED_EVERY,
            },
        )

    async def get(self, workspace: str, import_id: str, set_id: str) -> bytes | None:
        """Return a compressed set (see `record_set_format`); None if it is not stored. Raises DecryptionFailed."""
        encrypted = await self._store.call("GET", keys.record_set(set_id, workspace, import_id))
        if encrypted is None:
            return None
        binding = bindings.of_record_set(set_id, workspace, import_id)
        return await asyncio.to_thread(self._encryptor.decrypt_bytes, encrypted, binding)

    async def delete_unused(self, count: int) -> None:
        """Delete the sets, of those whose use must be checked now, that nothing refers to any more."""
        await self._delete_unused(count)

    async def release(self, workspace: str, import_id: str, set_id: str) -> None:
        """Delete a set if nothing refers to it any more."""
        await self._delete_unused(1, keys.record_set_member(set_id, workspace, import_id))

    async def _delete_unused(self, count: int, *members: str) -> None:
        await self._store.run(
            "delete_record_sets",
            {"record_sets": keys.RECORD_SETS},
            {
                "count": count,
                "checked_every": USE_CHECKED_EVERY,
                "record_set_prefix": keys.RECORD_SET_PREFIX,
                "import_prefix": keys.IMPORT_PREFIX,
                "watch_prefix": keys.WATCH_PREFIX,
                "about_prefix": keys.ABOUT_PREFIX,
            },
            more_args=members,
        )

    def _encrypt(self, workspace: str, import_id: str, set_id: str, records: Sequence[FailedRecord]) -> str:
        binding = bindings.of_record_set(set_id, workspace, import_id)
        return self._encryptor.encrypt_bytes(compress(records), binding)
