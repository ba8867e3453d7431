"""Refusals: each that the description names for a call is provoked; none changes anything."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.web.invalid_keys import MAX_INVALID_KEYS
from bridge.web.refusals import Refusal
from bridge.web.requests.body import BATCH_LIMIT, BODY_LIMIT
from tests.support.api_calls import KEYED, PROBLEM, Call, stored
from tests.support.redis_process import RedisProcess
from tests.support.samples import only
from tests.support.world import OTHER_KEY, World, opened
from tests.web.openapi.test_document import check

pytestmark = pytest.mark.anyio


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


async def ask_about_an_unread_import(world: World, call: Call) -> httpx.Response:
    return await call.ask(world, id_=(await world.watch())["id"])


async def ask_about_changed_records(world: World, call: Call) -> httpx.Response:
    records = [{"personId": f"p{number}"} for number in range(10_001)]
    await world.sandbox.set_import("imp", ("COMPLETED", 0), failedRecords=records)
    watch = await world.watch()
    await world.poll()
    await world.sandbox.set_import("imp", ("COMPLETED", 0), failedRecords=records[1:])
    await world.resources.record_reads.get_or_request("default", "imp")
    await world.read_records()
    return await call.ask(world, id_=watch["id"])


async def ask_about_a_pending_delivery(world: World, call: Call) -> httpx.Response:
    return await call.ask(world, id_=await delivery(world))


async def ask_about_a_skipped_delivery(world: World, call: Call) -> httpx.Response:
    return await call.ask(world, id_=await delivery(world, on=["failed"]))


async def ask_about_what_does_not_open(world: World, call: Call) -> httpx.Response:
    watch = "watch_id" in call.path
    id_ = (await world.watch())["id"] if watch else await delivery(world)
    record = (f"rb:watch:{id_}", "private") if watch else (f"rb:delivery:{id_}", "message")
    await world.resources.store.call("HSET", *record, "not encrypted by us")
    return await call.ask(world, id_=id_)


async def ask_with_many_wrong_keys(world: World, call: Call) -> httpx.Response:
    for number in range(MAX_INVALID_KEYS):
        assert (await call.ask(world, key=f"rbk_key-number-{number}")).status_code == 401
    return await call.ask(world, key="rbk_one-key-too-many")


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
    Refusal.IMPORT_NOT_READ: ask_about_an_unread_import,
    Refusal.FAILED_RECORDS_CHANGED: ask_about_changed_records,
    Refusal.NOT_ACCEPTABLE: lambda world, call: call.ask(world, headers={"Accept": "image/png"}),
    Refusal.DELIVERY_PENDING: ask_about_a_pending_delivery,
    Refusal.DELIVERY_SKIPPED: ask_about_a_skipped_delivery,
    Refusal.DESTINATION_BUSY: twice,
    Refusal.DECRYPTION_FAILED: ask_about_what_does_not_open,
}
ELSEWHERE = {
    Refusal.RATE_LIMITED: "below, with a limit of its own",
    Refusal.SERVICE_UNAVAILABLE: "below, without Redis",
    Refusal.FORBIDDEN: "tests/settings/test_clients.py, with a file of clients",
    Refusal.REQUEST_TIMEOUT: "tests/web/requests/test_body.py, with less patience",
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
async def test_each_refusal_is_answered_as_described_and_changes_nothing(
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
async def test_a_refused_call_leaves_existing_records_unchanged(world: World, call: Call) -> None:
    ids = {"wat": (await world.watch("imp-1"))["id"], "dlv": await delivery(world)}
    before = await stored(world)
    for refusal in READS_NOTHING_FIRST:
        if refusal in call.operation.refusals:
            check_refusal(await WAYS[refusal](world, call), refusal, call)
    for id_ in ids.values():
        if "_id}" in call.path:
            assert (await call.ask(world, id_=id_, key=OTHER_KEY)).status_code == 404

    assert await stored(world) == before


@pytest.mark.parametrize("call", KEYED, ids=str)
async def test_every_call_is_rate_limited(redis_url: str, sandbox_url: str, call: Call) -> None:
    async with opened(redis_url, sandbox_url, CLIENT_RATE_LIMIT="1") as world:
        await world.begin_minute()
        await world.get("/v1/signing-keys")
        before = await stored(world)
        answer = await call.ask(world)

        check_refusal(answer, Refusal.RATE_LIMITED, call)
        assert 1 <= int(answer.headers["retry-after"]) <= 60
        assert await stored(world) == before


async def test_without_redis_each_call_is_a_503_with_a_retry_after(sandbox_url: str, tmp_path: Path) -> None:
    memory = RedisProcess(tmp_path)
    memory.start()
    try:
        async with opened(memory.url, sandbox_url) as world:
            memory.kill()
            answers = await asyncio.gather(*(call.ask(world) for call in KEYED))
            for call, answer in zip(KEYED, answers, strict=True):
                check_refusal(answer, Refusal.SERVICE_UNAVAILABLE, call)
                assert int(answer.headers["retry-after"]) > 0
            assert (await world.api.get("/healthz")).status_code == 200
            ready = await world.api.get("/readyz")
            assert (ready.status_code, ready.headers["retry-after"]) == (503, "5")
            assert "rally_bridge_redis_up 0.0" in (await world.api.get("/metrics")).text
    finally:
        memory.kill()
