"""From a watch to its outcome: every response of Rally, expiry, and how often each import is polled."""

import asyncio
from time import monotonic, sleep
from typing import Any

import pytest

from bridge.domain.imports import Reply
from bridge.domain.times import DAY, HOUR, MINUTE, SECOND
from bridge.store.budgets import BudgetSnapshot
from tests.support.configuration import client, workspace
from tests.support.samples import only
from tests.support.world import CLIENT_KEY, OTHER_KEY, RALLY_KEY, World, bearer, opened
from workers.notify_operator import OperatorNotifier
from workers.poll import START_WITHIN, PollWork

pytestmark = pytest.mark.anyio


def poll_work(world: World) -> PollWork:
    return PollWork(
        world.resources, "default", world.worker.settler, OperatorNotifier(world.resources, on_due=lambda: None)
    )


async def polled(world: World) -> int:
    return len(await world.sandbox.requests())


@pytest.mark.parametrize(
    ("status", "facts", "outcome"),
    [
        ("COMPLETED", {}, "completed"),
        ("COMPLETED", {"failed": 3}, "completed_with_failures"),
        ("COMPLETED", {"failedRecords": None}, "completed"),
        ("ERROR", {}, "failed"),
    ],
)
async def test_a_final_status_settles_the_watch(world: World, status: str, facts: dict[str, Any], outcome: str) -> None:
    await world.sandbox.set_import("imp", (status, 0), **facts)
    watch = await world.watch()

    await world.poll()

    seen = await world.reload(watch)
    assert (seen["state"], seen["outcome"], seen["polls"]) == ("settled", outcome, 1)
    assert seen["import"]["status"] == status
    assert seen["import"]["failedRecordCount"] == facts.get("failed", 0)
    assert seen["nextPollAt"] is None


@pytest.mark.parametrize("status", ["NOT_STARTED", "UPLOADING", "A_STATUS_OF_TOMORROW"])
async def test_an_unfinished_import_is_asked_about_again_on_schedule(world: World, status: str) -> None:
    await world.sandbox.set_import("imp", (status, 0))
    watch = await world.watch()
    await world.poll()

    await world.poll()
    assert await polled(world) == 1

    world.pass_time(4 * SECOND)
    await world.poll()
    seen = await world.reload(watch)
    assert (seen["state"], seen["polls"], seen["import"]["status"]) == ("watching", 2, status)


async def test_many_watches_of_one_import_cost_one_poll_and_each_gets_its_answer(world: World) -> None:
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    watches = [await world.watch(label=f"number {number}") for number in range(7)]

    await world.poll()

    assert await polled(world) == 1
    assert {(await world.reload(watch))["outcome"] for watch in watches} == {"completed"}


async def test_a_watch_of_an_import_that_ended_just_now_is_answered_without_a_poll(world: World) -> None:
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    await world.watch()
    await world.poll()

    late = await world.watch()
    await world.sweep()

    assert (await world.reload(late))["outcome"] == "completed"
    assert await polled(world) == 1


async def test_a_reading_is_not_reused_for_ever(world: World) -> None:
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    await world.watch()
    await world.poll()

    world.pass_time(5 * MINUTE)
    later = await world.watch()
    await world.sweep()
    assert (await world.reload(later))["state"] == "watching"
    await world.poll()

    assert (await world.reload(later))["outcome"] == "completed"
    assert await polled(world) == 2


@pytest.mark.parametrize(("status", "outcome"), [(404, "not_found"), (403, "forbidden")])
async def test_an_absent_import_has_a_grace_and_then_ends_the_watch(world: World, status: int, outcome: str) -> None:
    await world.sandbox.faults(status=status, times=1000)
    watch = await world.watch()
    await world.poll()
    assert (await world.reload(watch))["state"] == "watching"

    world.pass_time(5 * MINUTE)
    await world.poll()
    world.pass_time(5 * MINUTE)
    young = await world.watch()
    await world.poll()

    seen = await world.reload(watch)
    assert (seen["state"], seen["outcome"]) == ("settled", outcome)
    assert "Rally" in seen["reason"]
    assert (await world.reload(young))["state"] == "watching"


async def test_an_import_that_appears_within_the_grace_is_watched_to_its_end(world: World) -> None:
    watch = await world.watch()
    await world.poll()
    await world.sandbox.set_import("imp", ("COMPLETED", 0))

    world.pass_time(MINUTE)
    await world.poll()

    assert (await world.reload(watch))["outcome"] == "completed"


