"""Rules on pushes: which imports are watched, what is told of them, and what only is counted."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from bridge.domain.rules.pushes import CSV_FINISHED
from bridge.domain.rules.rules import RuleResult
from bridge.domain.times import DAY, HOUR, MINUTE, SECOND
from bridge.store import keys
from tests.support.configuration import destination
from tests.support.outages import unavailable
from tests.support.redis_snapshot import assert_store_sound
from tests.support.rules import push, watches_of
from tests.support.samples import only
from tests.support.world import ADMIN_KEY, World, opened, reopened
from workers.apply_rules import RulesWork

pytestmark = pytest.mark.anyio

OPS = '[[rules]]\nname = "ops"\nnotify = ["room"]\n'


def room(sandbox_url: str) -> str:
    return destination("room", "slack_webhook", f"{sandbox_url}/inbox/services/T/B/X")


OpenWorld = Callable[[str], AbstractAsyncContextManager[World]]


@pytest.fixture
def with_rules(redis_url: str, sandbox_url: str) -> OpenWorld:
    """Open a world with rules and the destination `room`."""
    return lambda rules: opened(redis_url, sandbox_url, f"{room(sandbox_url)}\n{rules}")


@pytest.fixture
async def ops(with_rules: OpenWorld) -> AsyncIterator[World]:
    async with with_rules(OPS) as world:
        yield world


async def told(world: World) -> list[dict[str, Any]]:
    """Let all deliveries go, and return the Slack messages."""
    await world.poll()
    await world.deliver()  # what was begun must end within its lease
    world.pass_time(31 * SECOND)
    await world.deliver()
    await assert_store_sound(world.resources.store)
    return [json.loads(each["body"]) for each in await world.sandbox.messages(kind="slack")]


async def test_an_import_that_nobody_posted_is_told(ops: World) -> None:
    await ops.sandbox.set_import("imp", ("ERROR", 0))
    await push(ops)

    assert "Import failed" in only(await told(ops))["text"]
    watch = only(await watches_of(ops))
    assert (watch["outcome"], watch["metadata"]) == ("failed", {"rule": "ops", "event": CSV_FINISHED})
    assert await ops.resources.rule_counts.of("ops") == {RuleResult.WATCHED: 1, RuleResult.TOLD: 1}
    assert await ops.resources.pushes.claim(9, MINUTE) == []


async def test_repeated_pushes_and_a_repeated_step_double_nothing(ops: World) -> None:
    await ops.sandbox.set_import("imp", ("ERROR", 0))
    await push(ops, message_id="msg_1")
    await ops.resources.store.call(
        "ZADD", keys.PUSHES_DUE, 0, "default:msg_1"
    )  # a crash before the push left the queue
    await push(ops, message_id="msg_1")
    await push(ops, message_id="msg_2")
    assert len(await told(ops)) == 1

    ops.pass_time(HOUR)
    await push(ops, message_id="msg_3")
    assert len(await told(ops)) == 1
    assert len(await watches_of(ops)) == 1


async def put_back(world: World, message_id: str) -> None:
    """Queue a push again, as after a crash before it left the queue."""
    queued = keys.push_queued("default", message_id)
    facts = {"event": CSV_FINISHED, "import_id": "imp", "status": "ERROR"}
    first = await world.resources.store.call("GET", keys.push_first("default", "imp"))
    for name, value in {**facts, "at": first, "first_at": first}.items():
        await world.resources.store.call("HSET", queued, name, value)
    await world.resources.store.call("ZADD", keys.PUSHES_DUE, 0, f"default:{message_id}")


async def test_a_success_costs_a_rule_that_tells_problems_no_poll(ops: World) -> None:
    await ops.sandbox.set_import("imp", ("COMPLETED", 0))
    await push(ops, status="COMPLETED", failed_record_count=0)

    assert await told(ops) == []
    assert await ops.sandbox.requests() == []
    assert await ops.resources.rule_counts.of("ops") == {RuleResult.NOT_WANTED: 1}
    assert 'rally_bridge_rule_results_total{result="not_wanted",rule="ops"} 1.0' in (await ops.api.get("/metrics")).text


async def test_what_the_poll_read_decides_not_the_push(ops: World) -> None:
    await ops.sandbox.set_import("imp", ("COMPLETED", 0))
    await push(ops, status="ERROR")

    assert await told(ops) == []
    assert only(only(await watches_of(ops))["deliveries"])["lastReason"] == "the rule does not tell completed"
    assert await ops.resources.rule_counts.of("ops") == {RuleResult.WATCHED: 1, RuleResult.SILENT: 1}


async def test_a_stale_push_costs_no_poll_and_no_message(ops: World) -> None:
    await ops.sandbox.set_import("imp", ("ERROR", 0))
    await push(ops, updated_at=await ops.resources.store.now() - 25 * HOUR)

    assert await told(ops) == []
    assert (await ops.sandbox.requests(), await watches_of(ops)) == ([], [])
    assert await ops.resources.rule_counts.of("ops") == {RuleResult.STALE: 1}


async def test_what_was_pushed_too_late_is_summarized_once(ops: World) -> None:
    old = await ops.resources.store.now() - 30 * HOUR
    for number in range(23):
        await push(ops, f"imp{number}", updated_at=old, status="COMPLETED", failed_record_count=int(number < 4))
    await push(ops, "imp0", updated_at=old)
    await push(ops, "test_imp", updated_at=old)
    assert await told(ops) == []
    ops.pass_time(15 * MINUTE)
    await ops.sweep()

    assert "23 imports ended while no push came, 4 with failures" in only(await told(ops))["text"]
    ops.pass_time(20 * DAY)
    await push(ops, "imp1", updated_at=old)
    ops.pass_time(15 * MINUTE)
    await ops.sweep()
    assert len(await told(ops)) == 1


async def test_a_summary_leaves_out_what_a_watch_has_told_the_destination(ops: World) -> None:
    await ops.sandbox.set_import("imp", ("ERROR", 0))
    ended_at = await ops.resources.store.now()
    await ops.watch("imp", notify=[{"type": "named", "name": "room"}])
    await ops.poll()
    await ops.deliver()

    ops.pass_time(20 * DAY)
    await push(ops, "imp", updated_at=ended_at)
    await push(ops, "other", updated_at=ended_at)
    ops.pass_time(15 * MINUTE)
    await ops.sweep()

    summary = (await told(ops))[-1]["blocks"][1]["text"]["text"]
    assert summary == "1 import ended while no push came, 1 with failures by the push: other."


async def test_a_replay_of_what_was_told_weeks_ago_changes_nothing(ops: World) -> None:
    await ops.sandbox.set_import("imp", ("ERROR", 0))
    ended_at = await ops.resources.store.now()
    await push(ops, updated_at=ended_at)
    assert len(await told(ops)) == 1

    ops.pass_time(80 * DAY)
    await ops.sweep()  # forgets the watch
    assert await watches_of(ops) == []
    await push(ops, updated_at=ended_at)
    ops.pass_time(15 * MINUTE)
    await ops.sweep()
    assert len(await told(ops)) == 1
    assert await watches_of(ops) == []


async def test_a_test_event_is_never_told(ops: World) -> None:
    await push(ops, "test_cm1uwhduy001vle4gr4soyqkq", status="COMPLETED", failed_record_count=2)
    for _ in range(5):
        await ops.poll()
        ops.pass_time(3 * MINUTE)
    assert only(await watches_of(ops))["outcome"] == "not_found"

    assert await told(ops) == []
    assert await ops.resources.rule_counts.of("ops") == {RuleResult.WATCHED: 1, RuleResult.UNREAD: 1}
    ops.pass_time(DAY)
    await push(ops, "test_cm1uwhduy001vle4gr4soyqkq", updated_at=await ops.resources.store.now() - 4 * DAY)
    assert (await ops.resources.rule_counts.of("ops"))[RuleResult.TEST] == 1
    assert await told(ops) == []


async def test_a_problem_that_the_key_may_not_read_is_told_after_a_day_as_pushed(ops: World) -> None:
    await ops.sandbox.faults(status=403, times=10_000)
    await push(ops, status="COMPLETED", failed_record_count=2)
    for _ in range(50):
        await ops.poll()
        ops.pass_time(30 * MINUTE)
    await ops.sweep()
    await ops.poll()
    await ops.deliver()  # what was begun must end within its lease
    ops.pass_time(MINUTE)
    await ops.sweep()

    message = only(await told(ops))
    assert "Import completed with 2 failures" in message["text"]
    assert "As Rally's push said; the bridge could not read the import" in json.dumps(message, ensure_ascii=False)
    assert only(await watches_of(ops))["reason"] == "as Rally's push said; the bridge could not read the import"
    assert len(await ops.sandbox.requests()) < 40


async def test_an_import_that_is_not_visible_is_counted_if_its_push_said_no_problem(with_rules: OpenWorld) -> None:
    async with with_rules(f'{OPS}outcomes = "always"\n') as world:
        await push(world, status="COMPLETED", failed_record_count=0)
        for _ in range(5):
            await world.poll()
            world.pass_time(3 * MINUTE)

        assert only(await watches_of(world))["outcome"] == "not_found"
        assert await told(world) == []


async def test_the_first_rule_of_the_file_tells_a_destination_and_the_others_their_own(with_rules: OpenWorld) -> None:
    inline = (
        '[[rules]]\nname = "all"\noutcomes = "always"\nnotify = ["room", {type = "slack", channel = "C0PANELS1"}]\n'
    )
    async with with_rules(f"{OPS}{inline}") as world:
        await world.sandbox.set_import("imp", ("COMPLETED", 0), failed=3)
        await push(world, status="COMPLETED", failed_record_count=3)
        assert len(await told(world)) == 2
        reasons = [each["lastReason"] for each in only(await watches_of(world, "all"))["deliveries"]]
        assert reasons == ["the rule ops tells this destination", None]
        assert len(await world.sandbox.requests()) == 1

        await world.sandbox.set_import("imp2", ("COMPLETED", 0))
        await push(world, "imp2", status="COMPLETED", failed_record_count=0)
        assert len(await told(world)) == 4


async def test_users_are_mentioned_for_the_outcomes_that_the_rule_names(with_rules: OpenWorld) -> None:
    mention = 'outcomes = "always"\nmention = {users = ["U0123", "U0456"], on = ["failed"]}\n'
    async with with_rules(f"{OPS}{mention}") as world:
        await world.sandbox.set_import("imp", ("ERROR", 0))
        await world.sandbox.set_import("imp2", ("COMPLETED", 0), failed=1)
        await push(world)
        await push(world, "imp2")
        await told(world)
        world.pass_time(SECOND)  # Slack takes one message a second
        bodies = [json.dumps(message, ensure_ascii=False) for message in await told(world)]

        assert len(bodies) == 2
        assert all(("<@U0123> <@U0456>" in body) == ("❌" in body) for body in bodies)


async def test_an_import_that_a_poll_ended_before_its_push_is_told_without_another_poll(ops: World) -> None:
    await ops.sandbox.set_import("imp", ("ERROR", 0))
    await ops.watch(notify=[])
    await ops.poll()
    ops.pass_time(MINUTE)
    await push(ops)

    assert "Import failed" in only(await told(ops))["text"]
    assert len(await ops.sandbox.requests()) == 1


async def test_a_push_waits_in_the_queue_while_no_worker_runs(ops: World, redis_url: str, sandbox_url: str) -> None:
    await ops.sandbox.set_import("imp", ("ERROR", 0))
    await ops.worker.rules.close()
    await push(ops)
    assert await watches_of(ops) == []

    async with reopened(redis_url, sandbox_url, room(sandbox_url) + OPS) as later:
        later.resources.store.offset = ops.resources.store.offset
        await later.apply_rules()
        assert len(await told(later)) == 1


async def test_the_watch_of_a_rule_that_was_removed_tells_nothing(ops: World, redis_url: str, sandbox_url: str) -> None:
    await ops.worker.polls["default"].close()
    await push(ops)
    await ops.sandbox.set_import("imp", ("ERROR", 0))

    async with reopened(redis_url, sandbox_url, room(sandbox_url)) as later:
        later.resources.store.offset = ops.resources.store.offset
        assert await told(later) == []
        delivery = only(only(await watches_of(later))["deliveries"])
        assert delivery["lastReason"] == "the rule is not configured any more"
        refused = await later.post(f"/v1/deliveries/{delivery['id']}/redeliver", key=ADMIN_KEY)
        assert refused.status_code == 409


async def test_the_id_of_a_watch_has_the_time_of_the_first_push(ops: World) -> None:
    await push(ops, "imp1", status="COMPLETED", failed_record_count=0)
    first = await ops.resources.store.now()
    ops.pass_time(MINUTE)
    await push(ops, "imp2")
    ops.pass_time(MINUTE)
    await push(ops, "imp1", status="COMPLETED", failed_record_count=1)

    assert [each["importId"] for each in await watches_of(ops)] == ["imp1", "imp2"]
    assert (await ops.resources.store.now()) - first >= 2 * MINUTE


async def test_a_push_is_applied_at_once_after_an_outage_of_redis(ops: World) -> None:
    await ops.sandbox.set_import("imp", ("ERROR", 0))
    await ops.worker.rules.close()
    await push(ops)
    work = RulesWork(ops.resources, on_watched=lambda _: None, on_final=lambda *_: None)
    (queued,), _ = await work.claim(9)
    with unavailable(ops.resources.store):
        result = await work.act(queued)
    await work.commit([result])
    assert await watches_of(ops) == []

    (again,), _ = await work.claim(9)
    await work.commit([await work.act(again)])
    assert len(await told(ops)) == 1


async def test_a_push_on_which_our_code_fails_is_set_aside(ops: World) -> None:
    await ops.sandbox.set_import("imp", ("ERROR", 0))
    await ops.worker.rules.close()
    await push(ops)
    work = RulesWork(ops.resources, on_watched=lambda _: None, on_final=lambda *_: None)
    (queued,), _ = await work.claim(9)
    await work.commit([work.set_aside(queued, RuntimeError())])
    ops.pass_time(MINUTE)
    assert await work.claim(9) == ([], None)

    ops.pass_time(4 * MINUTE)
    (again,), _ = await work.claim(9)
    await work.commit([await work.act(again)])
    assert len(await told(ops)) == 1


async def test_a_tool_and_a_rule_tell_one_room_once(ops: World, sandbox_url: str) -> None:
    await ops.sandbox.set_import("imp", ("ERROR", 0))
    own = await ops.watch(notify=[{"type": "slack_webhook", "url": f"{sandbox_url}/inbox/services/T/B/X"}])
    await push(ops)

    assert len(await told(ops)) == 1
    reason = only(only(await watches_of(ops))["deliveries"])["lastReason"]
    assert reason == f"the watch {own['id']} tells this destination"
    assert len(await ops.sandbox.requests()) == 1


async def test_the_watch_of_a_rule_that_an_admin_cancelled_stays_cancelled(ops: World) -> None:
    await push(ops)
    watch = only(await watches_of(ops))
    assert (await ops.post(f"/v1/watches/{watch['id']}/cancel", key=ADMIN_KEY)).status_code == 200
    await ops.sandbox.set_import("imp", ("ERROR", 0))
    await push(ops)

    assert await told(ops) == []
    assert only(await watches_of(ops))["state"] == "cancelled"
