"""Single lines of text: nothing from elsewhere acts on a terminal, and a status is told in words."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from bridge.cli.remote.printable import printable
from bridge.cli.remote.status_words import delivery_line, failed_record_words, listed_status, watch_line
from bridge.cli.remote.table import HEADINGS, print_watches, room_for_labels
from bridge.cli.remote.times import elapsed
from bridge.client import Delivery, Watch
from tests.support.played_calls import DELIVERY, ENDED, READING, WATCH

NOW = datetime(2026, 11, 24, 9, 30, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Pänel 👩\u200d💻", "Pänel 👩\u200d💻"),
        ("a\tb\nc\rd", r"a\tb\nc\rd"),
        ("\x1b[2J\x07\x9b", r"\x1b[2J\x07\x9b"),
        ("\u202egpj.exe\u2066", r"\u202egpj.exe\u2066"),
        ("\u2028\u2029\ud800", r"\u2028\u2029\ud800"),
    ],
)
def test_characters_that_act_on_a_terminal_are_shown_as_escapes(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "… watching  imp  0:00:09 · not read yet"),
        ({"nextPollAt": "2026-11-24T09:30:12Z"}, "… watching  imp  0:00:09 · not read yet · next poll in 3 s"),
        ({"nextPollAt": "2026-11-24T09:30:08Z"}, "… watching  imp  0:00:09 · not read yet · polling now"),
        ({"nextPollAt": "2026-11-24T09:28:04Z"}, "… watching  imp  0:00:09 · not read yet · poll overdue by 0:02:05"),
        (
            {"lastPoll": {"at": "2026-11-24T09:30:01Z", "status": 404, "meaning": "Rally knows no such import yet"}},
            "… watching  imp  0:00:09 · 404: Rally knows no such import yet",
        ),
        (
            {"lastPoll": {"at": "2026-11-24T09:30:01Z", "status": None, "meaning": "Rally did not answer"}},
            "… watching  imp  0:00:09 · Rally did not answer",
        ),
        (
            {
                "import": {**READING, "status": "UPLOADING", "personCount": 1200},
                "lastPoll": {"at": "2026-11-24T09:30:01Z", "status": 200, "meaning": "Rally reports UPLOADING"},
            },
            "… watching  imp  UPLOADING · 1,200 people so far · 2 failed · 0:00:09",
        ),
        (
            {**ENDED, "import": READING, "label": "Q4\npanel"},
            r"✓ completed  Q4\npanel  COMPLETED · 120 people · 2 failed",
        ),
        ({**ENDED, "outcome": "not_found", "reason": "no such import"}, "? not found  imp  0:01:00 · no such import"),
        ({**ENDED, "import": {**READING, "personCount": None}}, "✓ completed  imp  COMPLETED · ? people"),
        (
            {**ENDED, "import": {**READING, "personCount": 0, "failedRecordCount": 0}, "warning": "nobody"},
            "! completed  imp  COMPLETED · 0 people · 0:01:00 · nobody",
        ),
    ],
)
def test_a_watch_is_described_in_one_line(changes: dict[str, Any], line: str) -> None:
    assert watch_line(Watch.of({**WATCH, **changes}), NOW).plain.startswith(line)


@pytest.mark.parametrize(
    ("count", "most", "words"),
    [
        (2, 10, ["p1", "ada@example.com"]),
        (1200, 1, ["p1", "and 1,199 more: rally-bridge failed-records wat_1"]),
    ],
)
def test_failed_records_are_described_by_id_and_address(count: int, most: int, words: list[str]) -> None:
    watch = Watch.of({**WATCH, **ENDED, "import": {**READING, "failedRecordCount": count}})
    assert list(failed_record_words(watch, most)) == words


def test_the_duration_of_an_ended_watch_is_fixed() -> None:
    assert watch_line(Watch.of(ENDED), datetime(2027, 1, 1, tzinfo=UTC)).plain.endswith("0:01:00")


@pytest.mark.parametrize(
    ("changes", "fate"),
    [
        ({"attempts": 0}, "not sent yet"),
        (
            {"lastReason": "HTTP 503", "nextAttemptAt": "2026-11-24T09:31:14Z"},
            "retrying: HTTP 503; next attempt in 0:01:05",
        ),
        ({"lastReason": "HTTP 503", "nextAttemptAt": "2026-11-24T09:30:08Z"}, "retrying: HTTP 503; next attempt now"),
        ({"state": "delivered"}, "delivered"),
        ({"state": "abandoned", "lastReason": "HTTP 410"}, "abandoned: HTTP 410"),
        ({"state": "skipped", "lastReason": "not subscribed to failed"}, "skipped: not subscribed to failed"),
    ],
)
def test_the_result_of_a_delivery_is_described_in_one_line(changes: dict[str, Any], fate: str) -> None:
    assert delivery_line(Delivery.of({**DELIVERY, **changes}), NOW) == f"dlv_1  callback https://…  {fate}"


def test_a_settled_watch_whose_message_was_abandoned_is_not_shown_as_well() -> None:
    abandoned = {"deliveries": [{**DELIVERY, "state": "abandoned"}]}

    completed = Watch.of({**ENDED, **abandoned})
    failed = Watch.of({**ENDED, **abandoned, "outcome": "failed"})

    assert str(watch_line(completed, NOW)).startswith("! completed, not delivered  ")
    assert str(watch_line(failed, NOW)).startswith("✗ failed, not delivered  ")


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("next_poll", "… watching"),
        ("no_worker", "… watching, no worker"),
        ("budget", "… watching, waits for the rate limit"),
        ("a reason of a later version", "… watching"),
    ],
)
def test_a_list_says_what_is_unusual_about_a_wait(reason: str, status: str) -> None:
    waiting = {"reason": reason, "since": None, "until": None, "detail": "…"}

    assert str(listed_status(Watch.of({**WATCH, "waitingFor": waiting}))) == status


def test_a_url_is_shown_with_its_fingerprint() -> None:
    assert "https://… (3f9a1c2e)  " in delivery_line(Delivery.of({**DELIVERY, "fingerprint": "3f9a1c2e"}), NOW)


def test_a_delivery_that_is_retried_says_until_when() -> None:
    until = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)
    line = delivery_line(Delivery.of({**DELIVERY, "retriesUntil": until.isoformat()}), NOW)
    assert f"retrying until {until.astimezone():%Y-%m-%d %H:%M:%S %Z}" in line


@pytest.mark.parametrize(("seconds", "words"), [(-3, "0:00:00"), (65, "0:01:05"), (90_000, "25:00:00")])
def test_a_duration_has_hours_minutes_and_seconds(seconds: int, words: str) -> None:
    assert elapsed(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(
    ("label", "width", "room"), [("x" * 30, 200, 30), ("x" * 30, 60, 18), ("x" * 30, 53, 0), ("x" * 5, 53, 5)]
)
def test_labels_get_the_room_that_the_other_columns_leave(label: str, width: int, room: int) -> None:
    row = ["wat_1", "imp", "… watching", "0", "0", label, "2026-11-24"]
    assert room_for_labels([row], HEADINGS.index("Label"), width) == room


@pytest.mark.parametrize(
    ("width", "last"), [(40, ["  120 people, 2 failed", "  2026-"]), (60, ["  120 people, 2 failed · 2026-"])]
)
def test_the_time_gets_its_own_line_where_it_does_not_fit(width: int, last: list[str]) -> None:
    watch = Watch.of({**WATCH, **ENDED, "id": "wat_01m8f3gq3aw8x38w5f4ybpjjhz", "import": READING})
    console = Console(width=width, file=StringIO())
    with console.capture() as printed:
        print_watches(console, [watch])
    lines = printed.get().splitlines()[2:]
    assert all(line.startswith(start) for line, start in zip(lines, last, strict=True))
    assert max(map(len, lines)) <= width