async def test_a_refused_key_pauses_the_workspace_and_keeps_its_watches(world: World) -> None:
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    await world.sandbox.set_import("imp2", ("COMPLETED", 0))
    await world.sandbox.faults(status=401, times=2)
    watch, other = await world.watch("imp"), await world.watch("imp2")

    await world.poll()
    assert await polled(world) == 1
    world.pass_time(59 * SECOND)
    await world.poll()
    assert await polled(world) == 1

    world.pass_time(2 * SECOND)
    await world.poll()
    assert await polled(world) == 2
    assert (await world.reload(watch))["state"] == "watching"

    world.pass_time(MINUTE)
    await world.poll()
    assert (await world.reload(watch))["outcome"] == "completed"
    assert (await world.reload(other))["outcome"] == "completed"


async def test_a_watch_that_expires_while_the_key_is_refused_says_so(world: World) -> None:
    await world.sandbox.faults(status=401, times=1000)
    watch = await world.watch(expiresIn=60)
    await world.poll()

    world.pass_time(MINUTE)
    await world.sweep()
    assert (await world.reload(watch))["state"] == "watching"
    world.pass_time(30 * SECOND)
    await world.sweep()

    seen = await world.reload(watch)
    assert seen["outcome"] == "timed_out"
    assert "Rally refused our key since" in seen["reason"]


async def test_an_expired_watch_gets_one_last_poll(world: World) -> None:
    await world.sandbox.set_import("imp", ("UPLOADING", 0))
    watch = await world.watch(expiresIn=3600)
    await world.poll()
    world.pass_time(HOUR - 2 * SECOND)
    await world.poll()
    await world.sandbox.set_import("imp", ("COMPLETED", 0))

    world.pass_time(2 * SECOND)
    await world.sweep()
    await world.poll()

    assert (await world.reload(watch))["outcome"] == "completed"


async def test_a_watch_times_out_when_its_last_poll_finds_the_import_unfinished(world: World) -> None:
    await world.sandbox.set_import("imp", ("UPLOADING", 0))
    watch = await world.watch(expiresIn=60)
    await world.poll()

    world.pass_time(MINUTE)
    await world.sweep()
    await world.poll()
    assert await polled(world) == 2
    world.pass_time(2 * SECOND)
    await world.sweep()

    seen = await world.reload(watch)
    assert seen["outcome"] == "timed_out"
    assert "UPLOADING" in seen["reason"]


async def test_a_429_stops_every_poll_until_the_named_time_and_costs_nothing(world: World) -> None:
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    await world.sandbox.faults(status=429, times=1, retryAfter=30)
    watch = await world.watch()
    await world.poll()

    world.pass_time(29 * SECOND)
    await world.poll()
    seen = await world.reload(watch)
    assert (await polled(world), seen["polls"]) == (1, 0)

    world.pass_time(2 * SECOND)
    await world.poll()
    assert (await world.reload(watch))["outcome"] == "completed"


@pytest.mark.parametrize("fault", [{"status": 400}, {"kind": "garbage"}, {"kind": "wrong_id"}])
async def test_an_answer_of_no_use_doubles_the_pause_and_never_ends_a_watch(
    world: World, fault: dict[str, Any]
) -> None:
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    await world.sandbox.faults(times=2, **fault)
    watch = await world.watch()

    await world.poll()
    world.pass_time(4 * SECOND)
    await world.poll()
    assert await polled(world) == 1, "the first doubles the pause"
    world.pass_time(3 * SECOND)
    await world.poll()
    assert (await world.reload(watch))["state"] == "watching"
    world.pass_time(MINUTE)
    await world.poll()

    assert (await world.reload(watch))["outcome"] == "completed"
    assert await polled(world) == 3


async def test_the_rate_limit_of_rally_is_never_exceeded(world: World) -> None:
    await world.sandbox.http.put("/control/limit", json={"limit": 20, "window": 2})
    for number in range(30):
        await world.sandbox.set_import(f"imp{number}", ("COMPLETED", 0))
        await world.watch(f"imp{number}")

    async with asyncio.timeout(20):
        while await polled(world) < 30:
            await world.poll()

    answers = [request["status"] for request in await world.sandbox.requests()]
    assert answers == [200] * 30


async def test_an_import_that_our_own_code_trips_over_holds_up_nobody_even_as_the_probe(world: World) -> None:
    await world.sandbox.set_import("fine", ("COMPLETED", 0))
    poison, fine = await world.watch("poison"), await world.watch("fine")
    ask = world.resources.rally["default"].get_import

    async def trip(import_id: str, **more: Any) -> Reply | None:
        if import_id == "poison":
            raise ZeroDivisionError
        return await ask(import_id, **more)

    world.resources.rally["default"].get_import = trip  # type: ignore[method-assign]  # simulates a bug
    await world.poll()

    assert (await world.reload(fine))["outcome"] == "completed"
    polled = await world.resources.imports.get("default", "poison")
    assert polled is not None
    assert (polled.next_due or 0) > await world.resources.store.now() + HOUR - MINUTE
    assert (await world.reload(poison))["state"] == "watching"


