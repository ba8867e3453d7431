"""Record sets: kept once, readable only at their place, and deleted when nothing refers to them any more."""

import tracemalloc
from dataclasses import replace

import pytest
from cryptography.fernet import Fernet

from bridge.domain.failed_records_csv import csv_parts
from bridge.domain.history.stored_history import StoredHistory
from bridge.domain.imports import FailedRecord, Reading
from bridge.domain.polling.poll_results import ImportUpdate
from bridge.domain.record_sets import record_set_id
from bridge.domain.secret import Secret
from bridge.domain.times import DAY, HOUR, MINUTE
from bridge.errors import DecryptionFailed
from bridge.store import keys
from bridge.store.calls.connection import Store
from bridge.store.encryption import Encryptor
from bridge.store.imports.record_set_format import compress, read_lines
from bridge.store.imports.record_sets import USE_CHECKED_EVERY, RecordSets
from tests.support.samples import only
from tests.support.store_parts import DONE, StoreParts

pytestmark = pytest.mark.anyio

MANY = (
    *(FailedRecord(email=f"person-{number}@example.com") for number in range(150)),
    FailedRecord(person_id='p,1"\n', email="=1+1@\u202eexample.com"),
    FailedRecord(person_id="p2"),
)
OTHERS = MANY[1:]


def reading_of(records: tuple[FailedRecord, ...], status: str = "COMPLETED") -> Reading:
    return replace(
        DONE,
        status=status,
        failed_records=records[:100],
        failed_record_count=len(records),
        record_set_id=record_set_id(records),
    )


def end_with(records: tuple[FailedRecord, ...]) -> ImportUpdate:
    return ImportUpdate(due=None, reading=reading_of(records), record_set=records)


async def stored(parts: StoreParts, records: tuple[FailedRecord, ...]) -> list[FailedRecord] | None:
    found = await parts.record_sets.get("default", "imp", record_set_id(records))
    return None if found is None else list(read_lines(found))


async def settle_with(parts: StoreParts, watch_id: str, records: tuple[FailedRecord, ...]) -> None:
    watch = await parts.watches.get(watch_id)
    assert watch is not None
    assert await parts.settle(replace(watch, reading=reading_of(records)))


async def test_a_commit_keeps_all_records_of_a_reading_that_has_only_the_first(parts: StoreParts) -> None:
    await parts.accept()
    assert await parts.commit(only(await parts.claim()), end_with(MANY))

    found = await parts.imports.get("default", "imp")
    assert found is not None
    assert found.state.reading == reading_of(MANY)
    assert await stored(parts, MANY) == list(MANY)


async def test_a_record_set_is_encrypted_and_much_smaller_than_its_records(parts: StoreParts) -> None:
    await parts.record_sets.keep("default", "imp", "a" * 32, MANY)

    text = await parts.store.call("GET", keys.record_set("a" * 32, "default", "imp"))
    assert "example" not in text
    assert len(text) < len(repr(MANY)) / 4


async def test_a_record_set_can_not_be_read_as_that_of_another_import(parts: StoreParts) -> None:
    await parts.record_sets.keep("default", "imp", "a" * 32, MANY)
    await parts.store.call(
        "RENAME", keys.record_set("a" * 32, "default", "imp"), keys.record_set("a" * 32, "default", "mine")
    )

    with pytest.raises(DecryptionFailed):
        await parts.record_sets.get("default", "mine", "a" * 32)


async def test_storing_a_set_again_encrypts_it_with_the_newest_key(store: Store) -> None:
    old, new = (Secret(Fernet.generate_key().decode()) for _ in range(2))
    await RecordSets(store, Encryptor([old])).keep("default", "imp", "a" * 32, MANY)
    await RecordSets(store, Encryptor([new, old])).keep("default", "imp", "a" * 32, MANY)

    found = await RecordSets(store, Encryptor([new])).get("default", "imp", "a" * 32)
    assert found is not None
    assert list(read_lines(found)) == list(MANY)


