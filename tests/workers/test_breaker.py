"""The breaker: which responses pause a whole workspace, for how long, and which concern one import only."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from bridge.domain.imports import Read, Reading, Reply, Unanswered, Unusable
from bridge.domain.polling.allowance import Allowance
from bridge.domain.polling.budget import Budget
from bridge.domain.polling.budget_updates import after_replies
from bridge.domain.polling.poll_intervals import LONGEST_RETRY, SHORTEST_RETRY, outage_pause, retry_pause
from bridge.domain.times import HOUR, MINUTE, SECOND, Moment
from tests.support.world import World

pytestmark = pytest.mark.anyio

NOW: Moment = 1_800_000_000_000
READ = Read(Reading(import_id="imp", type="CSV", status="UPLOADING", person_count=1))


def replies(imports: Iterable[str], answer: Any = Unanswered("HTTP 503")) -> list[Reply]:  # noqa: B008 - a value
    return [Reply(import_id=import_id, answer=answer, allowance=None, at=NOW) for import_id in imports]


def budget_after(*rows: list[Reply], open_imports: int, budget: Budget | None = None) -> Budget:
    together = [reply for row in rows for reply in row]
    return after_replies(budget or Budget(), together, in_flight=0, now=NOW, open_imports=open_imports)


@pytest.mark.parametrize(
    ("imports", "open_imports", "broken"),
    [
        ("aaaaaaaaaa", 30, False),
        ("ababababab", 30, False),
        ("ababababab", 2, True),
        ("aaaaa", 1, True),
        ("aaaa", 1, False),
        ("abcab", 30, True),
        ("aaaaabc", 30, True),
        ("abca", 30, False),
    ],
)
def test_the_breaker_opens_after_five_faults_of_three_imports(imports: str, open_imports: int, *, broken: bool) -> None:
    assert budget_after(replies(imports), open_imports=open_imports).breaker_open == broken


def test_an_error_about_one_import_does_not_count_against_the_workspace() -> None:
    many = replies("abcdefghij", Unusable("HTTP 400"))

    assert budget_after(many, open_imports=30) == Budget()
    assert not budget_after(replies("abca"), many, open_imports=30).breaker_open
    assert budget_after(replies("abcab"), many, open_imports=30).breaker_open, "a 400 doesn't close the breaker either"


@pytest.mark.parametrize(
    ("paused", "until"),
    [
        ({"breaker_open_since": NOW - MINUTE, "failing_since": NOW - MINUTE}, NOW + LONGEST_RETRY),
        ({"key_refused_since": NOW - HOUR}, NOW + MINUTE),
        ({}, 0),
    ],
    ids=["the breaker is open", "the key is refused", "no pause"],
)
def test_a_probe_with_an_error_about_its_import_only_prolongs_the_pause(paused: Any, until: Moment) -> None:
    probed = budget_after(replies("a", Unusable("HTTP 400")), open_imports=30, budget=Budget(**paused))

    assert probed.not_before == until


def test_a_reading_in_between_restarts_the_count() -> None:
    assert not budget_after(replies("abca"), replies("d", READ), replies("abca"), open_imports=30).breaker_open
    assert not budget_after(replies("abcab"), replies("d", READ), open_imports=30).breaker_open


def test_a_late_reply_does_not_open_the_window_of_a_paused_workspace() -> None:
    open_window = Budget(limit=100, available=80, spent=20, ends_at=NOW + MINUTE, window=MINUTE)

    assert budget_after(replies("abcab"), open_imports=30, budget=open_window).ends_at == 0


@pytest.mark.parametrize("answer", [Unanswered("HTTP 500"), Unusable("HTTP 400")])
def test_a_late_reply_lets_no_second_probe_start(answer: Any) -> None:
    probing = replace(budget_after(replies("abcab"), open_imports=30), limit=100, probing_until=NOW + 9)
    allowance = Allowance(limit=100, remaining=50, resets_in=MINUTE)
    straggler = [replace(reply, allowance=allowance) for reply in replies("d", answer)]

    assert budget_after(straggler, open_imports=30, budget=probing).probing_until == NOW + 9


@pytest.mark.parametrize(
    ("outage", "pause"), [(0, 1.0), (3, 1.0), (8, 2.0), (20, 5.0), (60, 15.0), (61, 15.0), (86_400, 15.0)]
)
def test_a_pause_is_a_quarter_of_the_outage_within_a_second_and_fifteen(outage: int, pause: float) -> None:
    assert outage_pause(outage * SECOND, jitter=0) == pause * SECOND
    assert max(SHORTEST_RETRY, 0.9 * pause * SECOND) == outage_pause(outage * SECOND, jitter=1)


def test_one_import_waits_a_quarter_longer_after_each_fault() -> None:
    pauses = [retry_pause(faults, jitter=0) for faults in (1, 2, 3, 4, 100, 10**9)]

    assert pauses == [1_000, 1_250, 1_562, 1_953, LONGEST_RETRY, LONGEST_RETRY]


async def requests(world: World) -> list[str]:
    return [each["importId"] for each in await world.sandbox.requests()]


async def test_thirty_imports_answered_with_400_do_not_delay_another(world: World) -> None:
    for number in range(30):
        await world.sandbox.faults(status=400, times=1000, importId=f"bad{number}")
        await world.watch(f"bad{number}")
    await world.sandbox.set_import("good", ("UPLOADING", 0))
    await world.watch("good")
    await world.poll()
    before = (await requests(world)).count("good")

    world.pass_time(4 * SECOND)
    await world.poll()

    assert before == 1
    assert (await requests(world)).count("good") == 2
    assert not (await world.resources.budgets.read("default")).budget.breaker_open


async def test_an_open_breaker_is_probed_with_an_import_that_had_no_error_itself(world: World) -> None:
    for number in range(8):
        await world.sandbox.set_import(f"imp{number}", ("UPLOADING", 0))
        await world.watch(f"imp{number}")
    await world.sandbox.set_import("late", ("UPLOADING", 0))
    await world.watch("late")
    await world.poll()
    world.pass_time(4 * SECOND)
    await world.resources.store.call("ZADD", "rb:imports:due:default", await world.resources.store.now() + HOUR, "late")
    await world.sandbox.faults(status=503, times=1000)
    await world.poll()
    polled_before = len(await requests(world))
    assert (await world.resources.budgets.read("default")).budget.breaker_open

    probes = []
    for _ in range(4):
        world.pass_time(LONGEST_RETRY)
        await world.poll()
        probes += (await requests(world))[polled_before:]
        polled_before += 1

    assert len(probes) == 4, "one probe after each pause"
    assert len(set(probes)) == 4
    assert probes[0] == "late", "due or not"


async def test_an_open_breaker_is_probed_at_its_pace_when_every_import_is_answered_with_400(world: World) -> None:
    for number in range(3):
        await world.watch(f"imp{number}")
    await world.sandbox.faults(status=503, times=5)
    await world.sandbox.faults(status=400, times=1000)
    for _ in range(10):
        world.pass_time(SECOND)
        await world.poll()
    assert (await world.resources.budgets.read("default")).budget.breaker_open
    polled_before = len(await requests(world))

    for _ in range(60):
        world.pass_time(SECOND)
        async with asyncio.timeout(10):
            await world.poll()

    assert 3 <= len(await requests(world)) - polled_before <= 20


async def test_when_rally_is_back_every_waiting_import_is_polled_at_once(world: World) -> None:
    watches = []
    for number in range(12):
        await world.sandbox.set_import(f"imp{number}", ("COMPLETED", 0))
        watches.append(await world.watch(f"imp{number}"))
    await world.sandbox.faults(status=503, times=7)
    await world.poll()
    polled_before = len(await requests(world))
    await world.poll()
    assert len(await requests(world)) == polled_before, "the breaker is open"

    for _ in range(3):
        world.pass_time(LONGEST_RETRY)
        await world.poll()

    assert {(await world.reload(watch))["outcome"] for watch in watches} == {"completed"}


async def test_an_import_alone_in_its_workspace_is_polled_again_within_a_quarter_of_the_outage(world: World) -> None:
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    watch = await world.watch()
    await world.sandbox.faults(status=503, times=1000)
    began = await world.resources.store.now()
    while await world.resources.store.now() < began + 20 * SECOND:
        await world.poll()
        world.pass_time(SECOND)
    budget = (await world.resources.budgets.read("default")).budget

    assert budget.breaker_open
    assert budget.not_before <= await world.resources.store.now() + 5 * SECOND
    reason = (await world.reload(watch))["reason"]
    assert reason.startswith("no usable answer from Rally since")
    assert reason.endswith("HTTP 503")


async def test_an_import_waits_for_the_retry_after_of_its_503_and_the_others_do_not(world: World) -> None:
    await world.sandbox.faults(status=503, times=1, importId="busy", retryAfter=600)
    await world.sandbox.set_import("busy", ("COMPLETED", 0))
    await world.sandbox.set_import("good", ("UPLOADING", 0))
    busy = await world.watch("busy")
    await world.watch("good")
    for _ in range(5):
        await world.poll()
        world.pass_time(MINUTE)
    polled = await requests(world)
    world.pass_time(6 * MINUTE)
    await world.poll()

    assert (polled.count("busy"), polled.count("good")) == (1, 5)
    assert (await world.reload(busy))["outcome"] == "completed"


async def test_an_open_breaker_is_probed_every_fifteen_seconds_regardless_of_retry_after(world: World) -> None:
    await world.sandbox.faults(status=503, times=1000, retryAfter=3600)
    for number in range(5):
        await world.watch(f"imp{number}")
    await world.poll()
    polled_before = len(await requests(world))
    for _ in range(4):
        world.pass_time(14 * SECOND)
        await world.poll()
        assert len(await requests(world)) == polled_before
        world.pass_time(2 * SECOND)
        await world.poll()
        polled_before += 1
        assert len(await requests(world)) == polled_before


def test_jitter_changes_only_the_end_of_a_pause() -> None:
    at_rest = Budget(faults=9, failing_since=NOW - 40 * SECOND, breaker_open_since=7)
    calm, hasty = (
        after_replies(at_rest, replies("a"), in_flight=0, now=NOW, open_imports=9, jitter=jitter) for jitter in (0, 1)
    )

    assert (calm.not_before - NOW, hasty.not_before - NOW) == (10 * SECOND, 9 * SECOND)
    assert replace(calm, not_before=0) == replace(hasty, not_before=0)
