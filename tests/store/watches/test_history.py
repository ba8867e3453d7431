"""Notes for the histories of watches: once each, bounded, deleted with their import, and small."""

import json
import zlib
from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest
from cryptography.fernet import Fernet

from bridge.domain.history.notes import MOST_NOTES, Note, NoteKind, notes_for_watch, notes_of_poll
from bridge.domain.history.stored_history import StoredHistory
from bridge.domain.imports import Absence
from bridge.domain.polling.absences import AbsenceStreak
from bridge.domain.polling.budget import Budget
from bridge.domain.polling.poll_intervals import PollIntervals
from bridge.domain.polling.poll_results import ImportUpdate, PollClaim
from bridge.domain.secret import Secret
from bridge.domain.times import HOUR, MINUTE, SECOND, Moment, Span
from bridge.store import bindings, keys
from bridge.store.calls.connection import Store
from bridge.store.encryption import Encryptor
from bridge.store.imports.imports import PollCommit
from bridge.store.watches.history import History, dump_note, dump_pause, history_field, load_note
from tests.support.samples import NOW, READING, only
from tests.support.store_parts import StoreParts

pytestmark = pytest.mark.anyio

ENCRYPTOR = Encryptor([Secret(Fernet.generate_key().decode())])
SCHEDULE = PollIntervals(floor=3 * SECOND, ceiling=60 * SECOND, growth=1.0)
CLAIM = PollClaim(
    workspace="default", import_id="imp", fence=1, first_at=NOW, due=NOW, tier=0, polls=0, reading_digest="", faults=0
)
POLLS = 100
LIVES: dict[str, tuple[int, Span]] = {
    "at once": (40, 0),
    "minutes": (30, 10 * MINUTE),
    "an hour": (15, HOUR),
    "a day": (5, 24 * HOUR),
    "flapping": (5, HOUR),
    "absent": (5, 10 * MINUTE),
}
"""What becomes of imports: the share in percent, and the longest duration."""


async def test_the_times_at_which_rally_answered_429_are_read_from_the_pauses(parts: StoreParts) -> None:
    limit, key = ("rally_pause",), ("key_refused",)
    pauses = [(NOW, NoteKind.PAUSE, limit), (NOW + 1, NoteKind.PAUSE_END, limit), (NOW + 2, NoteKind.PAUSE, key)]
    await parts.budgets.write("default", Budget(), [Note(*each) for each in pauses])
    await parts.store.call("RPUSH", keys.pauses("default"), f"{NOW} of_another_version")

    assert await parts.budgets.over_limit("default") == [NOW]


@pytest.mark.parametrize(
    "note",
    [
        Note(NOW, NoteKind.READING, ("UPLOADING now", "", "2")),
        Note(NOW, NoteKind.FAULT, ("no answer: timed out",)),
        Note(NOW, NoteKind.PUSH),
        Note(NOW, NoteKind.REDELIVERY, ("dlv_1", "slack:U1")),
    ],
)
def test_a_note_is_read_as_it_was_written(note: Note) -> None:
    stored = dump_note(ENCRYPTOR, note, "default", "imp").strip()

    assert load_note(ENCRYPTOR, stored, "default", "imp") == note
    assert "UPLOADING" not in stored


async def test_a_poll_without_news_is_not_noted_and_a_repeated_commit_notes_nothing_more(parts: StoreParts) -> None:
    await parts.accept()
    claim = only(await parts.claim())
    update = ImportUpdate(due=claim.due, reading=READING)
    commits = [PollCommit(claim=claim, update=update, at=await parts.store.now())]
    for _ in ("first", "repeated after a lost reply"):
        assert await parts.imports.commit("default", commits, settle_by=commits[0].at) == [True]
    again = only(await parts.claim())
    assert await parts.commit(again, update)

    assert await parts.store.call("LLEN", keys.notes("default", "imp")) == 1


async def test_a_note_costs_two_commands_and_a_poll_without_news_none(parts: StoreParts) -> None:
    for number in range(POLLS):
        await parts.accept(f"wat_{number}", import_id=f"imp{number}")
    first, second = [await commands_of_polls(parts) for _ in range(2)]

    assert second <= 5
    assert first <= second + 2 + 0.1, "one command publishes all news"


async def commands_of_polls(parts: StoreParts) -> float:
    """Poll all imports, which are unfinished as before, and return the number of commands for each."""
    before = await count_commands(parts.store)
    claims = await parts.claim(POLLS)
    updates = [ImportUpdate(due=each.due, reading=replace(READING, import_id=each.import_id)) for each in claims]
    now = await parts.store.now()
    commits = [PollCommit(claim=claim, update=update, at=now) for claim, update in zip(claims, updates, strict=True)]
    assert await parts.imports.commit("default", commits, settle_by=now) == [True] * POLLS
    return (await count_commands(parts.store) - before) / POLLS


async def count_commands(store: Store) -> int:
    """Return how many commands have run, those of scripts included."""
    stats = await store.redis.info("commandstats")
    return sum(stat["calls"] for name, stat in stats.items() if "evalsha" not in name)


