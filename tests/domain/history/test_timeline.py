"""The timeline of a watch in words: what happened, what it amounts to, and what to do."""

import re
from dataclasses import replace

import pytest

from bridge.domain.delivery.attempts import Attempt
from bridge.domain.delivery.deliveries import DeliveryState
from bridge.domain.destinations import NamedDestination
from bridge.domain.history.notes import Note, NoteKind
from bridge.domain.history.stored_history import StoredHistory
from bridge.domain.history.timeline import FIRST_ENTRIES, MOST_ENTRIES, DeliveryHistory, timeline
from bridge.domain.history.wait_reasons import WaitingFor, WaitReason
from bridge.domain.outcomes import Outcome
from bridge.domain.polling.last_poll import LastPoll
from bridge.domain.times import HOUR, MINUTE
from bridge.domain.watches import Watch, WatchState
from tests.support.samples import DELIVERY, NOW, READING, WATCH

PLACE = "https://crm.example.com/… (3f9a1c2e)"
COMPLETED = replace(READING, status="COMPLETED", person_count=1200, failed_record_count=0)
SETTLED = replace(
    WATCH,
    state=WatchState.SETTLED,
    outcome=Outcome.COMPLETED,
    settled_at=NOW + MINUTE,
    reading=COMPLETED,
    deliveries=("dlv_1",),
    notify=(DELIVERY.destination,),
)
FAILED = Attempt(number=1, at=NOW + MINUTE, took=35, status=503, reason="HTTP 503")
ACCEPTED = Attempt(number=2, at=NOW + 2 * MINUTE, took=9, status=200, reason=None)
ABANDONED = replace(
    DELIVERY, state=DeliveryState.ABANDONED, attempts=1, last_reason="HTTP 503", ended_at=NOW + 3 * MINUTE
)
DELIVERED = replace(DELIVERY, state=DeliveryState.DELIVERED, attempts=2, ended_at=NOW + 2 * MINUTE)
NOTHING = StoredHistory()
BEFORE = "2027-01-15T07:59:00.000Z"
NOT_ENDED = "The import has not ended as far as the bridge knows, so nobody was told."


def texts(watch: Watch, stored: StoredHistory, *deliveries: DeliveryHistory) -> list[str]:
    return [each.text for each in timeline(watch, stored, deliveries, None).entries]


def test_the_entries_are_in_order_and_in_words() -> None:
    notes = (
        Note(NOW + 1, NoteKind.READING, ("UPLOADING", "", "0")),
        Note(NOW + 2, NoteKind.FAULT, ("HTTP 502",)),
        Note(NOW + 3, NoteKind.FAULT_END, ("7",)),
        Note(NOW + 4, NoteKind.ABSENT, ("not_found",)),
        Note(NOW + 5, NoteKind.PAUSE, ("rally_pause",)),
        Note(NOW + 6, NoteKind.PAUSE_END, ("rally_pause",)),
        Note(NOW + 7, NoteKind.PUSH),
        Note(NOW + HOUR, NoteKind.REDELIVERY, ("dlv_1", "slack:U1")),
    )
    stored = StoredHistory(notes=notes, polled_since=NOW - MINUTE)
    delivery = DeliveryHistory(delivery=DELIVERED, place=PLACE, attempts=[ACCEPTED, FAILED])

    assert texts(SETTLED, stored, delivery) == [
        f"the client crm asked for the watch; it joined the polls of the import, which began at {BEFORE}",
        "Rally reports UPLOADING, an unknown number of people",
        "polls began to fail: HTTP 502",
        "polls succeeded again, after 7 failed ones",
        "Rally knows no such import: absences count once they are repeated",
        "Rally answered that its rate limit is used up: polls of the whole workspace stopped",
        "Rally allowed calls again",
        "Rally pushed that the import has ended: its next poll is due at once",
        "the import completed: Rally reports COMPLETED, 1,200 people",
        f"attempt 1 to {PLACE} failed: HTTP 503 (35 ms)",
        f"attempt 2 to {PLACE} was accepted (HTTP 200, 9 ms)",
        f"the Slack user U1 had the message to {PLACE} sent again",
    ]


@pytest.mark.parametrize(
    ("watch", "stored", "last"),
    [
        (
            replace(WATCH, state=WatchState.CANCELLED, settled_at=NOW + 1),
            StoredHistory(cancelled_by="rule:ops"),
            "the watch was cancelled by the rule ops",
        ),
        (
            replace(SETTLED, outcome=Outcome.TIMED_OUT, reason="not finished", settled_at=WATCH.expires_at + 1),
            NOTHING,
            "the import did not end before the watch expired: Rally reports COMPLETED, 1,200 people (not finished)",
        ),
        (
            replace(SETTLED, outcome=Outcome.NOT_FOUND, reason="Rally knows no such import", reading=None),
            NOTHING,
            "Rally knows no such import",
        ),
    ],
)
def test_the_last_entry_says_how_the_watch_ended(watch: Watch, stored: StoredHistory, last: str) -> None:
    assert texts(watch, stored)[-1] == last


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ("abandoned", f"the message to {PLACE} was abandoned: HTTP 503"),
        ("skipped", f"no message to {PLACE}: HTTP 503"),
        ("delivered", f"the message to {PLACE} was delivered: HTTP 503"),
    ],
)
def test_a_delivery_that_ended_without_an_attempt_is_told(state: str, text: str) -> None:
    ended = DeliveryHistory(delivery=replace(ABANDONED, state=DeliveryState(state)), place=PLACE)

    assert texts(SETTLED, NOTHING, ended)[-1] == text