async def test_an_unchanged_reading_is_not_stored_again(parts: StoreParts) -> None:
    await parts.accept()
    first = only(await parts.claim())
    reading = reading_of(MANY, "UPLOADING")
    assert await parts.commit(first, ImportUpdate(due=first.due, reading=reading, record_set=MANY))
    await parts.store.call("DEL", keys.record_set(record_set_id(MANY), "default", "imp"))

    parts.store.offset += MINUTE
    again = only(await parts.claim())
    assert await parts.commit(again, ImportUpdate(due=again.due, reading=reading, record_set=MANY))

    assert await stored(parts, MANY) is None


async def test_a_record_set_lasts_until_the_last_watch_that_needs_it_is_deleted(parts: StoreParts) -> None:
    await parts.accept("wat_1")
    await parts.accept("wat_2")
    await parts.commit(only(await parts.claim()), end_with(MANY))
    await settle_with(parts, "wat_1", MANY)
    await settle_with(parts, "wat_2", MANY)
    parts.store.offset += DAY
    await parts.imports.delete_final(reuse=HOUR, count=10)
    await parts.record_sets.delete_unused(10)
    assert await stored(parts, MANY) == list(MANY)

    for watch_id in ("wat_1", "wat_2"):
        assert await stored(parts, MANY) == list(MANY)
        where = await parts.watches.index_entry(watch_id)
        assert where is not None
        await parts.watches.delete(watch_id, where)

    assert await stored(parts, MANY) is None
    assert await parts.store.call("ZCARD", keys.RECORD_SETS) == 0


async def test_each_watch_keeps_the_set_of_its_own_reading(parts: StoreParts) -> None:
    await parts.accept("wat_1")
    await parts.commit(only(await parts.claim()), end_with(MANY))
    await settle_with(parts, "wat_1", MANY)
    parts.store.offset += HOUR
    await parts.accept("wat_2")
    await parts.commit(only(await parts.claim()), end_with(OTHERS))
    await settle_with(parts, "wat_2", OTHERS)

    parts.store.offset += USE_CHECKED_EVERY
    await parts.record_sets.delete_unused(10)

    assert await stored(parts, MANY) == list(MANY)
    assert await stored(parts, OTHERS) == list(OTHERS)


async def test_a_set_that_a_newer_reading_has_replaced_is_deleted(parts: StoreParts) -> None:
    await parts.accept()
    first = only(await parts.claim())
    update = ImportUpdate(due=first.due, reading=reading_of(OTHERS, "UPLOADING"), record_set=OTHERS)
    await parts.commit(first, update)
    parts.store.offset += MINUTE
    await parts.commit(only(await parts.claim()), end_with(MANY))

    parts.store.offset += USE_CHECKED_EVERY
    await parts.record_sets.delete_unused(10)

    assert await stored(parts, OTHERS) is None
    assert await stored(parts, MANY) == list(MANY)


async def test_a_cancelled_watch_keeps_the_set_that_it_shows(parts: StoreParts) -> None:
    await parts.accept()
    claim = only(await parts.claim())
    update = ImportUpdate(due=claim.due, reading=reading_of(MANY, "UPLOADING"), record_set=MANY)
    await parts.commit(claim, update)
    where = await parts.watches.index_entry("wat_1")
    assert where is not None
    record = await parts.imports.get("default", "imp")
    assert await parts.endings.cancel(
        "wat_1", where, record, await parts.store.now(), by="crm", history=StoredHistory()
    )

    parts.store.offset += USE_CHECKED_EVERY
    await parts.record_sets.delete_unused(10)
    assert await stored(parts, MANY) == list(MANY)

    where = await parts.watches.index_entry("wat_1")
    assert where is not None
    await parts.watches.delete("wat_1", where)
    assert await stored(parts, MANY) is None


async def test_a_check_that_lies_too_far_ahead_is_made_now(parts: StoreParts) -> None:
    parts.store.offset += DAY
    await parts.record_sets.keep("default", "imp", record_set_id(MANY), MANY)
    parts.store.offset -= DAY

    await parts.record_sets.delete_unused(10)

    assert await stored(parts, MANY) is None


def test_a_large_set_is_written_as_csv_in_little_memory() -> None:
    compressed = compress(
        FailedRecord(email=f"p{number}@example.com", person_id=f"{number}") for number in range(10_000)
    )

    tracemalloc.start()
    length = sum(len(part) for part in csv_parts(read_lines(compressed), "imp", safe=True))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert length > 250_000
    assert most < 2_000_000
