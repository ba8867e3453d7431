"""What applies to every call: methods, request ids, headers and the rate limit."""

import asyncio
import io
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from bridge import log
from bridge.domain.times import MINUTE
from bridge.metrics import process_counts
from bridge.store.operations.rate_limits import RateLimiter
from bridge.web.app import ROUTES, build
from bridge.web.routing import resource
from tests.support.plain_http import plain_async_client
from tests.support.plain_log import use_plain_log
from tests.support.world import ADMIN_KEY, CLIENT_KEY, OTHER_KEY, World, bearer, opened, serving

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(redis_url: str, sandbox_url: str) -> AsyncIterator[World]:
    async with opened(redis_url, sandbox_url) as world:
        yield world


def places(*without: str) -> list[str]:
    """Return each path of the API, with an id where it has one."""
    paths = sorted({route.path for route in ROUTES} - {"/", *without})
    return [path.format(watch_id="wat_1", delivery_id="dlv_1", workspace="default") for path in paths]


async def test_every_path_lists_its_methods(world: World) -> None:
    for place in places():
        options = await world.api.options(place)
        refused = await world.api.request("BREW", place)

        assert options.status_code == 204, place
        assert refused.status_code == 405, place
        assert refused.headers["content-type"] == "application/problem+json", place
        assert options.headers["allow"] == refused.headers["allow"], place
        assert ("GET" in options.headers["allow"]) == ("HEAD" in options.headers["allow"]), place


async def test_a_path_with_an_extra_slash_is_not_found_and_not_redirected(world: World) -> None:
    for place in places("/docs", "/docs/"):
        path = f"{place}/"
        for answer in (await world.api.get(path), await world.post(path, json={"importId": "imp"})):
            assert (answer.status_code, "location" in answer.headers) == (404, False), path
            assert answer.headers["content-type"] == "application/problem+json", path


async def test_all_methods_of_a_path_are_listed_together(world: World) -> None:
    assert (await world.api.options("/v1/watches")).headers["allow"] == "GET, HEAD, OPTIONS, POST"


async def test_head_is_answered_like_get_without_the_body(world: World) -> None:
    assert (await world.api.head("/v1/watches", headers=bearer(CLIENT_KEY))).status_code == 200
    assert (await world.api.head("/v1/watches")).status_code == 401
    assert (await world.api.head("/v1/watches/wat_none", headers=bearer(CLIENT_KEY))).status_code == 404


@pytest.mark.parametrize("path", ["/v1/watches", "/healthz", "/docs"])
async def test_the_accept_header_is_ignored(world: World, path: str) -> None:
    headers = {**bearer(CLIENT_KEY), "Accept": "image/png"}

    assert (await world.api.get(path, headers=headers)).status_code == 200


