"""Refusals: each one in the OpenAPI document is provoked, and none changes anything."""

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.web.app import CALLS
from bridge.web.body import BATCH_LIMIT, BODY_LIMIT
from bridge.web.invalid_keys import MAX_INVALID_KEYS
from bridge.web.openapi.operations import CALLS as OPERATIONS
from bridge.web.openapi.operations import Operation
from bridge.web.refusals import Refusal
from bridge.web.routing import Resource
from tests.support.samples import only
from tests.support.world import CLIENT_KEY, OTHER_KEY, World, bearer, opened
from tests.system.test_outages import RedisProcess
from tests.web.test_openapi import check

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    operation: Operation

    def __str__(self) -> str:
        return self.operation.name

    async def ask(
        self,
        world: World,
        *,
        id_: str = "",
        key: str = CLIENT_KEY,
        body: Any = None,
        content: bytes | None = None,
        query: str = "",
        headers: Mapping[str, str] | None = None,
        repeat: str | None = None,
    ) -> httpx.Response:
        """Make the call, by default with its own example as the body and an unknown id."""
        place = self.path.format(watch_id=id_ or "wat_none", delivery_id=id_ or "dlv_none") + query
        if content is None and self.operation.body:
            content = json.dumps(self.operation.example if body is None else body).encode()
        kind = {} if content is None else {"Content-Type": "application/json"}
        given = [*{**bearer(key), **kind, **(headers or {})}.items()]
        given += [each for each in given if each[0] == repeat]
        return await world.api.request(self.method, place, content=content, headers=given)


def calls() -> Iterator[Call]:
    for route in CALLS:
        assert isinstance(route.endpoint, Resource)
        for method, endpoint in route.endpoint.endpoints.items():
            yield Call(method, route.path, OPERATIONS[endpoint])


EVERY_CALL = list(calls())
KEYED = [call for call in EVERY_CALL if not call.operation.public]


async def stored(world: World) -> dict[str, Any]:
    """Return everything in Redis except rate limits, the queue and rings."""
    store = world.resources.store
    keys = [key for key in await store.call("KEYS", "*") if key.startswith("rb:") and not key.startswith(UNKEPT)]
    return {key: await contents(world, key) for key in sorted(keys)}


UNKEPT = ("rb:calls", "rb:queue", "rb:wakeups", "rb:check")


async def contents(world: World, key: str) -> Any:
    store = world.resources.store
    match await store.call("TYPE", key):
        case "hash":
            return await store.call("HGETALL", key)
        case "zset":
            return await store.call("ZRANGE", key, 0, -1, "WITHSCORES")
        case "set":
            return sorted(await store.call("SMEMBERS", key))
        case "list":
            return await store.call("LRANGE", key, 0, -1)
        case _:
            return await store.call("GET", key)


Way = Callable[[World, Call], Awaitable[httpx.Response]]


async def ended_watch(world: World) -> str:
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    watch = await world.watch()
    await world.poll()
    return str(watch["id"])


async def delivery(world: World, **fields: Any) -> str:
    """Create a pending delivery; return its id."""
    await world.sandbox.set_answers("crm", {"status": 503})
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    watch = await world.watch(notify=[{"type": "callback", "url": world.sandbox.callback_url(), **fields}])
    await world.poll()
    await world.deliver()
    return str(only((await world.reload(watch))["deliveries"])["id"])


async def of_another(world: World, call: Call) -> httpx.Response:
    id_ = (await world.watch())["id"] if "watch_id" in call.path else await delivery(world)
    return await call.ask(world, id_=id_, key=OTHER_KEY)


async def with_a_used_key(world: World, call: Call) -> httpx.Response:
    """Reuse an Idempotency-Key. In a batch each watch is refused in its own result."""
    await call.ask(world, headers={"Idempotency-Key": "once"})
    other = {"importId": "another"}
    body = {"watches": [other]} if call.path.endswith("batch") else other
    answer = await call.ask(world, body=body, headers={"Idempotency-Key": "once"})
    if not call.path.endswith("batch"):
        return answer
    result = only(answer.json()["results"])
    headers, problem = {**answer.headers, "content-type": PROBLEM}, json.dumps(result["problem"])
    return httpx.Response(result["status"], headers=headers, content=problem, request=answer.request)