async def test_notes_are_bounded_and_deleted_with_their_import(parts: StoreParts) -> None:
    watch, _ = await parts.accept()
    for number in range(MOST_NOTES + 5):
        claim = only(await parts.claim())
        faults = 0 if claim.faults else 1
        update = ImportUpdate(due=claim.due, faults=faults, trouble=f"HTTP {500 + number}" if faults else None)
        await parts.commit(claim, update)
    assert await parts.store.call("LLEN", keys.notes("default", "imp")) == MOST_NOTES

    await parts.settle(watch)
    assert await parts.store.call("EXISTS", keys.notes("default", "imp")) == 0


async def test_a_pause_is_noted_with_the_budget_that_it_changes(parts: StoreParts) -> None:
    budget = (await parts.budgets.read("default")).budget
    paused = Note(NOW, NoteKind.PAUSE, ("key_refused",))

    assert await parts.budgets.write("default", budget, [paused])
    assert not await parts.budgets.write("default", budget, [paused]), "another version"

    assert await parts.store.call("LRANGE", keys.pauses("default"), 0, -1) == [dump_pause(paused)]


async def test_notes_of_another_version_are_left_out(parts: StoreParts) -> None:
    watch, _ = await parts.accept()
    await parts.settle(watch)
    settled = await parts.watches.get(watch.id)
    assert settled is not None
    known = Note(NOW, NoteKind.READING, ("UPLOADING", "7", "0"))
    stored = [[NOW, "of a later version", "x"], [NOW, "reading", "UPLOADING", "7", "0"]]
    content = {"notes": stored, "polled_since": None}
    history = History(parts.store, ENCRYPTOR)
    binding = bindings.of_watch("history", watch.id, watch.client, watch.workspace, watch.import_id)
    sealed = ENCRYPTOR.encrypt_bytes(zlib.compress(json.dumps(content).encode()), binding)
    await parts.store.call("HSET", keys.watch(watch.id), "history", sealed, "noted", f"{NOW} later x\n{NOW} push\n")

    assert (await history.of(settled, NOW)).notes == (known, Note(NOW, NoteKind.PUSH))


@pytest.mark.slow
async def test_a_history_takes_less_than_a_kilobyte_on_average(store: Store) -> None:
    random = Random(17)
    kinds = random.choices(list(LIVES), [share for share, _ in LIVES.values()], k=1000)
    sizes = [await stored_size(store, kind, random, is_open=random.random() < 0.2) for kind in kinds]

    print(f"{sum(sizes) / len(sizes):.0f} bytes on average, {max(sizes)} at most")  # noqa: T201 - the figure to report
    assert sum(sizes) / len(sizes) < 1024


async def stored_size(store: Store, kind: str, random: Random, *, is_open: bool) -> int:
    """Return the bytes in Redis for the history of one watch: of its import's notes, or once it has ended."""
    notes = list(life(kind, random))
    if is_open:
        key = keys.notes("default", "imp")
        await store.call("DEL", key)
        if notes:
            await store.call("RPUSH", key, *(dump_note(ENCRYPTOR, each, "default", "imp") for each in notes))
        return int(await store.call("MEMORY", "USAGE", key) or 0)
    key = keys.watch("wat_1")
    await store.call("DEL", key)
    await store.call("HSET", key, "private", "x" * 500)
    before = await store.call("MEMORY", "USAGE", key)
    kept = StoredHistory(notes=notes_for_watch(NOW, NOW + 100 * HOUR, notes, []))
    binding = bindings.of_watch("history", "wat_1", "crm", "default", "imp")
    if field := history_field(ENCRYPTOR, kept, binding):
        await store.call("HSET", key, *field)
    return int(await store.call("MEMORY", "USAGE", key)) - int(before)


def life(kind: str, random: Random) -> Iterator[Note]:
    """Yield what is noted of an import's polls, in one of the ways that imports go."""
    claim, ends_at = CLAIM, NOW + random.randint(0, LIVES[kind][1])
    at: Moment = NOW
    while at < ends_at:
        update = _update(kind, claim, at, random)
        notes, noted = notes_of_poll(claim, update, at)
        yield from notes
        claim = replace(
            claim, polls=claim.polls + 1, faults=update.faults, absent=update.absent, noted=noted or claim.noted
        )
        at += SCHEDULE.pause(at - NOW, faults=update.faults, jitter=random.random())


def _update(kind: str, claim: PollClaim, at: Moment, random: Random) -> ImportUpdate:
    if kind == "absent":
        return ImportUpdate(due=at, absent=AbsenceStreak(absence=Absence.NOT_FOUND, since=NOW, at=at))
    is_fault = claim.polls % 3 == 1 if kind == "flapping" else random.random() < 0.02
    if is_fault:
        return ImportUpdate(due=at, faults=claim.faults + 1, trouble="HTTP 503")
    status = "NOT_STARTED" if claim.polls == 0 else "UPLOADING"
    return ImportUpdate(due=at, reading=replace(READING, status=status, person_count=(at - NOW) // SECOND))
