"""The record of an import in Redis, and the spelling of its fields."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from bridge.domain.import_state import ImportState
from bridge.domain.imports import Absence, PollAnswer, Reading
from bridge.domain.polling.absences import AbsenceStreak
from bridge.domain.polling.last_noted import LastNoted
from bridge.domain.times import Moment
from bridge.errors import DecryptionFailed
from bridge.store import bindings, codec
from bridge.store.encryption import Encryptor

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRecord:
    """A stored import: what is known of it, and its polling."""

    state: ImportState
    polls: int
    next_due: Moment | None
    first_at: Moment | None = None
    """When its polling began."""
    final_at: Moment | None = None
    """When its final reading was stored."""
    by_rule: bool = False
    """Whether only rules watch it."""


def load_import_leniently(
    encryptor: Encryptor, workspace: str, import_id: str, record: Mapping[str, Any], next_due: Moment | None
) -> ImportRecord | None:
    """Parse an import's record for display; without its reading if it cannot be decrypted."""
    try:
        return load_import(encryptor, workspace, import_id, record, next_due)
    except DecryptionFailed:
        log.error("record.decryption_failed", import_id=import_id)  # noqa: TRY400 - the traceback adds nothing
        return load_import(encryptor, workspace, import_id, {**record, "reading": ""}, next_due)


def load_import(
    encryptor: Encryptor, workspace: str, import_id: str, record: Mapping[str, Any], next_due: Moment | None
) -> ImportRecord | None:
    """Parse an import's record; None if it is empty. Raises DecryptionFailed."""
    if not record:
        return None
    encrypted = record.get("reading")
    state = ImportState(
        reading=_load_reading(encryptor, workspace, import_id, encrypted) if encrypted else None,
        absent=load_streak(record.get("absent")),
        answer=load_answer(record.get("answer")),
        polled_at=_moment(record, "polled_at"),
        trouble=record.get("trouble") or None,
    )
    return ImportRecord(
        state=state,
        polls=int(record["polls"]),
        next_due=next_due,
        first_at=_moment(record, "first_at"),
        final_at=_moment(record, "final_at"),
        by_rule=bool(record.get("by_rule")),
    )


def _load_reading(encryptor: Encryptor, workspace: str, import_id: str, encrypted: str) -> Reading:
    return codec.load_reading(codec.load(encryptor.decrypt(encrypted, bindings.of_reading(workspace, import_id))))


def dump_answer(answer: PollAnswer) -> str:
    return f"{answer.at} {'' if answer.status is None else answer.status}"


def load_answer(text: str | None) -> PollAnswer | None:
    if not text:
        return None
    at, status = text.split(" ")
    return PollAnswer(int(at), int(status) if status else None)


def dump_streak(streak: AbsenceStreak) -> str:
    return " ".join(map(str, (streak.absence, streak.since, streak.at, streak.count, streak.longest_gap)))


def load_streak(text: str | None) -> AbsenceStreak | None:
    if not text:
        return None
    absence, *numbers = text.split()
    since, at, count, longest_gap = map(int, numbers)
    return AbsenceStreak(absence=Absence(absence), since=since, at=at, count=count, longest_gap=longest_gap)


def dump_noted(noted: LastNoted) -> str:
    return f"{noted.at} {noted.first_at} {noted.status} {noted.counts}"


def load_noted(text: str) -> LastNoted | None:
    if not text:
        return None
    at, first_at, status, counts = text.split(" ")
    return LastNoted(at=int(at), first_at=int(first_at), status=status, counts=counts)


def _moment(record: Mapping[str, Any], field: str) -> Moment | None:
    value = record.get(field)
    return int(value) if value else None
