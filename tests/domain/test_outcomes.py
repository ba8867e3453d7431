"""Outcomes: a success that imported nobody is a warning."""

from dataclasses import replace

import pytest

from bridge.domain.outcomes import warning_of
from tests.support.samples import READING


@pytest.mark.parametrize(
    ("status", "people", "failed", "warning"),
    [
        ("COMPLETED", 0, 0, "Rally reports success, but nobody was imported"),
        ("COMPLETED", 0, 1, "Nobody was imported: the only record failed"),
        ("COMPLETED", 0, 1_200, "Nobody was imported: all 1,200 records failed"),
        ("COMPLETED", 1, 0, None),
        ("COMPLETED", None, 0, None),
        ("UPLOADING", 0, 0, None),
        ("ERROR", 0, 0, None),
    ],
)
def test_only_a_completed_import_without_people_is_suspicious(
    status: str, people: int | None, failed: int, warning: str | None
) -> None:
    reading = replace(READING, status=status, person_count=people, failed_record_count=failed)

    assert warning_of(reading) == warning
    assert warning_of(None) is None
