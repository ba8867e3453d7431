"""The access log: which calls get a line, and what it says."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from bridge.web.access_log import THINNED_FOR, AccessLog, AccessLogMode, Answered
from tests.support.world import CLIENT_KEY, World, bearer, opened

pytestmark = pytest.mark.anyio

CALL = Answered(method="GET", route="/v1/watches", path="/v1/watches", status=200, took_ms=3, client="crm")
REFUSED = replace(CALL, status=422, code="invalid_query")
UNKNOWN = replace(CALL, status=401, client=None, code="missing_api_key")


@pytest.mark.parametrize(
    ("mode", "expected"), [("off", []), ("errors", [422, 401, 500]), ("all", [200, 422, 401, 500])]
)
def test_the_mode_decides_which_calls_get_a_line(mode: AccessLogMode, expected: list[int]) -> None:
    log = AccessLog()
    with capture_logs() as lines:
        for call in (CALL, REFUSED, UNKNOWN, replace(UNKNOWN, status=500, code="internal_error")):
            log.write(call, mode)

    assert [line["status"] for line in lines] == expected


def test_refusals_of_unknown_callers_get_one_line_a_minute_that_counts_the_others() -> None:
    now = 0.0
    log = AccessLog(clock=lambda: now)
    with capture_logs() as lines:
        for _ in range(5):
            log.write(UNKNOWN, "errors")
        log.write(replace(UNKNOWN, route="/v1/deliveries"), "errors")
        now = THINNED_FOR
        log.write(UNKNOWN, "errors")

    assert [(line["route"], line.get("left_out")) for line in lines] == [
        ("/v1/watches", None),
        ("/v1/deliveries", None),
        ("/v1/watches", 4),
    ]


@pytest.mark.parametrize(("mode", "lines_written"), [("errors", 0), ("all", 1)])
def test_a_refused_push_is_only_counted_unless_every_call_gets_a_line(mode: AccessLogMode, lines_written: int) -> None:
    log = AccessLog()
    with capture_logs() as lines:
        log.write(replace(UNKNOWN, route="/v1/push/rally/{workspace}", status=400, code="push_not_signed"), mode)

    assert len(lines) == lines_written


def test_each_refusal_of_a_known_client_gets_a_line() -> None:
    log = AccessLog()
    with capture_logs() as lines:
        for _ in range(3):
            log.write(REFUSED, "errors")

    assert len(lines) == 3


@pytest.fixture
async def world(redis_url: str, sandbox_url: str) -> AsyncIterator[World]:
    async with opened(redis_url, sandbox_url, ACCESS_LOG="all") as world:
        yield world


async def answered(world: World, method: str, path: str, **more: Any) -> dict[str, Any]:
    """Return the line of a call."""
    with capture_logs() as lines:
        await world.api.request(method, path, **more)
    (line,) = (line for line in lines if line["event"] == "request.answered")
    return dict(line)


async def test_a_line_names_route_path_client_and_refusal_but_no_query(world: World) -> None:
    found = await answered(world, "GET", "/v1/watches/wat_1?wait=SECRET", headers=bearer(CLIENT_KEY))

    assert found.pop("took_ms") >= 0
    assert found == {
        "event": "request.answered",
        "log_level": "info",
        "method": "GET",
        "route": "/v1/watches/{watch_id}",
        "path": "/v1/watches/wat_1",
        "status": 422,
        "code": "invalid_query",
        "client": "crm",
    }


async def test_an_unknown_caller_and_an_unknown_path_are_visible(world: World) -> None:
    unknown = await answered(world, "POST", "/v1/watches", json={})
    nowhere = await answered(world, "GET", f"/{'x' * 500}")

    assert (unknown["status"], unknown["code"], unknown["client"]) == (401, "missing_api_key", None)
    assert (nowhere["status"], nowhere["code"], nowhere["route"], len(nowhere["path"])) == (
        404,
        "not_found",
        "none",
        200,
    )
