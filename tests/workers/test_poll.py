"""The poll shift: when each import is polled, within the rate limit, and what pauses a workspace."""

import asyncio
from time import monotonic, sleep
from typing import Any

import pytest
from structlog.testing import capture_logs

from bridge.domain.imports import Reply
from bridge.domain.times import HOUR, MINUTE, SECOND
from bridge.store.imports.budgets import BudgetSnapshot
from tests.support.configuration import client, workspace
from tests.support.samples import only
from tests.support.world import CLIENT_KEY, OTHER_KEY, RALLY_KEY, World, bearer, opened
from workers.notify_operator import OperatorNotifier
from workers.poll import POLL_STARTS_WITHIN, PollWork

pytestmark = pytest.mark.anyio


def poll_work(world: World) -> PollWork:
    return PollWork(
        world.resources, "default", world.worker.settler, OperatorNotifier(world.resources, on_due=lambda: None)
    )


async def polled(world: World) -> int:
    return len(await world.sandbox.requests())


@pytest.mark.parametrize("status", ["NOT_STARTED", "UPLOADING", "A_STATUS_OF_TOMORROW"])
async def test_an_unfinished_import_is_polled_again_on_schedule(world: World, status: str) -> None:
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


async def test_a_reading_is_reused_only_for_a_while(world: World) -> None:
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


async def test_after_a_429_no_poll_starts_before_the_named_time(world: World) -> None:
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
async def test_an_unusable_answer_doubles_the_pause_and_never_ends_a_watch(world: World, fault: dict[str, Any]) -> None:
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


async def test_an_import_on_which_our_code_fails_delays_no_other_even_as_a_probe(world: World) -> None:
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


async def test_a_worker_suspended_after_reading_the_budget_sends_no_request(world: World) -> None:
    await world.watch()
    read = world.resources.budgets.read

    async def read_and_stop(workspace: str) -> BudgetSnapshot:
        seen = await read(workspace)
        sleep(POLL_STARTS_WITHIN / SECOND)  # noqa: ASYNC251 - the whole process stands still
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


@pytest.mark.parametrize("trouble", ["refused", "down"])
async def test_the_problem_of_one_workspace_does_not_affect_another(
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


async def test_a_confined_client_cannot_use_other_workspaces(redis_url: str, sandbox_url: str) -> None:
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


@pytest.mark.parametrize(("share", "others", "more"), [(1.0, "0.01", True), (0.01, "1", False)])
async def test_a_workspace_may_have_its_own_share_of_the_rate_limit(
    redis_url: str, sandbox_url: str, share: float, others: str, *, more: bool
) -> None:
    """Of the limit of 600 a minute, a hundredth is paced one by one; the whole allows all 20 polls at once."""
    eu = workspace("eu", RALLY_KEY) + f"budget_share = {share}\n"
    async with opened(redis_url, sandbox_url, eu, RALLY_BUDGET_SHARE=others, POLL_FLOOR="60s") as world:
        for number in range(20):
            await world.sandbox.set_import(f"imp{number}", ("UPLOADING", 0))
            await world.watch(f"imp{number}", workspace="eu")
        await world.poll()

        assert (await polled(world) > 6) == more


async def test_lines_about_an_import_name_the_watches_that_wait_for_it(world: World) -> None:
    await world.sandbox.set_import("imp", ("UPLOADING", 0))
    watches = [await world.watch(), await world.watch()]
    await world.sandbox.faults(status=500, times=1)
    with capture_logs() as lines:
        await world.poll()
        world.pass_time(3 * MINUTE)
        await world.poll()

    named = {line["event"]: line["watch_ids"] for line in lines if "watch_ids" in line}
    assert named == dict.fromkeys(("poll.unanswered", "poll.late", "poll.recovered"), sorted(w["id"] for w in watches))


async def test_the_first_late_poll_of_an_import_is_logged_once(world: World) -> None:
    await world.sandbox.set_import("imp", ("UPLOADING", 0))
    await world.watch()
    with capture_logs() as lines:
        for _ in range(3):
            world.pass_time(3 * MINUTE)
            await world.poll()

    (late,) = (line for line in lines if line["event"] == "poll.late")
    assert late["late_ms"] >= 3 * MINUTE