async def twice(world: World, call: Call) -> httpx.Response:
    body = {"destination": {"type": "slack", "channel": "C0123ABCD"}}
    await call.ask(world, body=body)
    return await call.ask(world, body=body)


def too_large(call: Call) -> bytes:
    limit = BATCH_LIMIT if call.path.endswith("batch") else BODY_LIMIT
    return b'{"importId": "' + b"x" * limit + b'"}'


async def unknown_or_anothers(world: World, call: Call) -> httpx.Response:
    unknown = await call.ask(world)
    anothers = await of_another(world, call)
    assert anothers.json() == unknown.json(), "nobody should learn that there is one"
    return anothers


async def ask_about_an_ended_watch(world: World, call: Call) -> httpx.Response:
    return await call.ask(world, id_=await ended_watch(world))


async def ask_about_a_pending_delivery(world: World, call: Call) -> httpx.Response:
    return await call.ask(world, id_=await delivery(world))


async def ask_about_a_skipped_delivery(world: World, call: Call) -> httpx.Response:
    return await call.ask(world, id_=await delivery(world, on=["failed"]))


async def ask_about_what_does_not_open(world: World, call: Call) -> httpx.Response:
    watch = "watch_id" in call.path
    id_ = (await world.watch())["id"] if watch else await delivery(world)
    record = (f"rb:watch:{id_}", "private") if watch else (f"rb:delivery:{id_}", "message")
    await world.resources.store.call("HSET", *record, "not sealed by us")
    return await call.ask(world, id_=id_)


async def ask_with_many_wrong_keys(world: World, call: Call) -> httpx.Response:
    for number in range(MAX_INVALID_KEYS):
        assert (await call.ask(world, key=f"rbk_key-number-{number}")).status_code == 401
    return await call.ask(world, key="rbk_one-key-too-many")


PROBLEM = "application/problem+json"
WAYS: Mapping[Refusal, Way] = {
    Refusal.DUPLICATE_HEADER: lambda world, call: call.ask(world, repeat="Authorization"),
    Refusal.MISSING_API_KEY: lambda world, call: call.ask(world, headers={"Authorization": "Basic eDp5"}),
    Refusal.INVALID_API_KEY: lambda world, call: call.ask(world, key="rbk_key-of-nobody-at-all"),
    Refusal.TOO_MANY_INVALID_KEYS: ask_with_many_wrong_keys,
    Refusal.INVALID_JSON: lambda world, call: call.ask(world, content=b'{"importId": "imp"'),
    Refusal.PAYLOAD_TOO_LARGE: lambda world, call: call.ask(world, content=too_large(call)),
    Refusal.UNSUPPORTED_MEDIA_TYPE: lambda world, call: call.ask(world, headers={"Content-Type": "text/plain"}),
    Refusal.VALIDATION_FAILED: lambda world, call: call.ask(world, body={**call.operation.example, "colour": "red"}),
    Refusal.INVALID_QUERY: lambda world, call: call.ask(world, query="?colour=red"),
    Refusal.INVALID_IDEMPOTENCY_KEY: lambda world, call: call.ask(world, headers={"Idempotency-Key": "x" * 256}),
    Refusal.IDEMPOTENCY_KEY_REUSED: with_a_used_key,
    Refusal.WATCH_NOT_FOUND: unknown_or_anothers,
    Refusal.DELIVERY_NOT_FOUND: unknown_or_anothers,
    Refusal.WATCH_ALREADY_SETTLED: ask_about_an_ended_watch,
    Refusal.DELIVERY_PENDING: ask_about_a_pending_delivery,
    Refusal.DELIVERY_SKIPPED: ask_about_a_skipped_delivery,
    Refusal.DESTINATION_BUSY: twice,
    Refusal.DECRYPTION_FAILED: ask_about_what_does_not_open,
}


ELSEWHERE = {
    Refusal.RATE_LIMITED: "below, with a limit of its own",
    Refusal.SERVICE_UNAVAILABLE: "below, without Redis",
    Refusal.FORBIDDEN: "tests/settings/test_client_config.py, with a file of clients",
    Refusal.REQUEST_TIMEOUT: "tests/web/test_body.py, with less patience",
    Refusal.INTERNAL_ERROR: "nothing known provokes it",
}
EACH = [(call, refusal) for call in KEYED for refusal in call.operation.refusals if refusal not in ELSEWHERE]


