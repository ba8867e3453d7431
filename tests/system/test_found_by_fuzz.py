"""What fuzzing found, each told by the one example that shows it."""

import json

import pytest

from bridge.domain.imports import Read
from bridge.errors import SettingsError
from bridge.rally import decipher
from bridge.rally.workspaces import rally_clients
from bridge.resources import store_of
from bridge.settings import Settings
from tests.settings.test_model import GOOD


@pytest.mark.parametrize(("people", "read"), [(2**53, True), (2**53 + 1, False), (10**4_000, False)])
def test_a_number_of_people_that_fits_into_no_message_is_left_out(people: int, read: bool) -> None:  # noqa: FBT001 - a table
    body = json.dumps({"importId": "imp", "type": "CSV", "status": "COMPLETED", "personCount": people}).encode()

    answer = decipher(status=200, headers=[], body=body, import_id="imp", at=0).answer

    assert isinstance(answer, Read)
    assert answer.reading.person_count == (people if read else None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REDIS_URL", "redis://:HUNTER2@℀.example"),
        ("REDIS_URL", "redis://:HUNTER2/x@localhost:6379"),
        ("REDIS_URL", "redis://:6HUNTER2@localhost:99999"),
        ("REDIS_URL", "redis://:6?HUNTER2=x@localhost"),
        ("REDIS_URL", "rediss://localhost?ssl_cert_reqs=HUNTER2"),
        ("RALLY_BASE_URL", "https://crm:HUNTER2@℀.example"),
        ("RALLY_BASE_URL", "https://٣"),
        ("RALLY_WORKSPACES", "HUNTER2:x@y"),
        ("RALLY_WORKSPACES", "eu:HUNTER2 HUNTER2"),
        ("RALLY_WORKSPACES", "eu:HUNTER2@https://٣"),
        ("RALLY_API_KEY", "HUNTER2 HUNTER2"),
        ("RALLY_API_KEY", "HUNTER2-é"),
        ("NAMED_DESTINATIONS", "ops=https://HUNTER2℀.example"),
        ("NAMED_DESTINATIONS", "ops=callback:https://HUNTER2℀.example"),
    ],
)
def test_what_can_not_be_used_is_refused_by_its_name_and_without_its_secret(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as told:
        started(name, value)

    assert name in str(told.value)
    assert "HUNTER2" not in str(told.value)


def started(name: str, value: str) -> None:
    """Load the settings, and make of them what every process makes first."""
    known = Settings.load({**GOOD, name: value}, env_file=None)
    store_of(known, 0)
    rally_clients(known)