@contextmanager
def logged() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Configure the log like the product; yield a function that returns the lines so far."""
    root = logging.getLogger()
    before = (root.handlers, root.level)
    lines = io.StringIO()
    log.configure("INFO", "api", lines)
    try:
        yield lambda: [json.loads(line) for line in lines.getvalue().splitlines()]
    finally:
        root.handlers, root.level = before
        use_plain_log()


async def test_a_request_id_is_returned_and_logged(world: World) -> None:
    with logged() as lines:
        answer = await world.post("/v1/watches", json={"importId": "imp"}, **{"X-Request-Id": "build-42.a"})

    accepted = next(line for line in lines() if line["event"] == "watch.accepted")
    assert answer.headers["x-request-id"] == "build-42.a"
    assert accepted["request_id"] == "build-42.a"


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", "<script>", "a/b"])
async def test_an_invalid_request_id_is_replaced(world: World, given: str) -> None:
    headers = {**bearer(CLIENT_KEY), "X-Request-Id": given}
    answer = await world.api.get("/v1/watches", headers=headers)

    assert answer.headers["x-request-id"].startswith("req_")


@pytest.mark.parametrize("path", ["/healthz", "/v1/watches", "/nowhere"])
async def test_every_response_has_security_headers(world: World, path: str) -> None:
    headers = (await world.api.get(path, headers=bearer(CLIENT_KEY))).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert ("cache-control" in headers) == path.startswith("/v1")


async def fail(_: Request) -> Response:
    raise ZeroDivisionError("nobody foresaw it")


async def fail_midway(_: Request) -> Response:
    async def half() -> AsyncIterator[str]:
        yield "half of it"
        raise ZeroDivisionError("nobody foresaw it")

    return StreamingResponse(half())


@pytest.fixture
def failing(world: World) -> Starlette:
    """The app with endpoints that raise unexpected errors."""
    app = build(world.resources)
    app.router.routes += [resource("/v1/failing", GET=fail), resource("/v1/failing-midway", GET=fail_midway)]
    return app


async def test_an_unexpected_error_is_answered_with_a_problem_and_logged_once(failing: Starlette) -> None:
    counted = ("GET", "/v1/failing", "500")
    before = process_counts.requests.of(*counted)
    with logged() as lines, serving(failing) as url:
        async with plain_async_client(url) as api:
            answer = await api.get("/v1/failing", headers={"X-Request-Id": "build-42.a"})
            again = await api.get("/healthz")

    assert (answer.status_code, answer.json()["type"]) == (500, "/docs#internal-error")
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.headers["x-request-id"], answer.headers["cache-control"]) == ("build-42.a", "no-store")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert process_counts.requests.of(*counted) == before + 1
    (line,) = (line for line in lines() if line["level"] == "error")
    assert (line["event"], line["request_id"]) == ("request.failed", "build-42.a")
    assert "nobody foresaw it" in line["exception"]
    assert again.status_code == 200


async def test_a_response_that_fails_midway_is_cut_off_and_logged_once(failing: Starlette) -> None:
    with logged() as lines, serving(failing) as url:
        async with plain_async_client(url) as api:
            with pytest.raises(httpx.RemoteProtocolError):
                await api.get("/v1/failing-midway")

    (line,) = (line for line in lines() if line["level"] == "error")
    assert line["request_id"].startswith("req_")
    assert "nobody foresaw it" in line["exception"]


async def test_a_client_over_its_rate_limit_is_refused_and_no_other_is(redis_url: str, sandbox_url: str) -> None:
    async with opened(redis_url, sandbox_url, CLIENT_RATE_LIMIT="3") as world:
        await world.begin_minute()
        statuses = [(await world.get("/v1/watches")).status_code for _ in range(3)]
        refused = await world.post("/v1/watches", json={"importId": "imp"})
        others = [(await world.get("/v1/watches", key=key)).status_code for key in (OTHER_KEY, ADMIN_KEY)]

        assert statuses == [200, 200, 200]
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert others == [200, 200]


async def test_each_refused_or_replayed_post_counts_as_a_call(redis_url: str, sandbox_url: str) -> None:
    async with opened(redis_url, sandbox_url, CLIENT_RATE_LIMIT="6") as world:
        await world.begin_minute()
        key = {"Idempotency-Key": "once"}
        first = await world.post("/v1/watches", json={"importId": "imp"}, **key)
        replayed = await world.post("/v1/watches", json={"importId": "imp"}, **key)
        reused = await world.post("/v1/watches", json={"importId": "other"}, **key)
        invalid = await world.post("/v1/watches", json={"importId": ""})
        invalid_query = await world.post("/v1/watches?wait=1", json={"importId": "imp"})
        no_key = await world.post("/v1/watches", json={"importId": "imp"}, **{"Idempotency-Key": "k" * 256})
        refused = [await world.post("/v1/watches", json={"importId": id_}) for id_ in ("imp", "")]

        counted = [first, replayed, reused, invalid, invalid_query, no_key]
        assert [answer.status_code for answer in counted] == [202, 202, 422, 422, 422, 422]
        assert [answer.status_code for answer in refused] == [429, 429]
        assert [1 <= int(answer.headers["retry-after"]) <= 60 for answer in refused] == [True, True]


def batch(watches: int) -> dict[str, Any]:
    return {"watches": [{"importId": f"imp-{number}"} for number in range(watches)]}


async def test_each_watch_of_a_batch_counts_as_a_call_and_too_many_are_refused_together(
    redis_url: str, sandbox_url: str
) -> None:
    async with opened(redis_url, sandbox_url, CLIENT_RATE_LIMIT="10") as world:
        await world.begin_minute()
        first = await world.post("/v1/watches/batch", json=batch(6))
        refused = await world.post("/v1/watches/batch", json=batch(5))  # only four calls are left
        rest = [(await world.get("/v1/watches")).status_code for _ in range(4)]

        assert first.status_code == 200
        assert (refused.status_code, refused.json()["type"]) == (429, "/docs#rate-limited")
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert rest == [200] * 3 + [429], "what was refused counts as the one call that it was"
        seen = (await world.get("/v1/watches", key=ADMIN_KEY)).json()["data"]
        assert len(seen) == 6


async def test_a_batch_larger_than_the_limit_is_accepted_in_a_minute_without_other_calls(
    redis_url: str, sandbox_url: str
) -> None:
    async with opened(redis_url, sandbox_url, CLIENT_RATE_LIMIT="60") as world:
        await world.begin_minute()
        passed = await world.post("/v1/watches/batch", json=batch(100))
        too_many = await world.get("/v1/watches")
        other = await world.get("/v1/watches", key=OTHER_KEY)
        refused = await world.post("/v1/watches/batch", key=OTHER_KEY, json=batch(100))

        assert (passed.status_code, too_many.status_code) == (200, 429)
        assert (other.status_code, refused.status_code) == (200, 429)


async def test_calls_charged_together_are_charged_all_or_none(world: World) -> None:
    await world.begin_minute()
    one, other = (RateLimiter(world.resources.store, limit=60) for _ in range(2))

    assert await one.acquire("crm", 50) == 0
    assert await other.acquire("crm", 11) > 0
    assert await asyncio.gather(*(other.acquire("crm") for _ in range(5)), other.acquire("crm", 5)) == [0] * 6
    assert await other.acquire("crm") > 0


async def test_a_rejected_request_for_many_calls_counts_none(world: World) -> None:
    await world.begin_minute()
    limiter = RateLimiter(world.resources.store, limit=60)
    assert await limiter.acquire("crm") == 0

    assert await limiter.acquire("crm", 60) > 0
    assert await limiter.acquire("crm", 59) == 0


async def test_a_client_may_use_the_limit_to_its_last_call_however_many_processes_share_it(world: World) -> None:
    await world.begin_minute()
    limiters = [RateLimiter(world.resources.store, limit=60) for _ in range(20)]

    assert [await limiters[number % 20].acquire("crm") for number in range(60)] == [0] * 60
    assert await limiters[0].acquire("crm") > 0


async def test_concurrent_calls_use_the_whole_limit(world: World) -> None:
    await world.begin_minute()
    limiter = RateLimiter(world.resources.store, limit=60)

    assert await asyncio.gather(*(limiter.acquire("crm") for _ in range(60))) == [0] * 60
    assert await limiter.acquire("crm") > 0


async def test_processes_share_a_count_that_restarts_each_minute(world: World) -> None:
    await world.begin_minute()
    one, other = (RateLimiter(world.resources.store, limit=60) for _ in range(2))

    async def given() -> int:
        return sum([await limiter.acquire("crm") == 0 for limiter in (one, other) for _ in range(50)])

    assert await given() == 60
    world.pass_time(MINUTE)
    one, other = (RateLimiter(world.resources.store, limit=60) for _ in range(2))
    assert await given() == 60


async def test_with_a_full_redis_reads_are_accepted_and_not_counted(world: World) -> None:
    watch = await world.watch()
    limiter = RateLimiter(world.resources.store, limit=30)
    assert await limiter.acquire("crm") == 0
    await world.resources.store.call("CONFIG", "SET", "maxmemory", 1)
    try:
        assert [await limiter.acquire("crm") for _ in range(40)] == [0] * 40
        seen = [await world.get(f"/v1/watches/{watch['id']}") for _ in range(40)]
        refused = await world.post("/v1/watches", json={"importId": "imp", "notify": []})
    finally:
        await world.resources.store.call("CONFIG", "SET", "maxmemory", 0)
    assert {answer.status_code for answer in seen} == {200}
    assert refused.status_code == 503
