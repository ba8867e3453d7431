"""Races between workers, clients and the sweep, each found once by test_state_machine.py."""

import pytest

from bridge.domain.delivery.attempts import Attempt
from bridge.domain.delivery.delivery_schedule import DeliverySchedule
from bridge.domain.delivery.verdicts import Deferred
from bridge.domain.times import DAY, HOUR, MINUTE, SECOND
from bridge.store.watches.acceptance_call import Acceptance, AcceptedWatch, NewWatch
from tests.support.samples import only
from tests.support.world import CLIENT_KEY, World, bearer

pytestmark = pytest.mark.anyio


async def test_import_ids_that_look_like_keys_do_not_collide(world: World) -> None:
    import_ids = ("imp", "imp:watches", "imp:watches:watches", "eu:imp", "rb:import:default:imp")
    for import_id in import_ids:
        await world.sandbox.set_import(import_id, ("COMPLETED", 0))
    watches = [await world.watch(import_id) for import_id in reversed(import_ids)]

    await world.poll()

    assert {(await world.reload(watch))["outcome"] for watch in watches} == {"completed"}


async def test_the_attempts_of_a_delivery_are_not_taken_for_a_delivery(world: World) -> None:
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    watch = await world.watch(notify=[{"type": "callback", "url": world.sandbox.callback_url()}])
    await world.poll()
    await world.deliver()
    delivery = only((await world.reload(watch))["deliveries"])
    assert delivery["attempts"] == 1

    answer = await world.api.get(f"/v1/deliveries/{delivery['id']}:attempts", headers=bearer(CLIENT_KEY))

    assert answer.status_code == 404


async def test_a_repeated_commit_records_an_attempt_once(world: World) -> None:
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    await world.watch(notify=[{"type": "callback", "url": world.sandbox.callback_url()}])
    world.worker.settler._on_due = lambda: None
    await world.poll()
    now, _, claims = await world.resources.deliveries.claim(room=1, lease=30 * SECOND)
    claim = only(claims)
    before = world.resources.deliveries.decrypt(claim)
    after = before.after(Deferred("HTTP 503"), now, schedule=DeliverySchedule(pauses=[MINUTE], max_age=DAY), jitter=0)
    attempt = Attempt(number=1, at=now, took=5, status=503, reason="HTTP 503")

    assert await world.resources.attempts.commit(after, claim.fence, attempt)
    assert not await world.resources.attempts.commit(after, claim.fence, attempt), "the first reply was lost"

    assert await world.resources.attempts.of(after) == [attempt]


async def test_a_repeated_acceptance_returns_the_stored_watch(world: World) -> None:
    new = NewWatch(
        id="wat_1",
        client="crm",
        workspace="default",
        import_id="imp",
        notify=(),
        label=None,
        metadata={},
        expires_in=HOUR,
    )
    first = await world.resources.watches.accept(new, grace=MINUTE, reuse=MINUTE)
    world.pass_time(5 * SECOND)

    again = await world.resources.watches.accept(new, grace=MINUTE, reuse=MINUTE)

    assert isinstance(first, AcceptedWatch)
    assert isinstance(again, AcceptedWatch)
    assert (first.acceptance, again.acceptance) == (Acceptance.NEW, Acceptance.KNOWN)
    assert (again.watch, again.import_record) == (first.watch, first.import_record)


async def test_a_watch_accepted_while_settling_ends_is_not_dropped(world: World) -> None:
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    await world.watch()
    await world.poll()
    assert await world.resources.watches.waiting("default", "imp") == [], "a sweep finds no waiting watch"

    late = await world.watch()
    await world.resources.imports.drop_settling("default", "imp")
    await world.sweep()

    assert (await world.reload(late))["outcome"] == "completed"