def check_refusal(answer: httpx.Response, refusal: Refusal, call: Call) -> None:
    """Check a response against the expected refusal and the OpenAPI document."""
    assert answer.status_code == refusal.status, answer.text
    assert answer.headers["content-type"] == PROBLEM
    assert answer.headers["x-request-id"]
    document = answer.json()
    assert (document["type"], document["title"]) == (f"/docs#{refusal.slug}", refusal.title)
    assert document["status"] == refusal.status
    if not (call.path.endswith("batch") and refusal is Refusal.IDEMPOTENCY_KEY_REUSED):
        check(answer, call.path, call.method.lower())


@pytest.mark.parametrize(("call", "refusal"), EACH, ids=lambda each: getattr(each, "slug", None) or str(each))
async def test_each_refusal_is_told_in_its_document_and_changes_nothing(
    world: World, call: Call, refusal: Refusal
) -> None:
    refused = await WAYS[refusal](world, call)
    check_refusal(refused, refusal, call)
    before = await stored(world)

    await world.api.send(refused.request)

    assert await stored(world) == before


READS_NOTHING_FIRST = (
    *(
        Refusal.MISSING_API_KEY,
        Refusal.INVALID_API_KEY,
        Refusal.INVALID_JSON,
        Refusal.PAYLOAD_TOO_LARGE,
    ),
    *(
        Refusal.UNSUPPORTED_MEDIA_TYPE,
        Refusal.VALIDATION_FAILED,
        Refusal.INVALID_QUERY,
        Refusal.INVALID_IDEMPOTENCY_KEY,
    ),
)


@pytest.mark.parametrize("call", KEYED, ids=str)
async def test_a_refused_call_leaves_everything_as_it_was(world: World, call: Call) -> None:
    there = {"wat": (await world.watch("imp-1"))["id"], "dlv": await delivery(world)}
    before = await stored(world)
    for refusal in READS_NOTHING_FIRST:
        if refusal in call.operation.refusals:
            check_refusal(await WAYS[refusal](world, call), refusal, call)
    for id_ in there.values():
        if "_id}" in call.path:
            assert (await call.ask(world, id_=id_, key=OTHER_KEY)).status_code == 404

    assert await stored(world) == before


@pytest.mark.parametrize("call", KEYED, ids=str)
async def test_one_call_too_many_is_refused_whatever_it_is(redis_url: str, sandbox_url: str, call: Call) -> None:
    async with opened(redis_url, sandbox_url, CLIENT_RATE_LIMIT="1") as world:
        await world.begin_minute()
        await world.get("/v1/signing-keys")
        before = await stored(world)
        answer = await call.ask(world)

        check_refusal(answer, Refusal.RATE_LIMITED, call)
        assert 1 <= int(answer.headers["retry-after"]) <= 60
        assert await stored(world) == before


async def test_while_redis_is_away_each_call_says_so_and_when_to_come_again(sandbox_url: str, tmp_path: Path) -> None:
    memory = RedisProcess(tmp_path)
    memory.start()
    try:
        async with opened(memory.url, sandbox_url) as world:
            await world.begin_minute()
            await world.get("/v1/signing-keys")  # so that this process has reserved calls
            memory.kill()
            for call in KEYED:
                # Calls that need only a reserved call still succeed.
                needs_permits_alone = call.path.startswith("/v1/signing-") or call.path == "/v1/destinations"
                answer = await call.ask(world, key=OTHER_KEY if needs_permits_alone else CLIENT_KEY)
                check_refusal(answer, Refusal.SERVICE_UNAVAILABLE, call)
                assert int(answer.headers["retry-after"]) > 0
            assert (await world.get("/v1/signing-keys")).status_code == 200
            assert (await world.api.get("/healthz")).status_code == 200
            ready = await world.api.get("/readyz")
            assert (ready.status_code, ready.headers["retry-after"]) == (503, "5")
            assert "rally_bridge_redis_up 0.0" in (await world.api.get("/metrics")).text
    finally:
        memory.kill()


# Generated requests.

JUNK: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 0, -1, 1.5, 10**400, 2**63, "", "x" * 2001, "\x00", "é", "\ud83d", {}, [], [[]], {"": None}, "imp"]
)
NAMES = st.sampled_from(
    ["importId", "notify", "on", "type", "url", "headers", "watches", "since", "state", "", "__class__"]
)


