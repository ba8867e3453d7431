"""What fuzzing found, each told by the one example that shows it."""

import json

import pytest

from bridge.domain.imports import Read, Unanswered
from bridge.rally import decipher


@pytest.mark.parametrize(("people", "read"), [(2**53, True), (2**53 + 1, False), (10**4_000, False)])
def test_a_number_of_people_that_fits_into_no_message_is_the_lines_fault(people: int, read: bool) -> None:  # noqa: FBT001 - a table
    body = json.dumps({"importId": "imp", "type": "CSV", "status": "COMPLETED", "personCount": people}).encode()

    answer = decipher(status=200, headers=[], body=body, import_id="imp", at=0).answer

    assert isinstance(answer, Read if read else Unanswered)
