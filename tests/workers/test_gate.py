"""The gate: a rule's delivery waits, and is skipped if an explicit watch of the import tells the same destination."""

from typing import Any

import pytest

from bridge.domain.delivery.deliveries import Delivery, DeliveryState
from bridge.domain.destinations import Callback, SlackWebhook
from bridge.domain.secret import Secret
from bridge.domain.times import MINUTE, SECOND
from bridge.domain.watches import Watch
from bridge.store import keys
from bridge.store.calls.clock import Clock
from tests.support.outages import unavailable
from tests.support.redis_snapshot import assert_store_sound
from tests.support.rules import watch_by_rule
from tests.support.samples import only
from tests.support.world import ADMIN_KEY, World, opened
from workers.gate import GateWork
from workers.notify_operator import OperatorNotifier

pytestmark = pytest.mark.anyio


def slack(world: World) -> SlackWebhook:
    return SlackWebhook(url=Secret(world.sandbox.slack_url()))


def explicit(world: World, **more: Any) -> dict[str, Any]:
    return {"type": "slack_webhook", "url": world.sandbox.slack_url(), **more}


async def ended_by_rule(world: World) -> Watch:
    """Return a rule's watch of an import that has ended."""
    await world.sandbox.set_import("imp", ("ERROR", 0))
    watch = await watch_by_rule(world, slack(world))
    await world.poll()
    return watch


async def delivery_of(world: World, watch: Watch) -> Delivery:
    settled = await world.resources.watches.get(watch.id)
    assert settled is not None
    delivery = await world.resources.deliveries.get(only(list(settled.deliveries)))
    assert delivery is not None
    return delivery


async def pass_and_deliver(world: World, span: int = 31 * SECOND) -> None:
    world.pass_time(span)
    await world.deliver()
    await assert_store_sound(world.resources.store)


async def test_a_delivery_of_a_rule_is_sent_30_seconds_after_its_watch_began(world: World) -> None:
    watch = await ended_by_rule(world)

    await pass_and_deliver(world, 25 * SECOND)
    assert await world.sandbox.messages() == []
    held = await delivery_of(world, watch)
    assert held.due == watch.created_at + 30 * SECOND
    assert held.last_reason == "held, as a watch may tell the same"

    await pass_and_deliver(world, 5 * SECOND)
    delivered = await delivery_of(world, watch)
    assert (delivered.state, delivered.last_reason) == (DeliveryState.DELIVERED, None)
    assert len(await world.sandbox.messages()) == 1


async def test_one_that_ends_later_is_sent_at_once(world: World) -> None:
    watch = await watch_by_rule(world, slack(world))
    await world.sandbox.set_import("imp", ("ERROR", 0))
    world.pass_time(MINUTE)
    await world.poll()
    await world.deliver()

    assert (await delivery_of(world, watch)).state is DeliveryState.DELIVERED


async def test_a_tool_that_registers_a_second_after_the_push_is_told_once(world: World) -> None:
    watch = await ended_by_rule(world)
    own = await world.watch(notify=[explicit(world)])
    await world.sweep()
    await world.deliver()
    await pass_and_deliver(world)

    skipped = await delivery_of(world, watch)
    assert skipped.state is DeliveryState.SKIPPED
    assert skipped.last_reason == f"the watch {own['id']} tells this destination"
    assert len(await world.sandbox.messages()) == 1


@pytest.mark.parametrize("other", [{"on": ["completed"]}, {"url": "/inbox/services/T000/B000/YYYY"}])
async def test_an_explicit_watch_that_does_not_tell_it_changes_nothing(world: World, other: dict[str, Any]) -> None:
    watch = await ended_by_rule(world)
    path = other.get("url", "")
    await world.watch(notify=[explicit(world, **other) | ({"url": world.sandbox.url + path} if path else {})])
    await world.sweep()
    await world.deliver()
    await pass_and_deliver(world)

    assert (await delivery_of(world, watch)).state is DeliveryState.DELIVERED


async def test_callbacks_to_one_host_are_different_destinations_if_their_paths_differ(world: World) -> None:
    await world.sandbox.set_import("imp", ("ERROR", 0))
    watch = await watch_by_rule(world, Callback(url=Secret(world.sandbox.callback_url("rule"))))
    await world.watch(notify=[{"type": "callback", "url": world.sandbox.callback_url("crm")}])
    await world.poll()
    await pass_and_deliver(world)

    assert (await delivery_of(world, watch)).attempts == 1


async def test_if_the_explicit_delivery_is_abandoned_the_one_of_the_rule_is_sent(world: World) -> None:
    """The receiver is broken for the first message, and works again for the second."""
    watch = await ended_by_rule(world)
    await world.sandbox.set_answers("slack", {"status": 503})
    own = await world.watch(notify=[explicit(world)])
    await world.sweep()
    await world.deliver()
    world.pass_time(31 * SECOND)
    await world.open_gate()
    assert (await delivery_of(world, watch)).state is DeliveryState.SKIPPED

    await world.sandbox.set_answers("slack", {"status": 403, "body": "invalid_token"})
    await pass_and_deliver(world, MINUTE)
    assert only((await world.reload(own))["deliveries"])["state"] == "abandoned"
    await pass_and_deliver(world, MINUTE)

    assert (await delivery_of(world, watch)).state is DeliveryState.DELIVERED
    assert len(await world.sandbox.messages()) >= 1
    told = (await world.get(f"/v1/watches/{watch.id}/history", key=ADMIN_KEY)).json()
    assert [each["kind"] for each in told["data"]] == ["accepted", "outcome", "released", "attempt"]
    assert told["data"][0]["text"] == "the rule ops asked for the watch"