async def test_a_worker_that_is_stopped_while_it_looks_at_the_budget_asks_nothing_on_what_it_saw(world: World) -> None:
    await world.watch()
    read = world.resources.budgets.read

    async def read_and_stop(workspace: str) -> BudgetSnapshot:
        seen = await read(workspace)
        sleep(START_WITHIN / SECOND)  # noqa: ASYNC251 - the whole process stands still
        return seen

    world.resources.budgets.read = read_and_stop  # type: ignore[method-assign]
    work = poll_work(world)
    claims, _ = await work.claim(1)

    assert (await work.act(only([*claims]))).reply is None
    assert await polled(world) == 0


async def test_a_request_that_takes_as_long_as_it_may_still_ends_within_a_short_lease(
    redis_url: str, sandbox_url: str
) -> None:
    async with opened(redis_url, sandbox_url, POLL_LEASE="1s") as world:
        await world.watch()
        began = monotonic()
        claims, _ = await poll_work(world).claim(1)

        assert only([*claims]).start_by <= monotonic() + 0.5
        assert only([*claims]).start_by >= began + 0.5


async def test_cancelling_the_last_watch_ends_the_polling(world: World) -> None:
    await world.sandbox.set_import("imp", ("UPLOADING", 0))
    watch = await world.watch()
    path = f"/v1/watches/{watch['id']}/cancel"
    assert (await world.api.post(path, headers=bearer(OTHER_KEY))).status_code == 404

    answer = await world.api.post(path, headers=bearer(CLIENT_KEY))
    again = await world.api.post(path, headers=bearer(CLIENT_KEY))
    await world.poll()

    assert (answer.status_code, answer.json()["state"], answer.json()["outcome"]) == (200, "cancelled", None)
    assert (again.status_code, again.json()) == (200, answer.json())
    assert await polled(world) == 0


async def test_a_cancelled_watch_shows_its_import_as_last_read(world: World) -> None:
    await world.sandbox.set_import("imp", ("UPLOADING", 0))
    watch = await world.watch()
    for _ in range(3):
        await world.poll()
        world.pass_time(MINUTE)
    before = await world.reload(watch)

    cancelled = (await world.post(f"/v1/watches/{watch['id']}/cancel")).json()

    as_read = ("import", "polls", "lastPolledAt")
    assert (before["polls"], before["import"]["status"]) == (3, "UPLOADING")
    for later in (cancelled, await world.reload(watch)):
        assert later["state"] == "cancelled"
        assert {name: later[name] for name in as_read} == {name: before[name] for name in as_read}


async def test_a_watch_shows_what_rally_last_answered_amiss_until_it_is_read(world: World) -> None:
    await world.sandbox.set_import("imp", ("UPLOADING", 0))
    await world.sandbox.faults(status=400, times=1)
    watch = await world.watch()
    await world.poll()
    amiss = await world.reload(watch)
    world.pass_time(MINUTE)
    await world.poll()

    assert (amiss["state"], amiss["reason"]) == ("watching", "no usable answer from Rally: HTTP 400")
    assert (await world.reload(watch))["reason"] is None


async def test_a_watch_whose_answers_could_never_be_used_ends_with_the_last_of_them(world: World) -> None:
    await world.sandbox.faults(status=422, times=1000)
    watch = await world.watch(expiresIn=60)
    await world.poll()
    world.pass_time(2 * MINUTE)
    await world.sweep()

    seen = await world.reload(watch)
    assert seen["outcome"] == "timed_out"
    assert seen["reason"].endswith("no usable answer from Rally: HTTP 422")


async def test_a_watch_that_expires_while_rally_is_down_says_what_was_heard(world: World) -> None:
    await world.sandbox.set_import("imp", ("UPLOADING", 0))
    watch = await world.watch(expiresIn=600)
    await world.poll()
    await world.sandbox.faults(status=503, times=1000)
    for _ in range(9):
        await world.poll()
        world.pass_time(MINUTE)
    world.pass_time(2 * MINUTE)
    await world.sweep()

    seen = await world.reload(watch)
    assert seen["outcome"] == "timed_out"
    assert ": the last status was UPLOADING; then no usable answer from Rally since" in seen["reason"]
    assert seen["reason"].endswith(": HTTP 503")


