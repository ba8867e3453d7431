"""Responses of Rally with invalid secondary fields: they settle their watches, and are logged once."""

import json
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from structlog.testing import capture_logs

from tests.support.world import opened, serving

pytestmark = pytest.mark.anyio

SOUND = {"type": "CSV", "status": "COMPLETED", "personCount": 120, "failedRecords": None, "updatedAt": "2027-01-15"}


def rally(**changes: Any) -> Starlette:
    """Return a Rally that knows every import, with the given fields changed and a byte order mark before the JSON."""

    async def answer(request: Request) -> Response:
        document = SOUND | {"importId": request.path_params["import_id"]} | changes
        return Response(b"\xef\xbb\xbf" + json.dumps(document).encode(), media_type="application/json")

    return Starlette(routes=[Route("/imports/{import_id}", answer)])


@pytest.mark.parametrize(
    ("field", "value", "outcome", "shown"),
    [
        ("personCount", "120", "completed", {"personCount": 120}),
        ("personCount", "many", "completed", {"personCount": None}),
        ("type", None, "completed", {"type": None}),
        ("updatedAt", 1_800_000_000, "completed", {"updatedAt": None}),
        ("failedRecords", [None], "completed_with_failures", {"failedRecordCount": 1, "failedRecords": []}),
        (
            "failedRecords",
            [{"personId": 17}],
            "completed_with_failures",
            {"failedRecordCount": 1, "failedRecords": [{"personId": "17"}]},
        ),
    ],
)
async def test_a_completed_import_with_invalid_fields_has_completed(
    redis_url: str, sandbox_url: str, *, field: str, value: Any, outcome: str, shown: dict[str, Any]
) -> None:
    with serving(rally(**{field: value})) as url:
        async with opened(redis_url, sandbox_url, RALLY_BASE_URL=url) as world:
            watches = [await world.watch(f"imp{number}") for number in range(3)]
            with capture_logs() as lines:
                await world.poll()
            seen = [await world.reload(watch) for watch in watches]

    assert [each["outcome"] for each in seen] == [outcome] * 3
    assert all({name: each["import"][name] for name in shown} == shown for each in seen)
    odd = [line["field"] for line in lines if line["event"] == "import.field_invalid"]
    assert len(odd) == 1
    assert odd[0].startswith(field)
