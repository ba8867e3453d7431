"""Absence: a 404 or 403 counts only when it is repeated, and not when many imports vanish at once."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from bridge.domain.import_state import ImportState
from bridge.domain.imports import Absence, Absent, ImportAnswer, KeyRefused, Read, Reading, Reply, Unanswered, Unusable
from bridge.domain.polling.absences import AbsenceStreak, next_streak
from bridge.domain.polling.budget import Budget, grant
from bridge.domain.polling.budget_updates import after_replies
from bridge.domain.polling.workspace_trouble import effective_state
from bridge.domain.times import HOUR, MINUTE, SECOND, Moment
from tests.support.configuration import destination
from tests.support.samples import only
from tests.support.world import World, opened

pytestmark = pytest.mark.anyio
NOW: Moment = 1_800_000_000_000
GRACE = 10 * MINUTE
READ = Read(Reading(import_id="imp", type="CSV", status="UPLOADING", person_count=1))
GONE = Absent(Absence.NOT_FOUND)


def streak_of(*minutes: float, trusted_since: Moment = 0) -> AbsenceStreak:
    streak: AbsenceStreak | None = None
    for minute in minutes:
        at = NOW + int(minute * MINUTE)
        streak = next_streak(streak, Absence.NOT_FOUND, at, trusted_since=trusted_since)
    assert streak is not None
    return streak


@pytest.mark.parametrize(
    ("minutes", "lasted"),
    [
        ((0,), False),
        ((0, 10), False),
        ((0, 5, 9.9), False),
        ((0, 5, 10), True),
        ((0, 3, 10), True),
        ((0, 0.1, 0.2), False),
        ((0, 9.9, 10), False),
        ((0, 0.1, 10), False),
        ((0, 9.9, 10, 13), False),
        ((0, 9.9, 10, 13.3), True),
        (range(11), True),
    ],
)
def test_three_absences_spread_over_the_grace_count(minutes: Any, *, lasted: bool) -> None:
    assert streak_of(*minutes).is_conclusive(GRACE) == lasted


def test_the_latest_absence_names_the_outcome() -> None:
    streak = streak_of(0, 5).followed_by(Absence.FORBIDDEN, NOW + GRACE)

    assert (streak.absence, streak.since, streak.count) == (Absence.FORBIDDEN, NOW, 3)


def test_absences_from_before_a_workspace_recovered_do_not_count() -> None:
    assert streak_of(0, 5, 10, trusted_since=NOW + 6 * MINUTE).count == 1
    assert streak_of(0, 5, 10, trusted_since=NOW).count == 3


def after(
    *answers: tuple[str, ImportAnswer], budget: Budget | None = None, at: Moment = NOW, shown: str = "abc"
) -> Budget:
    replies = [Reply(import_id=id_, answer=answer, allowance=None, at=at) for id_, answer in answers]
    return after_replies(
        budget or Budget(), replies, in_flight=0, now=at, open_imports=9, shown=shown, read_before="abcdgh"
    )


PAUSED = after(("a", GONE), ("b", Absent(Absence.FORBIDDEN)), ("c", GONE))


def test_three_imports_that_turn_absent_pause_the_workspace_for_one_probe_a_minute() -> None:
    assert (PAUSED.vanished_since, PAUSED.vanished_reported_at, PAUSED.paused_until) == (NOW, NOW, NOW + MINUTE)
    assert grant(PAUSED, NOW + MINUTE - 1, in_flight=0, share=1).count == 0
    probe = grant(PAUSED, NOW + MINUTE, in_flight=0, share=1)
    assert (probe.count, probe.probe) == (1, True)


def test_one_import_that_turns_absent_pauses_the_workspace_with_two_that_were_absent_before() -> None:
    still_absent = (("g", GONE), ("h", GONE), ("a", GONE), ("g", GONE), ("h", GONE))

    assert after(*still_absent[:4]).vanished_since is None
    assert after(*still_absent).vanished_since == NOW


@pytest.mark.parametrize(
    "answers",
    [
        (("a", GONE), ("b", GONE)),
        (("g", GONE), ("h", GONE), ("d", READ), ("g", GONE), ("h", GONE)),
        (("a", GONE), ("g", GONE), ("d", READ), ("h", GONE), ("g", GONE)),
        (("a", GONE), ("b", GONE), ("a", GONE), ("b", GONE)),
        (("a", GONE), ("b", GONE), ("new", GONE), ("newer", GONE)),
        (("a", GONE), ("b", GONE), ("d", READ), ("c", GONE)),
        (("a", GONE), ("b", GONE), ("c", GONE), ("d", READ)),
        (("a", Unusable("x")), ("b", Unanswered("x")), ("c", Unanswered("x"))),
    ],
)
def test_fewer_imports_new_imports_or_a_reading_in_between_pause_nothing(
    answers: tuple[tuple[str, ImportAnswer], ...],
) -> None:
    budget = after(*answers)

    assert budget.vanished_since is None
    assert budget.paused_until == 0


@pytest.mark.parametrize("answer", [GONE, Absent(Absence.FORBIDDEN), KeyRefused(), Unusable("x"), Unanswered("x")])
def test_only_a_reading_ends_the_pause(answer: ImportAnswer) -> None:
    probed = after(("new", answer), budget=PAUSED, at=NOW + MINUTE)

    assert probed.vanished_since == NOW
    assert probed.paused_until == NOW + 2 * MINUTE
    shown = after(("new", READ), budget=probed, at=NOW + 2 * MINUTE)
    assert (shown.vanished_imports, shown.vanished_since, shown.reappeared_at) == ((), None, NOW + 2 * MINUTE)


def test_the_operator_is_reminded_after_an_hour() -> None:
    reported: set[Moment | None] = set()
    budget = PAUSED
    for minute in range(1, 125):
        budget = after(("a", GONE), budget=budget, at=NOW + minute * MINUTE)
        reported.add(budget.vanished_reported_at)

    assert reported == {NOW, NOW + HOUR, NOW + 2 * HOUR}


@pytest.mark.parametrize(
    ("budget", "counts"),
    [
        (Budget(), True),
        (Budget(reappeared_at=NOW), True),
        (Budget(reappeared_at=NOW + 1), False),
        (PAUSED, False),
    ],
)
def test_absences_during_a_pause_of_the_workspace_do_not_count(budget: Budget, *, counts: bool) -> None:
    known = effective_state(budget, ImportState(absent=streak_of(0, 5, 10)))

    assert (known.absent is not None) == counts
    assert (known.workspace_trouble is not None) == (budget is PAUSED)


async def requests(world: World) -> list[str]:
    return [each["importId"] for each in await world.sandbox.requests()]


async def poll_for(world: World, span: int, *, every: int) -> None:
    for _ in range(span // every):
        world.pass_time(every)
        await world.poll()


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "text/html"}])
async def test_a_single_404_does_not_end_an_import_that_was_just_being_read(
    world: World, headers: dict[str, str]
) -> None:
    await world.sandbox.set_import("imp", ("UPLOADING", 0))
    watch = await world.watch()
    await poll_for(world, 9 * 2 * MINUTE, every=2 * MINUTE)
    await world.sandbox.faults(status=404, times=1, headers=headers)
    await poll_for(world, MINUTE, every=MINUTE)
    amid = await world.reload(watch)
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    await poll_for(world, 2 * MINUTE, every=MINUTE)

    assert (amid["state"], amid["import"]["status"]) == ("watching", "UPLOADING")
    assert (await world.reload(watch))["outcome"] == "completed"


async def test_an_absence_is_logged_once(world: World) -> None:
    await world.watch("unknown")
    await world.watch("unknown")
    with capture_logs() as lines:
        await poll_for(world, 5 * MINUTE, every=MINUTE)

    line = only([each for each in lines if each["event"] == "import.absent"])
    assert (line["import_id"], line["status"], line["meaning"]) == ("unknown", 404, "Rally knows no such import")


async def test_the_grace_of_an_import_that_was_read_starts_at_its_first_absence(world: World) -> None:
    await world.sandbox.set_import("imp", ("UPLOADING", 0))
    watch = await world.watch()
    await poll_for(world, 20 * MINUTE, every=5 * MINUTE)
    await world.sandbox.faults(status=404, times=1000)
    await poll_for(world, 10 * MINUTE, every=2 * MINUTE)
    within = await world.reload(watch)
    await poll_for(world, 2 * MINUTE, every=2 * MINUTE)

    assert within["state"] == "watching"
    assert (await world.reload(watch))["outcome"] == "not_found"


async def test_a_404_that_is_not_rallys_never_ends_a_watch(world: World) -> None:
    await world.sandbox.faults(status=404, times=1000, headers={"Content-Type": "text/html"})
    watch = await world.watch()
    await poll_for(world, HOUR, every=5 * MINUTE)

    seen = await world.reload(watch)
    assert seen["state"] == "watching"
    assert "HTTP 404 with a page of HTML" in seen["reason"]


async def read_imports(world: World, *names: str) -> list[dict[str, Any]]:
    for name in names:
        await world.sandbox.set_import(name, ("UPLOADING", 0))
    watches = [await world.watch(name) for name in names]
    await poll_for(world, MINUTE, every=MINUTE)
    assert {(await world.reload(watch))["import"]["status"] for watch in watches} == {"UPLOADING"}
    return watches


async def test_imports_that_vanish_together_pause_the_workspace_and_settle_nothing(
    redis_url: str, sandbox_url: str
) -> None:
    ops = destination("ops", "slack_webhook", f"{sandbox_url}/inbox/services/T/B/X")
    async with opened(redis_url, sandbox_url, ops, OPERATOR_NOTIFY="ops") as world:
        watches = await read_imports(world, "a", "b", "c")
        await world.sandbox.faults(status=403, times=1000)
        await poll_for(world, 10 * SECOND, every=10 * SECOND)
        await world.watch("new")
        requests_before = len(await requests(world))
        await poll_for(world, 30 * MINUTE, every=MINUTE)
        probes = (await requests(world))[requests_before:]
        await world.deliver()

        shown = [await world.reload(watch) for watch in watches]
        assert {each["state"] for each in shown} == {"watching"}
        assert {each["lastPoll"]["meaning"][:37] for each in shown} == {"Rally has shown none of our imports s"}
        assert {each["lastPoll"]["meaning"] for each in shown} == {each["reason"] for each in shown}
        assert 29 <= len(probes) <= 31
        assert set(probes) == {"a", "b", "c", "new"}
        assert "no longer shows the imports" in str(only(await world.sandbox.messages()))

        await world.sandbox.http.post("/control/reset")
        for name in ("a", "b", "c"):
            await world.sandbox.set_import(name, ("COMPLETED", 0))
        await poll_for(world, 3 * MINUTE, every=MINUTE)
        await world.deliver()

        assert {(await world.reload(watch))["outcome"] for watch in watches} == {"completed"}
        assert "shows imports of the workspace" in str(only(await world.sandbox.messages()))


async def test_the_reason_of_a_timeout_names_vanished_imports(world: World) -> None:
    await read_imports(world, "a", "b", "c")
    watch = await world.watch("a", expiresIn=1200)
    await world.sandbox.faults(status=404, times=1000)
    await poll_for(world, 25 * MINUTE, every=MINUTE)
    await world.sweep()

    seen = await world.reload(watch)
    assert seen["outcome"] == "timed_out"
    assert "Rally has shown none of our imports since" in seen["reason"]


async def test_absences_of_a_pause_do_not_count_after_it(world: World) -> None:
    (watch, *_) = await read_imports(world, "a", "b", "c")
    await world.sandbox.faults(status=404, times=1000)
    await poll_for(world, 20 * MINUTE, every=MINUTE)
    await world.sandbox.http.post("/control/reset")
    await world.sandbox.set_import("new", ("UPLOADING", 0))
    await world.watch("new")
    while (await world.resources.budgets.read("default")).budget.vanished_since:
        await poll_for(world, MINUTE, every=MINUTE)
    await poll_for(world, 5 * MINUTE, every=MINUTE)
    within = await world.reload(watch)
    await poll_for(world, 10 * MINUTE, every=MINUTE)

    assert within["state"] == "watching"
    assert (await world.reload(watch))["outcome"] == "not_found"


async def test_imports_that_vanish_in_pairs_pause_the_workspace_and_settle_nothing(world: World) -> None:
    watches = await read_imports(world, "a", "b", "c", "d")
    for pair in ("ab", "cd"):
        for name in pair:
            await world.sandbox.faults(status=404, times=1000, importId=name)
        await poll_for(world, 2 * MINUTE, every=MINUTE)
    await poll_for(world, 20 * MINUTE, every=MINUTE)

    assert [(await world.reload(watch))["outcome"] for watch in watches] == [None] * 4


async def test_imports_that_are_absent_while_another_is_read_end_after_their_grace(world: World) -> None:
    watches = await read_imports(world, "a", "b", "c", "d")
    for name in ("a", "b", "c"):
        await world.sandbox.faults(status=404, times=1000, importId=name)
    await poll_for(world, 25 * MINUTE, every=MINUTE)

    assert [(await world.reload(watch))["outcome"] for watch in watches] == ["not_found"] * 3 + [None]