@pytest.mark.parametrize("trouble", ["refused", "down"])
async def test_the_trouble_of_one_workspace_is_not_that_of_another(
    redis_url: str, sandbox_url: str, trouble: str
) -> None:
    elsewhere = None if trouble == "refused" else "http://127.0.0.1:1"
    async with opened(redis_url, sandbox_url, workspace("eu", "wrong-key", elsewhere)) as world:
        await world.sandbox.set_import("imp", ("COMPLETED", 0))
        abroad = await world.watch(workspace="eu")
        at_home = await world.watch()

        await world.poll()

        assert (await world.reload(at_home))["outcome"] == "completed"
        assert (await world.reload(abroad))["state"] == "watching"


@pytest.mark.parametrize(("share", "others", "more"), [(1.0, "0.01", True), (0.01, "1", False)])
async def test_a_workspace_may_have_its_own_share_of_the_rate_limit(
    redis_url: str, sandbox_url: str, share: float, others: str, *, more: bool
) -> None:
    """The limit is 600 in a minute, so a hundredth of it is six."""
    eu = workspace("eu", RALLY_KEY) + f"budget_share = {share}\n"
    async with opened(redis_url, sandbox_url, eu, RALLY_BUDGET_SHARE=others, POLL_FLOOR="60s") as world:
        for number in range(20):
            await world.sandbox.set_import(f"imp{number}", ("UPLOADING", 0))
            await world.watch(f"imp{number}", workspace="eu")
        await world.poll()
        world.pass_time(20 * SECOND)
        await world.poll()

        assert (await polled(world) > 6) == more


async def test_a_client_that_is_confined_does_not_use_other_workspaces(redis_url: str, sandbox_url: str) -> None:
    config = workspace("eu", "key") + client("crm", CLIENT_KEY, workspaces=["eu"])
    async with opened(redis_url, sandbox_url, config, BRIDGE_API_KEYS="") as world:
        refused = await world.api.post("/v1/watches", json={"importId": "imp"}, headers=bearer(CLIENT_KEY))

        assert refused.status_code == 422
        assert [error["pointer"] for error in refused.json()["errors"]] == ["/workspace"]
        assert (await world.watch(workspace="eu"))["workspace"] == "eu"


@pytest.mark.parametrize("reset", ["inf", "-2147483648", "1970", "4102444800", "tomorrow", "1, 2"])
async def test_absurd_headers_never_stop_the_polling(world: World, reset: str) -> None:
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    await world.sandbox.faults(status=500, times=3, headers={"X-RateLimit-Reset": reset})
    watch = await world.watch()

    for _ in range(4):
        await world.poll()
        world.pass_time(MINUTE)
    world.pass_time(HOUR)
    await world.poll()

    assert (await world.reload(watch))["outcome"] == "completed"


async def test_settling_that_was_interrupted_is_resumed_by_the_sweep(world: World) -> None:
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    watch = await world.watch()
    world.worker.settler.start = lambda *_: None  # type: ignore[method-assign]  # simulates a worker that dies here
    await world.poll()
    assert (await world.reload(watch))["state"] == "watching"

    world.pass_time(10 * SECOND)
    await world.sweep()

    assert (await world.reload(watch))["outcome"] == "completed"


async def test_an_import_whose_reading_can_not_be_opened_holds_up_no_other_at_its_expiry(world: World) -> None:
    imports = [f"imp{number}" for number in range(3)]
    for import_id in imports:
        await world.sandbox.set_import(import_id, ("UPLOADING", 0))
    watches = [await world.watch(import_id, expiresIn=60) for import_id in imports]
    await world.poll()
    await world.resources.store.call("HSET", "rb:import:default:imp0", "reading", "sealed by nobody")
    await world.sandbox.faults(status=500, times=1000)

    world.pass_time(2 * MINUTE)
    for _ in range(2):
        await world.sweep()
        world.pass_time(2 * SECOND)

    assert [(await world.reload(watch))["outcome"] for watch in watches[1:]] == ["timed_out"] * 2


async def test_what_ended_is_forgotten_after_the_retention(world: World) -> None:
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    watch = await world.watch()
    open_watch = await world.watch("imp-open", expiresIn=30 * 86_400)
    await world.poll()

    world.pass_time(29 * DAY)
    await world.sweep()
    assert (await world.reload(watch))["outcome"] == "completed"
    world.pass_time(DAY)
    await world.sweep()

    keys = set(await world.resources.store.call("KEYS", "rb:*"))
    assert not [key for key in keys if watch["id"] in key]
    assert [key for key in keys if open_watch["id"] in key]
    assert only(await world.resources.store.call("ZRANGE", "rb:watches:in:watching", 0, -1)) == open_watch["id"]
