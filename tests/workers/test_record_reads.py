"""Failed records that are too many to be kept: read from Rally on demand, within the budget, once a minute for all."""

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest

from bridge.domain.polling.budget import Budget, grant
from bridge.domain.times import HOUR, MINUTE, SECOND
from bridge.store import keys
from bridge.web.refusals import Refused
from bridge.web.watches.record_lookup import failed_records_of
from tests.support.unfinished_reading import read_unfinished
from tests.support.world import CLIENT_KEY, OTHER_KEY, World
from workers.notify_operator import OperatorNotifier
from workers.record_reads import RecordReadWork

pytestmark = pytest.mark.anyio

MANY = [{"email": f"p{number}@example.com"} for number in range(10_001)]


async def ended(world: World, records: list[dict[str, str]] = MANY, *, key: str = CLIENT_KEY) -> str:
    """Return the path of the failed records of a watch whose import has ended with them."""
    await world.sandbox.set_import("imp", ("COMPLETED", 0), failedRecords=records)
    return await ended_also(world, key=key)


async def ended_also(world: World, *, key: str = CLIENT_KEY) -> str:
    """Return the path of the failed records of a further watch of the import."""
    watch = await world.watch(key=key)
    await world.poll()
    return f"/v1/watches/{watch['id']}/failed-records"


async def ask(world: World, *paths: str, **query: Any) -> list[httpx.Response]:
    """Send requests, and let the worker read what they wait for."""
    asked = asyncio.gather(*(world.get(path, key=key, **query) for path, key in (each.split(" ") for each in paths)))
    while not asked.done() and not await world.resources.record_reads.wanted(1):  # noqa: ASYNC110 - it is in Redis
        await asyncio.sleep(0.01)
    await world.read_records()
    return list(await asked)


async def read(world: World, path: str, **query: Any) -> httpx.Response:
    (answer,) = await ask(world, f"{path} {CLIENT_KEY}", **query)
    return answer


async def forget_answer(world: World) -> None:
    """Do what Redis does a minute after the request to Rally."""
    assert 0 < await world.resources.store.call("PTTL", keys.record_read("default", "imp")) <= MINUTE
    await world.resources.store.call("DEL", keys.record_read("default", "imp"))


async def requests(world: World) -> int:
    return len(await world.sandbox.requests())


def work_of(world: World) -> RecordReadWork:
    return RecordReadWork(world.resources, OperatorNotifier(world.resources, on_due=lambda: None))


async def test_more_than_ten_thousand_are_counted_and_not_stored(world: World) -> None:
    path = await ended(world)

    watch = (await world.get(path.removesuffix("/failed-records"))).json()
    assert watch["import"]["failedRecordCount"] == 10_001
    assert await world.resources.store.call("KEYS", "rb:record*") == []


async def test_they_are_read_once_a_minute_for_all_who_ask(world: World) -> None:
    path = await ended(world)
    other = await ended_also(world, key=OTHER_KEY)

    answers = await ask(world, f"{path} {CLIENT_KEY}", f"{path}.csv {CLIENT_KEY}", f"{other}.csv {OTHER_KEY}")
    page, *files = answers

    assert page.json()["data"] == MANY[:100]
    lines = ["email,personId,importId", *(f"{each['email']},,imp" for each in MANY), ""]
    assert [each.text.split("\r\n") for each in files] == [lines, lines]
    assert (await world.get(path, cursor=page.json()["nextCursor"])).json()["data"] == MANY[100:200]
    assert await requests(world) == 2  # the poll, and one for the four

    await forget_answer(world)
    again = await read(world, path, cursor=page.json()["nextCursor"])
    assert again.json()["data"] == MANY[100:200]
    assert await requests(world) == 3


async def test_a_read_spends_the_budget_and_corrects_it(world: World) -> None:
    path = await ended(world)
    before = await world.resources.budgets.get("default")

    await read(world, path)

    after = await world.resources.budgets.get("default")
    assert (after.spent, after.available) == (before.spent + 1, before.available - 1)
    assert (await world.resources.budgets.read("default")).in_flight == 0


async def test_nothing_is_read_while_the_budget_allows_no_request(world: World) -> None:
    await ended(world)
    now = await world.resources.store.now()
    budget = await world.resources.budgets.get("default")
    await world.resources.budgets.write("default", replace(budget, not_before=now + HOUR))
    await world.resources.record_reads.get_or_request("default", "imp")

    claimed, wait = await work_of(world).claim(4)

    assert claimed == []
    assert wait == pytest.approx(3600, abs=60)
    assert await requests(world) == 1


@pytest.mark.parametrize("trouble", ["key_refused_since", "breaker_open_since", "vanished_since"])
async def test_a_read_is_the_probe_of_a_workspace_that_is_paused(world: World, trouble: str) -> None:
    path = await ended(world)
    now = await world.resources.store.now()
    budget = await world.resources.budgets.get("default")
    paused: dict[str, Any] = {trouble: now}
    await world.resources.budgets.write("default", replace(budget, ends_at=0, **paused))

    assert (await read(world, path)).status_code == 200

    after = await world.resources.budgets.get("default")
    assert (getattr(after, trouble), after.probing_until, after.probes_only) == (None, 0, False)