def test_a_long_history_shows_its_beginning_and_its_end() -> None:
    notes = tuple(Note(NOW + at, NoteKind.FAULT, (str(at),)) for at in range(1, 1000))

    entries = timeline(WATCH, StoredHistory(notes=notes), (), None).entries

    assert len(entries) == MOST_ENTRIES
    assert entries[FIRST_ENTRIES].text == "801 more entries are left out here"
    assert (entries[1].at, entries[-1].at) == (NOW + 1, NOW + 999)


@pytest.mark.parametrize(
    ("watch", "delivery", "summary", "advice"),
    [
        (
            replace(WATCH, last_poll=LastPoll(at=NOW, status=404, meaning="Rally knows no such import yet")),
            None,
            f"{NOT_ENDED} The last poll found: Rally knows no such import yet.",
            ["If the import exists, check its id and the workspace of the watch."],
        ),
        (
            SETTLED,
            ABANDONED,
            f"The import completed. The message to {PLACE} was abandoned after 1 attempt: HTTP 503.",
            [
                "Repair the receiver, then send again: `rally-bridge redeliver wat_01`.",
                "If its address has changed, watch the import with the new one: `rally-bridge watch imp …`.",
            ],
        ),
        (
            SETTLED,
            replace(ABANDONED, destination=NamedDestination(name="research-ops")),
            f"The import completed. The message to {PLACE} was abandoned after 1 attempt: HTTP 503.",
            [
                "Repair the receiver, then send again: `rally-bridge redeliver wat_01`.",
                "If its address has changed, first correct research-ops in `bridge.toml`, and restart all processes.",
            ],
        ),
        (
            SETTLED,
            replace(DELIVERY, attempts=1, failures=1, last_reason="HTTP 500"),
            f"The import completed. The message to {PLACE} is not delivered yet: HTTP 500.",
            ["Repair the receiver; the next attempt then succeeds.", "Its answers: `rally-bridge show dlv_1`."],
        ),
        (
            replace(SETTLED, client="rule:csv"),
            replace(ABANDONED, state=DeliveryState.SKIPPED, last_reason="the rule does not tell the type API"),
            f"The import completed. No message was due to {PLACE}: the rule does not tell the type API.",
            ["If this was to be told, change the rule: `rally-bridge rules test imp` says what each does."],
        ),
        (
            SETTLED,
            DELIVERED,
            f"The import completed. The message to {PLACE} was delivered.",
            ["If a delivered message is not seen, search the receiver's own log for the time of the attempt."],
        ),
        (
            replace(SETTLED, deliveries=(), notify=()),
            None,
            "The import completed. The watch has no destination, so no message was due.",
            ["Name destinations in `notify` to be told."],
        ),
        (
            replace(WATCH, state=WatchState.CANCELLED, settled_at=NOW),
            None,
            "The watch was cancelled before its import ended, so nothing is sent.",
            [],
        ),
    ],
)
def test_the_summary_and_the_advice_answer_why(watch: Watch, delivery: object, summary: str, advice: list[str]) -> None:
    deliveries = [DeliveryHistory(delivery=delivery, place=PLACE)] if delivery else []  # type: ignore[arg-type]

    found = timeline(watch, NOTHING, deliveries, None)

    assert (found.summary, list(found.advice)) == (summary, advice)


def test_the_wait_comes_with_its_advice() -> None:
    waiting = WaitingFor(reason=WaitReason.NO_WORKER, since=None, until=None, detail="no worker is alive")

    found = timeline(WATCH, NOTHING, (), waiting)

    assert found.waiting_for is waiting
    assert found.advice == ("Start a worker: `rally-bridge worker`. `/readyz` lists those that are alive.",)


@pytest.mark.parametrize("reason", [WaitReason.BUDGET, WaitReason.RALLY_PAUSE])
def test_a_wait_for_the_limit_says_how_to_find_the_program_that_uses_it_up(reason: WaitReason) -> None:
    waiting = WaitingFor(reason=reason, since=None, until=None, detail="the limit is used up")

    (advice,) = timeline(WATCH, NOTHING, (), waiting).advice

    assert re.search(r"find (it|them) by (its|their) API keys? in Rally", advice)