@st.composite
def altered(draw: st.DrawFn, example: Any) -> Any:
    """Return an example with one value replaced, removed or added."""
    if draw(st.integers(0, 3)) == 0:
        return draw(JUNK)
    if isinstance(example, dict) and example:
        name = draw(st.sampled_from(sorted(example)))
        rest = {each: value for each, value in example.items() if each != name}
        match draw(st.integers(0, 3)):
            case 0:
                return rest
            case 1:
                return {**example, draw(NAMES): draw(JUNK)}
            case _:
                return {**rest, name: draw(altered(example[name]))}
    if isinstance(example, list) and example:
        return [*example[1:], draw(altered(example[0]))] * draw(st.sampled_from([1, 1, 1, 101]))
    return draw(JUNK)


@st.composite
def encoded(draw: st.DrawFn, example: Any) -> bytes:
    """Return a changed example as bytes, sometimes not valid JSON."""
    text = json.dumps(draw(altered(example))).encode()
    match draw(st.integers(0, 7)):
        case 0:
            return text[: draw(st.integers(0, len(text)))]
        case 1:
            return draw(st.sampled_from([b"\xef\xbb\xbf", b"\xff", b"\x00", b"[" * 30_000])) + text
        case 2:
            return draw(st.sampled_from(["utf-16", "utf-32", "utf-7"]).map(lambda code: text.decode().encode(code)))
        case _:
            return text


ODD = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20) | st.just("x" * 300)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "Accept": st.sampled_from(["*/*", "text/html", "application/json;q=0", ";", "a/b;q=x,*/*"]) | ODD,
        "Content-Type": st.sampled_from(["application/json", "application/json; charset=utf-16", "text/plain"]) | ODD,
        "Idempotency-Key": ODD,
        "X-Request-Id": ODD,
        "Authorization": ODD,
        "Content-Encoding": st.just("gzip"),
    },
)
ID = st.sampled_from(["wat_none", "..", "%00", "%ff", "wat_" + "1" * 41, "redeliver", "*"]) | st.text(max_size=8).map(
    lambda text: quote(text, safe="") or "x"
)
QUERY = st.lists(
    st.tuples(
        st.sampled_from(["limit", "state", "outcome", "importId", "cursor", "wait", "x", ""]),
        st.sampled_from(
            ["", "0", "1", "01", "-1", "9" * 5000, "settled", "%00", "%ff", "wat_1", "dlv_1", "1e1", "NaN"]
        ),
    ).map("=".join),
    max_size=3,
).map(lambda parts: "?" + "&".join(parts) if parts else "")


class Caller:
    """Makes calls for Hypothesis, which is not async, to one world during the whole test."""

    def __init__(self, portal: BlockingPortal, world: World) -> None:
        self._portal, self._world = portal, world

    def asks(
        self, call: Call, id_: str, query: str, content: bytes | None, headers: Mapping[str, str]
    ) -> httpx.Response:
        return self._portal.call(self._ask, call, id_, query, content, headers)

    async def _ask(
        self, call: Call, id_: str, query: str, content: bytes | None, headers: Mapping[str, str]
    ) -> httpx.Response:
        before = await stored(self._world)
        answer = await call.ask(self._world, id_=id_, query=query, content=content, headers=headers)
        if not answer.is_success:
            assert await stored(self._world) == before
        return answer


@pytest.fixture
def caller(redis_url: str, sandbox_url: str) -> Iterator[Caller]:
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(opened(redis_url, sandbox_url, CLIENT_RATE_LIMIT="1000000")) as world,
    ):
        yield Caller(portal, world)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("call", KEYED, ids=str)
@given(data=st.data())
def test_nothing_that_is_asked_ends_in_a_5xx_or_changes_anything_when_refused(
    caller: Caller, call: Call, data: st.DataObject
) -> None:
    headers = data.draw(st.just({}) | HEADERS)
    content = data.draw(encoded(call.operation.example)) if call.operation.body else data.draw(st.none() | st.binary())
    answer = caller.asks(call, data.draw(ID), data.draw(QUERY), content, headers)

    assert answer.status_code < 500, answer.text
    assert answer.is_success or answer.headers["content-type"] == PROBLEM, answer.text