async def test_only_one_read_at_a_time_is_a_probe(world: World) -> None:
    now = await world.resources.store.now()
    await world.resources.budgets.write("default", Budget(limit=50, breaker_open_since=now))
    for import_id in ("a", "b"):
        await world.resources.record_reads.get_or_request("default", import_id)

    claimed, _ = await work_of(world).claim(4)

    assert [each.probe for each in claimed] == [True]


async def test_a_budget_that_was_overwritten_is_read_again(world: World) -> None:
    reads = world.resources.record_reads
    await reads.get_or_request("default", "imp")
    snapshot = await world.resources.budgets.read("default")
    await world.resources.budgets.write("default", Budget(version=snapshot.budget.version))
    granted = grant(snapshot.budget, snapshot.now, in_flight=0, share=1.0)

    stale = replace(snapshot.budget, version=7)
    assert not await reads.claim("default", "imp", stale, granted, lease=SECOND, now=snapshot.now)
    assert await reads.wanted(1) == [("default", "imp")]


async def test_a_request_that_gets_no_answer_in_time_says_so(world: World) -> None:
    path = await ended(world)
    watch = await world.resources.watches.get(path.split("/")[3])
    assert watch is not None

    with pytest.raises(Refused) as refused:
        await failed_records_of(world.resources, watch, wait=0.0)

    assert refused.value.refusal.status == 503
    assert refused.value.headers == {"Retry-After": "10"}
    assert "10,001 failed records" in refused.value.detail


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"status": 404}, "Rally no longer shows the import"),
        ({"status": 429, "retryAfter": "1"}, "rate limit"),
        ({"status": 401}, "refused the key"),
        ({"status": 500}, "HTTP 500"),
        ({"kind": "garbage"}, "not JSON"),
    ],
)
async def test_trouble_with_rally_is_told_to_those_who_ask(world: World, fault: dict[str, Any], reason: str) -> None:
    path = await ended(world)
    await world.sandbox.faults(**fault)

    answer = await read(world, path)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    assert reason in answer.json()["detail"]
    assert (await world.get(path)).status_code == 503
    assert await requests(world) == 2


async def test_an_old_import_that_rally_has_deleted_is_no_sign_of_vanished_imports(world: World) -> None:
    path = await ended(world)
    for _ in range(3):
        await world.sandbox.faults(status=404)
        await read(world, path)
        await forget_answer(world)

    assert (await world.resources.budgets.get("default")).vanished_imports == ()


async def test_records_that_have_changed_since_the_watch_ended_are_not_passed_off_as_its_own(world: World) -> None:
    path = await ended(world)
    await world.sandbox.set_import("imp", ("COMPLETED", 0), failedRecords=MANY[1:] + MANY[:1])

    answer = await read(world, path)

    assert (answer.status_code, answer.json()["code"]) == (409, "failed_records_changed")


@pytest.mark.parametrize("count", [0, 100, 101, 10_001])
async def test_an_open_watch_shows_what_rally_reports_now(world: World, count: int) -> None:
    watch = await world.watch()
    await read_unfinished(world, MANY)
    await world.sandbox.set_import("imp", ("COMPLETED", 0), failedRecords=MANY[:count])

    page = (await read(world, f"/v1/watches/{watch['id']}/failed-records", limit=1000)).json()

    assert (page["status"], page["failedRecordCount"]) == ("COMPLETED", count)
    assert page["data"] == MANY[: min(count, 1000)]


async def test_a_worker_that_dies_costs_a_minute_and_no_second_request(world: World) -> None:
    path = await ended(world)
    reads = world.resources.record_reads
    await reads.get_or_request("default", "imp")
    claimed, _ = await work_of(world).claim(4)
    assert len(claimed) == 1

    assert await reads.get_or_request("default", "imp") is None
    assert await reads.wanted(1) == []

    await forget_answer(world)
    assert (await read(world, path)).status_code == 200


async def test_an_answer_that_is_too_late_is_dropped(world: World) -> None:
    await world.resources.record_reads.answer("default", "imp", "too late")

    assert await world.resources.store.call("EXISTS", keys.record_read("default", "imp")) == 0


async def test_an_import_of_a_workspace_that_is_not_configured_is_not_read(world: World) -> None:
    await world.resources.record_reads.get_or_request("gone", "imp")

    assert await work_of(world).claim(4) == ([], None)
    assert await world.resources.record_reads.wanted(1) == []


async def test_an_internal_error_is_told_as_such(world: World) -> None:
    await world.resources.record_reads.get_or_request("default", "imp")
    work = work_of(world)
    (claimed,), _ = await work.claim(4)

    await work.commit([work.set_aside(claimed, RuntimeError())])

    answer = await world.resources.record_reads.get_or_request("default", "imp")
    assert answer is not None
    assert answer.trouble == "the request was not sent in time"
