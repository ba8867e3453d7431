"""Digests: which imports they name, and what they count."""

from dataclasses import replace
from typing import Any

import pytest

from bridge.domain.digests import ALL_RULES, KNOWN_TYPES, LINES, EndedImport, OfBatch, OfFlood, OfRule, Sums, digest_of
from bridge.domain.imports import Reading
from bridge.domain.outcomes import Outcome
from bridge.domain.watches import WatchState
from tests.support.samples import NOW, READING, WATCH


def ended(number: int = 0, outcome: Outcome = Outcome.COMPLETED, **reading: Any) -> EndedImport:
    clean = replace(READING, status="COMPLETED", person_count=7, failed_records=(), failed_record_count=0)
    read = replace(clean, **reading)
    return EndedImport(watch_id="wat_1", import_id=f"imp{number}", outcome=outcome, reading=read, at=NOW + number)


def test_the_most_severe_imports_are_named_first_and_of_those_the_earliest() -> None:
    failed, partial, suspicious = (
        ended(8, Outcome.FAILED, status="ERROR"),
        ended(3, Outcome.COMPLETED_WITH_FAILURES, failed_record_count=1),
        ended(9, person_count=0),
    )
    earlier = ended(7, Outcome.FAILED, status="ERROR")

    digest = digest_of("dlv_1", OfRule("ops"), "rule:ops", [ended(1), suspicious, partial, failed, earlier], NOW)

    assert [each.import_id for each in digest.named] == ["imp7", "imp8", "imp3", "imp9", "imp1"]
    assert digest.problems == 4


def test_a_digest_names_ten_imports_and_counts_all() -> None:
    digest = digest_of("dlv_1", OfFlood(), ALL_RULES, [ended(number, type="API") for number in range(2_000)], NOW)

    assert len(digest.named) == LINES
    assert (digest.total, digest.by_type) == (Sums(2_000, 14_000, 0), {"API": Sums(2_000, 14_000, 0)})


def test_the_sums_of_unknown_types_are_one() -> None:
    types = ["<!here>", "API", None, "CSV", "other", "ACTIVITIES", "CSV"]

    digest = digest_of(
        "dlv_1", OfFlood(), ALL_RULES, [ended(number, type=each) for number, each in enumerate(types)], NOW
    )

    assert list(digest.by_type) == [*KNOWN_TYPES, None]
    assert (digest.by_type["CSV"], digest.by_type[None]) == (Sums(2, 14, 0), Sums(3, 21, 0))


@pytest.mark.parametrize("reading", [None, Reading(import_id="imp", type="CSV", status="COMPLETED", person_count=None)])
def test_what_is_unknown_counts_nothing(reading: Reading | None) -> None:
    digest = digest_of("dlv_1", OfFlood(), ALL_RULES, [replace(ended(), reading=reading)], NOW)

    assert digest.total == Sums(1, 0, 0)


def test_an_ended_import_is_what_its_watch_says() -> None:
    watch = replace(WATCH, state=WatchState.SETTLED, outcome=Outcome.FAILED, reason="why", settled_at=NOW)

    assert EndedImport.of(replace(watch, reading=READING), link="https://app.example.com") == EndedImport(
        watch_id="wat_01",
        took=0,
        link="https://app.example.com",
        import_id="imp",
        workspace="eu",
        label="Q4",
        outcome=Outcome.FAILED,
        reason="why",
        reading=READING,
        at=NOW,
    )


def test_a_program_gets_the_number_of_imports_and_the_ids_of_those_that_are_named() -> None:
    digest = digest_of("dlv_1", OfRule("ops"), "rule:ops", [ended(1), ended(2, Outcome.FAILED)], NOW)

    assert digest.payload() == {
        "type": "rule.digest",
        "timestamp": "2027-01-15T08:00:00.000Z",
        "data": {
            "client": "rule:ops",
            "text": "2 imports ended, 1 of them with problems.",
            "importIds": ["imp2", "imp1"],
        },
    }
    of_batch = digest_of("dlv_1", OfBatch("bat_1"), "crm", [ended()], NOW).payload()
    assert (of_batch["type"], of_batch["data"]["client"]) == ("batch.digest", "crm")


def test_a_user_is_mentioned_once_and_not_everybody_is() -> None:
    users = [f"U{number % 30}" for number in range(90)]

    assert digest_of("dlv_1", OfFlood(), ALL_RULES, [ended()], NOW, mention=users).mention == [
        f"U{number}" for number in range(20)
    ]
