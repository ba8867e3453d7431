"""What is stored for the histories of watches: notes about imports and workspaces, copied to each watch as it ends.

Readings are encrypted; all other notes have plain facts. `store/scripts/shared/notes.lua` adds notes.
"""

import asyncio
import json
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog

from bridge.domain.history.notes import Note, NoteKind, notes_for_watch
from bridge.domain.history.stored_history import StoredHistory
from bridge.domain.times import DAY, Moment, Span
from bridge.domain.watches import Watch, WatchState
from bridge.errors import DecryptionFailed
from bridge.store import bindings, keys
from bridge.store.calls.connection import Store
from bridge.store.encryption import Binding, Encryptor

KEPT_FOR: Span = 60 * DAY
"""How long the notes about an import are kept if its record was deleted without them, by another version."""
_TWO_FACTS = frozenset({NoteKind.REDELIVERY})

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportNotes:
    """The notes about an import and about its workspace, oldest first."""

    of_import: tuple[Note, ...] = ()
    of_workspace: tuple[Note, ...] = ()
    first_at: Moment | None = None
    """Since when the import is polled."""

    def for_watch(self, watch: Watch, until: Moment) -> StoredHistory:
        """Return what belongs to the time of a watch."""
        was_polled = self.first_at is not None and self.first_at < watch.created_at
        return StoredHistory(
            notes=notes_for_watch(watch.created_at, until, self.of_import, self.of_workspace),
            polled_since=self.first_at if was_polled else None,
        )


class History:
    """The histories in Redis, as far as they are not in the records of watches, deliveries and attempts."""

    def __init__(self, store: Store, encryptor: Encryptor) -> None:
        self._store = store
        self._encryptor = encryptor

    async def about(self, workspace: str, import_id: str) -> ImportNotes:
        """Return what is noted about an import that has a record."""
        of_import, of_workspace, first_at = await asyncio.gather(
            self._store.call("LRANGE", keys.notes(workspace, import_id), 0, -1),
            self._store.call("LRANGE", keys.pauses(workspace), 0, -1),
            self._store.call("HGET", keys.import_(workspace, import_id), "first_at"),
        )
        return ImportNotes(
            of_import=tuple(self._load(of_import, workspace, import_id)),
            of_workspace=tuple(self._load(of_workspace, workspace, import_id)),
            first_at=None if first_at is None else int(first_at),
        )

    async def of(self, watch: Watch, now: Moment) -> StoredHistory:
        """Return what is stored about a watch; if it is open, with the present notes about its import."""
        sealed, noted, cancelled_by = await self._store.call(
            "HMGET", keys.watch(watch.id), "history", "noted", "cancelled_by"
        )
        if watch.state is WatchState.WATCHING:
            stored = (await self.about(watch.workspace, watch.import_id)).for_watch(watch, now)
        else:
            stored = StoredHistory() if sealed is None else self.unseal(watch, sealed)
        lines = (noted or "").split("\n")
        own = self._load([line for line in lines if line], watch.workspace, watch.import_id)
        return StoredHistory(
            notes=(*stored.notes, *own), polled_since=stored.polled_since, cancelled_by=cancelled_by or None
        )

    def unseal(self, watch: Watch, sealed: str) -> StoredHistory:
        """Decrypt the history in the record of an ended watch; empty, with a line in the log, if no key fits."""
        binding = bindings.of_watch("history", watch.id, watch.client, watch.workspace, watch.import_id)
        try:
            stored = json.loads(zlib.decompress(self._encryptor.decrypt_bytes(sealed, binding)))
        except DecryptionFailed:
            log.error("record.decryption_failed", id=watch.id)  # noqa: TRY400 - the traceback adds nothing
            return StoredHistory()
        return StoredHistory(notes=tuple(_kept_notes(stored["notes"])), polled_since=stored["polled_since"])

    def _load(self, stored: Sequence[str], workspace: str, import_id: str) -> Iterator[Note]:
        """Yield the notes that can be read: no other version's note may hide the others."""
        for text in stored:
            with suppress(ValueError, DecryptionFailed):
                yield load_note(self._encryptor, text, workspace, import_id)


def _kept_notes(stored: Sequence[Sequence[Any]]) -> Iterator[Note]:
    """Yield the notes of an ended watch, except kinds of other versions."""
    for at, kind, *facts in stored:
        with suppress(ValueError):
            yield Note(at, NoteKind(kind), tuple(facts))


def history_field(encryptor: Encryptor, history: StoredHistory, binding: Binding) -> tuple[str, ...]:
    """Return the field of an ended watch that has its history; nothing if there is nothing to be kept."""
    if not history.notes and history.polled_since is None:
        return ()
    stored = {
        "notes": [[note.at, note.kind.value, *note.facts] for note in history.notes],
        "polled_since": history.polled_since,
    }
    content = zlib.compress(json.dumps(stored, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"))
    return ("history", encryptor.encrypt_bytes(content, binding))


def dump_note(encryptor: Encryptor, note: Note, workspace: str, import_id: str) -> str:
    """Return a note about an import as it is stored: a time, a kind, and facts; those of a reading are encrypted."""
    facts = " ".join(note.facts)
    if note.kind is NoteKind.READING:
        facts = encryptor.encrypt(json.dumps(note.facts), bindings.of_note(workspace, import_id))
    return f"{note.at} {note.kind.value} {facts}"


def dump_pause(note: Note) -> str:
    """Return a note about a workspace as it is stored; it has nothing private."""
    return f"{note.at} {note.kind.value} {' '.join(note.facts)}"


def load_pauses(stored: Sequence[str]) -> Iterator[Note]:
    """Yield the notes about a workspace, except those of other versions."""
    for text in stored:
        with suppress(ValueError):
            at, name, *facts = text.split(" ")
            yield Note(int(at), NoteKind(name), tuple(facts))


def load_note(encryptor: Encryptor, text: str, workspace: str, import_id: str) -> Note:
    """Parse a stored note. Raises DecryptionFailed, and ValueError for the note of another version."""
    at, name, *rest = text.split(" ", 2)
    kind = NoteKind(name)
    if kind is NoteKind.READING:
        facts = json.loads(encryptor.decrypt("".join(rest), bindings.of_note(workspace, import_id)))
    elif kind in _TWO_FACTS:
        facts = "".join(rest).split(" ", 1)
    else:
        facts = rest
    return Note(int(at), kind, tuple(facts))