async def test_one_that_was_skipped_for_a_delivered_one_stays_skipped_when_that_is_abandoned_later(
    world: World,
) -> None:
    watch = await ended_by_rule(world)
    own = await world.watch(notify=[explicit(world)])
    await world.sweep()
    await world.deliver()
    await pass_and_deliver(world)
    assert (await delivery_of(world, watch)).state is DeliveryState.SKIPPED

    await world.sandbox.set_answers("slack", {"status": 403, "body": "invalid_token"})
    again = only((await world.reload(own))["deliveries"])["id"]
    assert (await world.post(f"/v1/deliveries/{again}/redeliver")).status_code == 202
    await pass_and_deliver(world, MINUTE)

    assert only((await world.reload(own))["deliveries"])["state"] == "abandoned"
    assert (await delivery_of(world, watch)).state is DeliveryState.SKIPPED


async def test_it_waits_while_an_explicit_watch_is_open_and_is_sent_once_that_is_cancelled(world: World) -> None:
    watch = await ended_by_rule(world)
    world.pass_time(6 * MINUTE)  # the reading is too old for a new watch
    await world.resources.store.call("ZADD", "rb:deliveries:held", await world.resources.store.now(), only_id(watch))
    await world.sandbox.set_import("imp", ("UPLOADING", 0))
    own = await world.watch(notify=[explicit(world)])
    await world.poll()
    await pass_and_deliver(world, SECOND)
    assert (await delivery_of(world, watch)).state is DeliveryState.PENDING

    assert (await world.post(f"/v1/watches/{own['id']}/cancel")).status_code == 200
    await pass_and_deliver(world, 5 * SECOND)
    assert (await delivery_of(world, watch)).state is DeliveryState.DELIVERED


def only_id(watch: Watch) -> str:
    return f"dlv_{watch.id.removeprefix('wat_')}0"


async def test_a_held_delivery_waits_no_longer_when_the_clock_is_set_back(world: World) -> None:
    watch = await ended_by_rule(world)
    await Clock(world.resources.store).accept()
    world.pass_time(-60 * MINUTE)
    await world.sweep()
    await assert_store_sound(world.resources.store)

    await pass_and_deliver(world)
    assert (await delivery_of(world, watch)).state is DeliveryState.DELIVERED


async def test_clients_see_nothing_of_a_rules_watch_and_admins_all_of_it(world: World) -> None:
    watch = await ended_by_rule(world)
    await pass_and_deliver(world)
    delivery = await delivery_of(world, watch)

    for path in (f"/v1/watches/{watch.id}", f"/v1/deliveries/{delivery.id}"):
        assert (await world.get(path)).status_code == 404
        assert (await world.get(path, key=ADMIN_KEY)).status_code == 200
    assert (await world.get("/v1/watches")).json()["data"] == []
    listed = (await world.get("/v1/watches", key=ADMIN_KEY)).json()["data"]
    assert [each["createdBy"] for each in listed] == ["rule:ops"]
    assert (await world.post(f"/v1/deliveries/{delivery.id}/redeliver", key=ADMIN_KEY)).status_code == 202
    await pass_and_deliver(world)
    assert len(await world.sandbox.messages()) == 2


async def test_a_held_delivery_whose_record_is_gone_is_forgotten(world: World) -> None:
    await world.resources.store.call("ZADD", keys.HELD, 0, "dlv_gone")
    await world.open_gate()

    assert await world.resources.store.call("ZCARD", keys.HELD) == 0


async def test_one_that_cannot_be_read_is_set_aside_and_stops_no_other(world: World) -> None:
    watch = await ended_by_rule(world)
    broken = only_id(watch)
    message = await world.resources.store.call("HGET", keys.delivery(broken), "message")
    await world.resources.store.call("HSET", keys.delivery(broken), "message", "gibberish")
    await world.sandbox.set_import("imp2", ("ERROR", 0))
    other = await watch_by_rule(world, slack(world), import_id="imp2")
    await world.poll()
    await pass_and_deliver(world)
    assert (await delivery_of(world, other)).state is DeliveryState.DELIVERED

    await world.resources.store.call("HSET", keys.delivery(broken), "message", message)
    await pass_and_deliver(world, 61 * MINUTE)
    assert (await delivery_of(world, watch)).state is DeliveryState.DELIVERED


async def test_an_outage_of_redis_delays_a_decision_by_no_more_than_the_next_look(world: World) -> None:
    watch = await ended_by_rule(world)
    work = GateWork(world.resources, OperatorNotifier(world.resources, on_due=lambda: None), on_due=lambda: None)
    world.pass_time(31 * SECOND)
    (claim,), _ = await work.claim(9)
    with unavailable(world.resources.store):
        result = await work.act(claim)
    await work.commit([result])

    await pass_and_deliver(world, 5 * SECOND)
    assert (await delivery_of(world, watch)).state is DeliveryState.DELIVERED


async def test_one_that_was_skipped_is_kept_as_long_as_the_other_may_be_abandoned(
    redis_url: str, sandbox_url: str
) -> None:
    async with opened(redis_url, sandbox_url, BRIDGE_RETENTION="1h", DELIVERY_SCHEDULE="2h,2h") as world:
        watch = await ended_by_rule(world)
        await world.sandbox.set_answers("slack", {"status": 503})
        await world.watch(notify=[explicit(world)])
        await world.sweep()
        await pass_and_deliver(world)
        assert (await delivery_of(world, watch)).state is DeliveryState.SKIPPED

        world.pass_time(90 * MINUTE)
        await world.sweep()
        await world.sandbox.set_answers("slack", {"status": 403, "body": "invalid_token"})
        await pass_and_deliver(world, 60 * MINUTE)
        await pass_and_deliver(world, MINUTE)

        assert (await delivery_of(world, watch)).state is DeliveryState.DELIVERED
