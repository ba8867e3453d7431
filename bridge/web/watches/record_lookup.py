"""The failed records of a watch: those of its reading, as stored, or as read from Rally when someone asks."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from time import monotonic
from typing import Literal

import structlog

from bridge.domain.imports import FAILED_RECORDS_KEPT, FailedRecord, Reading
from bridge.domain.record_sets import record_set_id
from bridge.domain.watches import Watch, WatchState
from bridge.queue import Job
from bridge.resources import Resources
from bridge.store import keys
from bridge.store.imports.record_reads import RecordRead
from bridge.store.imports.record_set_format import read_lines
from bridge.web.refusals import Refusal, Refused

WAIT = 10.0
"""Seconds that a request waits for Rally's answer."""
RETRY_AFTER = "10"
RETRY_AFTER_TROUBLE = "60"
"""The Retry-After in seconds after Rally gave no usable answer: the next request to Rally is made in a minute."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRecords:
    """All failed records of a reading; records without id and address are only counted."""

    reading: Reading
    compressed: bytes | None = None
    """The record set, if the reading has only the first records."""

    def __iter__(self) -> Iterator[FailedRecord]:
        return iter(self.reading.failed_records) if self.compressed is None else read_lines(self.compressed)

    @property
    def version(self) -> str:
        """An id that changes with the records."""
        return self.reading.record_set_id or record_set_id(self.reading.failed_records)


async def failed_records_of(resources: Resources, watch: Watch, *, wait: float = WAIT) -> FoundRecords:
    """Return the failed records of the watch's reading; of an open watch, those of the latest reading of its import.

    Raise Refused if there is no reading, or if they must be read from Rally and that fails or takes too long.
    """
    reading = await _reading_of(resources, watch)
    if reading is None:
        raise Refused(Refusal.IMPORT_NOT_READ, "Rally has not shown it, so its failed records are not known.")
    if reading.failed_record_count <= FAILED_RECORDS_KEPT:
        return FoundRecords(reading=reading)
    if reading.record_set_id is not None:
        where = (watch.workspace, watch.import_id)
        compressed = await resources.record_sets.get(*where, reading.record_set_id)
        if compressed is not None:
            return FoundRecords(reading=reading, compressed=compressed)
    return await _read_now(resources, watch, reading, wait)


def log_access(client: str, watch: Watch, form: Literal["json", "csv", "slack", "slack_csv"]) -> None:
    """Log who has read the failed records of which import: they are personal data."""
    facts = {"workspace": watch.workspace, "import_id": watch.import_id}
    log.info("failed_records.shown", client=client, watch_id=watch.id, form=form, **facts)


async def _reading_of(resources: Resources, watch: Watch) -> Reading | None:
    if watch.state is not WatchState.WATCHING:
        return watch.reading
    (record,) = await resources.imports.many([(watch.workspace, watch.import_id)])
    return None if record is None else record.state.reading


async def _read_now(resources: Resources, watch: Watch, reading: Reading, wait: float) -> FoundRecords:
    answer = await _answer(resources, watch.workspace, watch.import_id, wait)
    if answer is None or answer.reading is None:
        detail = f"The import has {reading.failed_record_count:,} failed records, which are read from Rally on demand: "
        trouble = None if answer is None else answer.trouble
        again = RETRY_AFTER if answer is None else RETRY_AFTER_TROUBLE
        detail += trouble or "Rally has not answered yet"
        raise Refused(Refusal.SERVICE_UNAVAILABLE, f"{detail}.", headers={"Retry-After": again})
    if watch.state is not WatchState.WATCHING and _without_set(answer.reading) != _without_set(reading):
        detail = (
            "Rally now reports the import differently than when the watch ended, and has too many failed records to "
            "have been kept. A new watch shows the current ones."
        )
        raise Refused(Refusal.FAILED_RECORDS_CHANGED, detail)
    return FoundRecords(reading=answer.reading, compressed=answer.compressed)


def _without_set(reading: Reading) -> Reading:
    return replace(reading, record_set_id=None)


async def _answer(resources: Resources, workspace: str, import_id: str, wait: float) -> RecordRead | None:
    """Return what a worker has read from Rally within the last minute; None if it takes too long."""
    if workspace not in resources.rally:
        return RecordRead(trouble=f"the workspace {workspace!r} is not configured any more")
    until = monotonic() + wait
    async with resources.change_feed.subscribe(keys.record_read_topic(workspace, import_id)) as changed:
        while True:
            changed.clear()
            async with resources.change_feed.read_slots:
                answer = await resources.record_reads.get_or_request(workspace, import_id)
            left = until - monotonic()
            if answer is not None or left <= 0 or resources.change_feed.stopping:
                return answer
            resources.bell.ring(Job.READ_RECORDS)
            with suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), left)
