"""Rally's pushes at the API: what is signed is recorded before the answer, and nothing else leaves a trace."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from bridge.domain.rules.pushes import API_FINISHED, CSV_FINISHED, OTHER_EVENT, PushResult
from bridge.domain.times import HOUR, SECOND
from bridge.queue import QUEUE, ResilientArqRedis
from bridge.store import keys
from bridge.web.requests.unverified_bodies import SLOTS
from tests.support.configuration import workspace
from tests.support.push_messages import OTHER_PUSH_SECRET, PUSH_SECRET, push_body, send_push, signed_headers
from tests.support.queue_connection import TROUBLES, connect, troubled
from tests.support.redis_snapshot import Snapshot, take_snapshot
from tests.support.samples import only
from tests.support.world import World, opened

pytestmark = pytest.mark.anyio

PATH = "/v1/push/rally/default"
CONFIG = f'{workspace("eu", "key-of-eu")}webhook_secrets = ["{OTHER_PUSH_SECRET}"]\n{workspace("uk", "key-of-uk")}'


@pytest.fixture
async def world(redis_url: str, sandbox_url: str) -> AsyncIterator[World]:
    async with opened(redis_url, sandbox_url, CONFIG, RALLY_WEBHOOK_SECRETS=PUSH_SECRET) as world:
        yield world


async def counts(world: World, name: str = "default") -> dict[str, int]:
    """Return the number of recorded pushes by result."""
    counts = await world.resources.pushes.counts(name)
    return {result.value: count for (_, result), count in counts.by_result.items()}


async def everything(world: World) -> Snapshot:
    return await take_snapshot(world.resources.store)


async def next_poll(world: World, import_id: str = "imp") -> int:
    record = await world.resources.imports.get("default", import_id)
    assert record is not None
    assert record.next_due is not None
    return record.next_due


def assert_accepted(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.content) == (204, b"")
    assert "webhook-delivery" not in answer.headers
    assert answer.headers["x-request-id"]


def assert_refused(answer: httpx.Response, status: int, slug: str, words: str, *, final: bool = False) -> None:
    """Check a refusal; a `final` one makes Svix give up the message."""
    document = answer.json()
    assert (answer.status_code, document["type"]) == (status, f"/docs#{slug}")
    assert words in document["detail"]
    assert answer.headers.get("webhook-delivery") == ("abort-message" if final else None)


async def test_a_push_ends_its_watch_with_the_next_poll(world: World) -> None:
    await world.sandbox.set_import("imp", ("UPLOADING", 0))
    watch = await world.watch()
    await world.poll()
    later = await next_poll(world)
    await world.sandbox.set_import("imp", ("COMPLETED", 0))

    assert_accepted(await send_push(world.api))

    assert await next_poll(world) < later
    await world.poll()
    assert (await world.reload(watch))["outcome"] == "completed"
    assert await counts(world) == {"watched": 1}


@pytest.mark.parametrize("rules", ["", '[[rules]]\nname = "ops"\nnotify = [{type = "slack", channel = "C0123ABCD"}]\n'])
async def test_a_push_that_has_an_effect_wakes_a_worker(redis_url: str, sandbox_url: str, rules: str) -> None:
    async with opened(redis_url, sandbox_url, rules, RALLY_WEBHOOK_SECRETS=PUSH_SECRET) as world:
        if not rules:
            await world.watch()
        arq = connect(redis_url)
        await rung(arq, [] if rules else ["poll_shift"])
        await world.resources.store.call("DEL", QUEUE)

        await send_push(world.api)

        await rung(arq, ["poll_shift"])
        await arq.aclose()


async def rung(arq: ResilientArqRedis, jobs: list[str]) -> None:
    """Wait until these jobs are in the queue."""
    for _ in range(1_000):
        if [job.function for job in await arq.queued_jobs(queue_name=QUEUE)] == jobs:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{jobs} were not enqueued")


async def test_a_push_alone_ends_nothing(world: World) -> None:
    await world.sandbox.set_import("imp", ("UPLOADING", 0))
    watch = await world.watch()

    assert_accepted(await send_push(world.api, push_body(status="ERROR")))
    await world.poll()

    assert (await world.reload(watch))["state"] == "watching"


@pytest.mark.parametrize("family", ["svix", "webhook"])
async def test_both_families_of_headers_are_accepted(world: World, family: str) -> None:
    assert_accepted(await send_push(world.api, family=family))
    assert await counts(world) == {"unwatched": 1}


async def test_what_the_library_of_svix_signs_is_accepted(world: World) -> None:
    body, now = push_body(), time.time()
    headers = signed_headers(body, at=now)
    import svix  # noqa: PLC0415 - takes a quarter of a second

    webhook = svix.Webhook(PUSH_SECRET)
    webhook.verify(body, headers)

    assert_accepted(await world.api.post(PATH, content=body, headers=headers))


async def test_no_key_is_needed_and_no_clients_limit_counts(redis_url: str, sandbox_url: str) -> None:
    limits = {"CLIENT_RATE_LIMIT": "1", "RALLY_WEBHOOK_SECRETS": PUSH_SECRET}
    async with opened(redis_url, sandbox_url, **limits) as world:
        for number in range(9):
            assert_accepted(await send_push(world.api, message_id=f"msg_{number}"))
            assert (await world.api.post(PATH, content=b"{}")).status_code == 400

        assert await counts(world) == {"unwatched": 9}


async def test_a_message_that_is_sent_again_is_accepted_and_changes_nothing(world: World) -> None:
    await world.watch()
    assert_accepted(await send_push(world.api))
    await world.poll()
    later = await next_poll(world)

    for other in (push_body(), push_body("another"), push_body(status="ERROR")):
        assert_accepted(await send_push(world.api, other, at=time.time() + 60))

    assert await next_poll(world) == later
    assert await counts(world) == {"watched": 1, "duplicate": 3}


async def test_copies_that_arrive_at_once_are_recorded_once(world: World) -> None:
    for answer in await asyncio.gather(*(send_push(world.api) for _ in range(20))):
        assert_accepted(answer)

    assert await counts(world) == {"unwatched": 1, "duplicate": 19}


@pytest.mark.parametrize("body", [b"{}", b'{"_eventType": "person.opted_out", "email": "jane@example.com"}'])
async def test_an_unknown_event_is_accepted_and_counted(world: World, body: bytes) -> None:
    assert_accepted(await send_push(world.api, body))

    counts = await world.resources.pushes.counts("default")
    assert counts.by_result == {(OTHER_EVENT, PushResult.OTHER_EVENT): 1}
    assert counts.last.keys() == {OTHER_EVENT}


@pytest.mark.parametrize("import_id", ["", ".", "..", " imp", "imp\n", "\u200b", "x" * 201, "\x00"])
async def test_an_import_id_that_no_import_can_have_is_accepted_and_counted(world: World, import_id: str) -> None:
    assert_accepted(await send_push(world.api, push_body(import_id)))

    assert await counts(world) == {"impossible_id": 1}


async def test_pushes_are_counted_by_event(world: World) -> None:
    await send_push(world.api, push_body(), message_id="msg_1")
    await send_push(world.api, push_body(_eventType=API_FINISHED), message_id="msg_2")

    counts = await world.resources.pushes.counts("default")
    assert counts.by_result == {(CSV_FINISHED, PushResult.UNWATCHED): 1, (API_FINISHED, PushResult.UNWATCHED): 1}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "the body is not JSON"),
        (b"null", "the body is not a JSON object"),
        (json.dumps({"_eventType": CSV_FINISHED}).encode(), "the importId is not a string"),
        (push_body().replace(b'"imp"', b"7"), "the importId is not a string"),
    ],
)
async def test_signed_nonsense_is_refused_for_good(world: World, body: bytes, why: str) -> None:
    with capture_logs() as lines:
        answer = await send_push(world.api, body)

    assert_refused(answer, 400, "push-unreadable", why, final=True)
    assert [(line["event"], line["reason"]) for line in lines] == [("push.unreadable", why)]
    assert await counts(world) == {}


@pytest.mark.parametrize(
    ("signing", "changes", "body", "words"),
    [
        ({}, {"svix-id": ""}, b"{}", "a header is missing: svix-id, svix-timestamp and svix-signature or webhook-id, "),
        ({}, {}, b"{} ", "no signature is by a secret that the bridge has for this workspace"),
        ({}, {}, b"\xff\xfe", "no signature"),
        ({"secrets": [OTHER_PUSH_SECRET]}, {}, b"{}", "no signature"),
        ({"at": 1_700_000_000}, {}, b"{}", "the svix-timestamp is too far from now"),
        ({}, {"svix-timestamp": "soon"}, b"{}", "the svix-timestamp is not a number"),
        ({}, {"svix-id": "msg_2"}, b"{}", "no signature"),
        ({}, {"svix-signature": "v1,é".encode("latin-1")}, b"{}", "no signature"),
    ],
)
async def test_what_is_not_signed_leaves_no_trace(
    world: World, signing: dict[str, Any], changes: dict[str, Any], body: bytes, words: str
) -> None:
    headers = {**signed_headers(b"{}", **signing), **changes}
    before = await everything(world)
    with capture_logs() as lines:
        answer = await world.api.post(PATH, content=body, headers=headers)
        bare = await world.api.post(PATH, content=body)

    assert_refused(answer, 400, "push-not-signed", words)
    assert_refused(bare, 400, "push-not-signed", "a header is missing")
    assert lines == []
    assert await everything(world) == before


async def test_of_two_whole_families_of_headers_the_first_counts(world: World) -> None:
    body = push_body()
    both = signed_headers(body) | signed_headers(body, family="webhook", message_id="msg_2")

    assert_accepted(await world.api.post(PATH, content=body, headers=both))

    seen = [await world.resources.store.call("EXISTS", keys.push_seen("default", each)) for each in ("msg_1", "msg_2")]
    assert seen == [1, 0]


async def test_each_workspace_has_its_own_secrets(world: World) -> None:
    assert_refused(await send_push(world.api, workspace="eu"), 400, "push-not-signed", "no signature")
    assert_accepted(await send_push(world.api, workspace="eu", secrets=[OTHER_PUSH_SECRET]))

    assert (await counts(world), await counts(world, "eu")) == ({}, {"unwatched": 1})


async def test_while_a_secret_is_rotated_both_are_accepted(redis_url: str, sandbox_url: str) -> None:
    rotated = {"RALLY_WEBHOOK_SECRETS": f"{OTHER_PUSH_SECRET},{PUSH_SECRET}"}
    async with opened(redis_url, sandbox_url, **rotated) as world:
        for number, secrets in enumerate([[PUSH_SECRET], [OTHER_PUSH_SECRET], [PUSH_SECRET, OTHER_PUSH_SECRET]]):
            assert_accepted(await send_push(world.api, message_id=f"msg_{number}", secrets=secrets))


@pytest.mark.parametrize("name", ["uk", "nowhere", "DEFAULT", "default%20", "d\u00e9fault"])
async def test_a_workspace_without_a_secret_receives_no_pushes(world: World, name: str) -> None:
    answer = await send_push(world.api, workspace=name)

    assert_refused(answer, 404, "pushes-not-received", "RALLY_WEBHOOK_SECRETS")


@pytest.mark.parametrize("path", [f"{PATH}/", f"{PATH}%2f", "/v1/push/rally", "/v1/push/rally/", "/v1/push/rally/a/b"])
async def test_no_path_redirects(world: World, path: str) -> None:
    body = push_body()

    assert (await world.api.post(path, content=body, headers=signed_headers(body))).status_code == 404


LIMIT = 1024 * 1024


async def test_a_body_has_at_most_one_mebibyte(world: World) -> None:
    filler = LIMIT - len(push_body(more=""))
    largest, too_large = push_body(more="x" * filler), push_body(more="x" * (filler + 1))
    assert len(largest) == LIMIT

    async def in_chunks(body: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(body), 100_000):
            yield body[start : start + 100_000]

    assert_accepted(await send_push(world.api, largest))
    headers = signed_headers(largest, message_id="msg_2")
    assert_accepted(await world.api.post(PATH, content=in_chunks(largest), headers=headers))
    refused = await send_push(world.api, too_large)
    assert_refused(refused, 413, "payload-too-large", "The limit is 1024 KB.")
    refused = await world.api.post(PATH, content=in_chunks(too_large), headers=signed_headers(too_large))
    assert_refused(refused, 413, "payload-too-large", "The limit is 1024 KB.")
    assert await counts(world) == {"unwatched": 2}


async def test_few_large_bodies_are_read_at_once_before_their_sender_is_known(world: World) -> None:
    arriving, begun = asyncio.Event(), asyncio.Semaphore(0)

    async def slow() -> AsyncIterator[bytes]:
        yield b"x" * 70_000
        begun.release()
        await arriving.wait()

    headers = signed_headers(b"never")
    waiting = [asyncio.create_task(world.api.post(PATH, content=slow(), headers=headers)) for _ in range(SLOTS)]
    for _ in waiting:
        await begun.acquire()
    large = push_body(more="x" * 70_000)
    refused = await send_push(world.api, large, message_id="msg_2")
    assert_refused(refused, 503, "service-unavailable", "Too many large pushes at once.")
    assert refused.headers["retry-after"] == "10"
    assert_accepted(await send_push(world.api, message_id="msg_3"))

    arriving.set()
    assert {answer.status_code for answer in await asyncio.gather(*waiting)} == {400}
    assert_accepted(await send_push(world.api, large, message_id="msg_4"))


@contextmanager
def redis_away(world: World) -> Iterator[None]:
    redis = world.resources.store.redis
    pool, redis.connection_pool = redis.connection_pool, type(redis)(host="127.0.0.1", port=1).connection_pool
    try:
        yield
    finally:
        redis.connection_pool = pool


@pytest.mark.parametrize("body", [push_body(), b"{}", push_body("")])
async def test_an_outage_of_redis_is_a_503_and_the_message_is_taken_again(world: World, body: bytes) -> None:
    with redis_away(world):
        refused = await send_push(world.api, body)
        unsigned = await world.api.post(PATH, content=body)
        nonsense = await send_push(world.api, b"[]", message_id="msg_2")

    assert_refused(refused, 503, "service-unavailable", "Send it again.")
    assert int(refused.headers["retry-after"]) > 0
    assert_refused(unsigned, 400, "push-not-signed", "missing")
    assert_refused(nonsense, 400, "push-unreadable", "not a JSON object", final=True)
    assert_accepted(await send_push(world.api, body))
    assert sum((await counts(world)).values()) == 1
    assert "duplicate" not in await counts(world)


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_a_redis_that_rejects_writes_is_a_503(world: World, trouble: str) -> None:
    async with troubled(world.resources.store, trouble):
        refused = await send_push(world.api)

    assert_refused(refused, 503, "service-unavailable", "Send it again.")
    assert_accepted(await send_push(world.api))
    assert await counts(world) == {"unwatched": 1}


async def test_pushes_that_an_outage_turned_away_are_misses_of_their_workspace_once(world: World) -> None:
    store = world.resources.store
    for name in ("default", "eu"):
        await store.call("HSET", keys.push_proof(name), "streak:CSV", 9, "matches:CSV", 9)
    with redis_away(world):
        for number in range(3):
            assert (await send_push(world.api, message_id=f"msg_{number}")).status_code == 503

    for number in range(2):
        assert_accepted(await send_push(world.api, message_id=f"msg_{number}"))
    assert_accepted(await send_push(world.api, workspace="eu", secrets=[OTHER_PUSH_SECRET]))

    assert await store.call("HMGET", keys.push_proof("default"), "streak:CSV", "misses:CSV") == ["0", "3"]
    assert await store.call("HMGET", keys.push_proof("eu"), "streak:CSV", "misses:CSV") == ["9", None]


async def test_the_rules_of_a_workspace_get_its_pushes(redis_url: str, sandbox_url: str) -> None:
    rule = '[[rules]]\nname = "ops"\nworkspaces = ["default"]\nnotify = [{type = "slack", channel = "C0123ABCD"}]\n'
    async with opened(redis_url, sandbox_url, CONFIG + rule, RALLY_WEBHOOK_SECRETS=PUSH_SECRET) as world:
        assert_accepted(await send_push(world.api))
        assert_accepted(await send_push(world.api, workspace="eu", secrets=[OTHER_PUSH_SECRET]))

        queued = only(await world.resources.pushes.claim(9, 10 * SECOND))
        assert (queued.push.workspace, queued.push.import_id, queued.push.failed_record_count) == ("default", "imp", 2)
        assert await counts(world) == {"for_rules": 1}
        kept = await world.resources.store.call("PTTL", keys.push_first("default", "imp"))
        assert kept > world.resources.settings.bridge_retention + HOUR


async def test_addresses_are_neither_stored_nor_logged(redis_url: str, sandbox_url: str) -> None:
    rule = '[[rules]]\nname = "ops"\nnotify = [{type = "slack", channel = "C0123ABCD"}]\n'
    odd: dict[str, Any] = {"status": "jane@example.com", "updatedAt": "jane@example.com", "jane@example.com": 1}
    async with opened(redis_url, sandbox_url, rule, RALLY_WEBHOOK_SECRETS=PUSH_SECRET) as world:
        with capture_logs() as lines:
            bodies = (
                push_body(),
                push_body(**odd),
                push_body(_eventType="jane@example.com"),
                b'["jane@example.com"]',
                push_body(importId=["jane@example.com"]),
            )
            answers = [
                await send_push(world.api, body, message_id=f"msg_{number}") for number, body in enumerate(bodies)
            ]

        assert [answer.status_code for answer in answers] == [204, 204, 204, 400, 400]
        assert "jane" not in str(lines) + str(await everything(world)) + "".join(each.text for each in answers)
        assert len(lines) == 5


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE"])
async def test_other_methods_are_refused(world: World, method: str) -> None:
    answer = await world.api.request(method, PATH)

    assert (answer.status_code, answer.headers["allow"]) == (405, "OPTIONS, POST")


async def test_options_names_the_methods_and_no_page_is_allowed_by_default(world: World) -> None:
    origin = {"Origin": "https://tools.example.com", "Access-Control-Request-Method": "POST"}
    answer = await world.api.options(PATH, headers=origin)

    assert (answer.status_code, answer.headers["allow"]) == (204, "OPTIONS, POST")
    assert not [name for name in answer.headers if name.startswith("access-control-")]


async def test_each_answer_is_a_metric_by_event_and_result(world: World) -> None:
    async def found() -> dict[str, float]:
        lines = (await world.api.get("/metrics")).text.splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if line.startswith("rally_bridge_push_requests_total"))
        return {name.removeprefix("rally_bridge_push_requests_total"): float(value) for name, value in pairs}

    before = await found()
    await send_push(world.api)
    await send_push(world.api)
    await send_push(world.api, b"{}", message_id="msg_2")
    await send_push(world.api, b"[]", message_id="msg_3")
    await world.api.post(PATH, content=b"{}", headers={"svix-id": "SECRET"})
    await send_push(world.api, workspace="uk")
    await send_push(world.api, workspace="SECRET")
    after = await found()

    added = {name: value - before.get(name, 0) for name, value in after.items() if value != before.get(name, 0)}
    assert added == {
        f'{{event="{CSV_FINISHED}",result="unwatched",workspace="default"}}': 1,
        f'{{event="{CSV_FINISHED}",result="duplicate",workspace="default"}}': 1,
        '{event="other",result="other_event",workspace="default"}': 1,
        '{event="none",result="push_unreadable",workspace="default"}': 1,
        '{event="none",result="push_not_signed",workspace="default"}': 1,
        '{event="none",result="pushes_not_received",workspace="uk"}': 1,
    }
