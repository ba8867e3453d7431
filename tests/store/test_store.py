"""The store: every step is atomic, takes effect once, and is rejected with an old fence."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from cryptography.fernet import Fernet

from bridge.domain.attempts import Attempt
from bridge.domain.budget import Budget, Grant
from bridge.domain.deliveries import Delivery, DeliveryState
from bridge.domain.destinations import Callback, SlackWebhook
from bridge.domain.imports import FailedRecord, Reading
from bridge.domain.outcomes import Outcome
from bridge.domain.polls import ImportUpdate, PollClaim
from bridge.domain.secret import Secret
from bridge.domain.times import DAY, HOUR, MINUTE, SECOND
from bridge.domain.watches import Conclusion, Watch, WatchState
from bridge.errors import DecryptionFailed, SettingsError, StoreUnavailable
from bridge.store import keys
from bridge.store.acceptance import Acceptance, NewWatch
from bridge.store.bindings import STORE_KEY
from bridge.store.budgets import Budgets
from bridge.store.connection import Store, connect
from bridge.store.deliveries import Deliveries
from bridge.store.encryption import Encryptor
from bridge.store.imports import Imports, PollCommit
from bridge.store.store_key import store_key
from bridge.store.watches import Settlement, Watches
from tests.support.samples import only

pytestmark = pytest.mark.anyio

LEASE = 15 * SECOND
CALLBACK = Callback(url=Secret("https://crm.example.com/hook?token=hush"), headers={"X-Key": Secret("hush")})
SLACK = SlackWebhook(url=Secret("https://hooks.slack.com/services/T/B/hush"), on=frozenset({Outcome.FAILED}))
DONE = Reading(
    import_id="imp",
    type="CSV",
    status="COMPLETED",
    person_count=7,
    failed_records=(FailedRecord(email="jane@example.com"),),
    failed_record_count=1,
)


class Memory:
    """The parts of the store on one Redis, as in Resources."""

    def __init__(self, store: Store) -> None:
        encryptor = Encryptor([Secret(Fernet.generate_key().decode())])
        self.store = store
        self.watches = Watches(store, encryptor)
        self.imports = Imports(store, encryptor)
        self.deliveries = Deliveries(store, encryptor)
        self.budgets = Budgets(store)

    async def accept(self, watch_id: str = "wat_1", **changes: Any) -> tuple[Watch, Acceptance]:
        new = new_watch(id=watch_id, **changes)
        accepted = await self.watches.accept(new, grace=10 * MINUTE, reuse=5 * MINUTE)
        assert accepted is not None
        return accepted.watch, accepted.acceptance

    async def claim(self, room: int = 10) -> list[PollClaim]:
        snapshot = await self.budgets.read("default")
        grant = Grant(count=100, again_at=0)
        claims = await self.imports.claim("default", snapshot.budget, grant, room=room, lease=LEASE, now=snapshot.now)
        assert claims is not None
        return claims

    async def commit(self, claim: PollClaim, update: ImportUpdate) -> bool:
        now = await self.store.now()
        commits = [PollCommit(claim=claim, update=update, at=now)]
        (committed,) = await self.imports.commit("default", commits, settle_by=now + 10 * SECOND)
        return committed

    async def settle(self, watch: Watch, *deliveries: Delivery) -> bool:
        ended = replace(watch, reading=DONE)
        now = await self.store.now()
        settlement = Settlement(watch=ended, conclusion=Conclusion(Outcome.FAILED), deliveries=deliveries, at=now)
        return await self.watches.settle(settlement)

    async def keys(self) -> set[str]:
        return set(await self.store.call("KEYS", "rb:*"))


@pytest.fixture
def memory(store: Store) -> Memory:
    return Memory(store)


def new_watch(**changes: Any) -> NewWatch:
    fields: dict[str, Any] = {
        "id": "wat_1",
        "client": "crm",
        "workspace": "default",
        "import_id": "imp",
        "notify": (CALLBACK, SLACK),
        "label": "Q4",
        "metadata": {"ticket": "RES-12"},
        "expires_in": HOUR,
    }
    return NewWatch(**{**fields, **changes})


def a_delivery(watch: Watch, number: int = 0) -> Delivery:
    return Delivery(
        id=f"dlv_{number}",
        watch_id=watch.id,
        client=watch.client,
        notification_id="ntf_1",
        destination=CALLBACK,
        lane="callback:x",
        body='{"type":"import.failed"}',
        queued_at=0,
    )


async def test_a_watch_is_loaded_as_it_was_stored(memory: Memory) -> None:
    accepted, acceptance = await memory.accept()

    assert acceptance is Acceptance.NEW
    assert await memory.watches.get("wat_1") == accepted
    assert accepted.expires_at == accepted.created_at + HOUR
    assert accepted.grace_until == accepted.created_at + 10 * MINUTE


async def test_nothing_private_is_in_the_clear(memory: Memory) -> None:
    watch, _ = await memory.accept()
    await memory.commit(only(await memory.claim()), ImportUpdate(due=None, reading=DONE))
    await memory.settle(watch, a_delivery(watch))
    _, _, claims = await memory.deliveries.claim(room=1, lease=LEASE)
    attempt = Attempt(number=1, at=1, took=1, status=500, reason="HTTP 500", answer="jane@example.com")
    await memory.deliveries.commit(memory.deliveries.decrypt(only(claims)), only(claims).fence, attempt)

    everything = ""
    for key in await memory.keys():
        kind = await memory.store.call("TYPE", key)
        if kind == "hash":
            everything += str(await memory.store.call("HGETALL", key))
        elif kind == "list":
            everything += str(await memory.store.call("LRANGE", key, 0, -1))

    assert "wat_1" in everything
    for private in ("hush", "jane", "crm.example.com", "hooks.slack.com", "RES-12", "import.failed"):
        assert private not in everything


async def test_the_second_watch_of_an_import_joins_its_polling(memory: Memory) -> None:
    await memory.accept("wat_1")
    _, acceptance = await memory.accept("wat_2")

    assert acceptance is Acceptance.JOINED
    assert len(await memory.claim()) == 1
    assert [id_ for id_, _ in await memory.watches.waiting("default", "imp")] == ["wat_1", "wat_2"]


async def test_accepting_the_same_watch_twice_changes_nothing(memory: Memory) -> None:
    await memory.accept("wat_1")
    _, acceptance = await memory.accept("wat_1", label="other")

    watch = await memory.watches.get("wat_1")
    assert acceptance is Acceptance.KNOWN
    assert watch is not None
    assert watch.label == "Q4"


async def test_a_claimed_import_is_not_claimed_again_until_its_lease_ends(memory: Memory) -> None:
    await memory.accept()
    first = only(await memory.claim())

    assert await memory.claim() == []

    memory.store.offset += LEASE
    second = only(await memory.claim())
    assert second.fence > first.fence


async def test_a_commit_under_an_old_fence_changes_nothing(memory: Memory) -> None:
    await memory.accept()
    late = only(await memory.claim())
    memory.store.offset += LEASE
    ours = only(await memory.claim())

    assert not await memory.commit(late, ImportUpdate(due=None, reading=DONE))
    assert await memory.commit(ours, ImportUpdate(due=ours.due + MINUTE, faults=1))

    polled = await memory.imports.get("default", "imp")
    assert polled is not None
    assert (polled.polls, polled.state.reading, polled.next_due) == (1, None, ours.due + MINUTE)


async def test_a_claim_made_against_an_old_budget_is_refused(memory: Memory) -> None:
    await memory.accept()
    snapshot = await memory.budgets.read("default")
    assert await memory.budgets.write("default", replace(snapshot.budget, limit=5))

    grant = Grant(count=1, again_at=0)
    claims = await memory.imports.claim("default", snapshot.budget, grant, room=1, lease=LEASE, now=snapshot.now)

    assert claims is None
    assert not await memory.budgets.write("default", replace(snapshot.budget, limit=6))
    assert (await memory.budgets.read("default")).budget == Budget(version=1, limit=5)


async def test_a_claim_spends_the_budget_in_the_same_step(memory: Memory) -> None:
    for number in range(3):
        await memory.accept(f"wat_{number}", import_id=f"imp_{number}")
    await memory.budgets.write("default", Budget(limit=10, available=9, spent=1, ends_at=10**13))
    snapshot = await memory.budgets.read("default")

    grant = Grant(count=2, again_at=0, paced_from=1_000, step=50)
    claims = await memory.imports.claim("default", snapshot.budget, grant, room=9, lease=LEASE, now=snapshot.now)

    after = await memory.budgets.read("default")
    assert claims is not None
    assert len(claims) == 2
    assert (after.budget.available, after.budget.spent, after.budget.paced_until) == (7, 3, 1_100)
    assert after.in_flight == 2


async def test_a_final_reading_answers_watches_that_come_soon_after(memory: Memory) -> None:
    watch, _ = await memory.accept("wat_1")
    await memory.commit(only(await memory.claim()), ImportUpdate(due=None, reading=DONE))
    await memory.settle(watch)

    _, acceptance = await memory.accept("wat_2")

    assert acceptance is Acceptance.FINAL
    assert await memory.claim() == []
    assert await memory.imports.claim_settling(9, LEASE) == [("default", "imp")]

    memory.store.offset += 5 * MINUTE
    _, later = await memory.accept("wat_3")
    assert later is Acceptance.NEW
    assert len(await memory.claim()) == 1


async def test_a_watch_settles_once_and_creates_each_delivery_once(memory: Memory) -> None:
    watch, _ = await memory.accept()
    first, second = (a_delivery(watch, 0), replace(a_delivery(watch, 1), state=DeliveryState.SKIPPED, body=""))

    assert await memory.settle(watch, first, second)
    assert not await memory.settle(watch, replace(first, body="another"))

    settled = await memory.watches.get("wat_1")
    assert settled is not None
    assert (settled.state, settled.outcome, settled.reading) == (WatchState.SETTLED, Outcome.FAILED, DONE)
    deliveries = await memory.deliveries.many(settled.deliveries)
    assert [delivery.state.value for delivery in deliveries] == ["pending", "skipped"]
    assert deliveries[0].body == first.body
    assert deliveries[0].destination == CALLBACK


async def test_polling_ends_when_the_last_watch_has_settled(memory: Memory) -> None:
    first, _ = await memory.accept("wat_1")
    second, _ = await memory.accept("wat_2")

    await memory.settle(first)
    assert (await memory.budgets.read("default")).next_due is not None

    await memory.settle(second)
    assert (await memory.budgets.read("default")).next_due is None
    assert await memory.imports.get("default", "imp") is None


async def test_a_poll_that_ends_after_its_last_watch_leaves_nothing_behind(memory: Memory) -> None:
    watch, _ = await memory.accept()
    claim = only(await memory.claim())
    await memory.settle(watch)

    assert not await memory.commit(claim, ImportUpdate(due=claim.due + SECOND, reading=DONE))

    assert await memory.imports.get("default", "imp") is None
    assert (await memory.budgets.read("default")).in_flight == 0


async def test_interrupted_settling_is_claimed_when_it_is_due(memory: Memory) -> None:
    await memory.accept()
    await memory.commit(only(await memory.claim()), ImportUpdate(due=None, reading=DONE))

    assert await memory.imports.claim_settling(9, LEASE) == []
    memory.store.offset += 10 * SECOND
    assert await memory.imports.claim_settling(9, LEASE) == [("default", "imp")]
    assert await memory.imports.claim_settling(9, LEASE) == []


async def test_a_delivery_is_recorded_only_under_its_fence(memory: Memory) -> None:
    watch, _ = await memory.accept()
    await memory.settle(watch, a_delivery(watch))
    _, _, claims = await memory.deliveries.claim(room=5, lease=LEASE)
    late = only(claims)
    memory.store.offset += LEASE
    _, _, claims = await memory.deliveries.claim(room=5, lease=LEASE)
    ours = only(claims)

    attempt = Attempt(number=1, at=1, took=5, status=204, reason=None, answer="")
    done = replace(memory.deliveries.decrypt(ours), state=DeliveryState.DELIVERED, attempts=1, ended_at=9, due=None)
    assert not await memory.deliveries.commit(replace(done, state=DeliveryState.ABANDONED), late.fence, attempt)
    assert await memory.deliveries.commit(done, ours.fence, attempt)

    delivery = only(await memory.deliveries.many(["dlv_0"]))
    assert (delivery.state, delivery.attempts, delivery.due) == (DeliveryState.DELIVERED, 1, None)
    assert await memory.deliveries.attempts(delivery) == [attempt]


async def test_the_last_fifty_attempts_are_kept(memory: Memory) -> None:
    watch, _ = await memory.accept()
    await memory.settle(watch, a_delivery(watch))
    for number in range(1, 53):
        _, _, claims = await memory.deliveries.claim(room=5, lease=LEASE)
        claim = only(claims)
        attempt = Attempt(number=number, at=1, took=5, status=500, reason="HTTP 500", answer="")
        again = replace(memory.deliveries.decrypt(claim), attempts=number, due=await memory.store.now())
        assert await memory.deliveries.commit(again, claim.fence, attempt)

    attempts = await memory.deliveries.attempts(only(await memory.deliveries.many(["dlv_0"])))
    assert [attempts[0].number, attempts[-1].number, len(attempts)] == [52, 3, 50]


async def test_an_ended_watch_is_deleted_completely(memory: Memory) -> None:
    watch, _ = await memory.accept()
    await memory.commit(only(await memory.claim()), ImportUpdate(due=None, reading=DONE))
    await memory.settle(watch, a_delivery(watch))
    _, _, claims = await memory.deliveries.claim(room=5, lease=LEASE)
    done = replace(
        memory.deliveries.decrypt(only(claims)), state=DeliveryState.DELIVERED, attempts=1, ended_at=9, due=None
    )
    attempt = Attempt(number=1, at=1, took=5, status=204, reason=None, answer="")
    await memory.deliveries.commit(done, only(claims).fence, attempt)

    memory.store.offset += DAY
    assert await memory.watches.ended_before(await memory.store.now() - DAY - SECOND, 9) == []
    assert await memory.watches.ended_before(await memory.store.now() - DAY, 9) == ["wat_1"]
    where = await memory.watches.index_entry("wat_1")
    assert where is not None
    await memory.watches.delete("wat_1", where)
    assert await memory.imports.delete_final(reuse=5 * MINUTE, count=9) == 1

    standing = "rb:lane:callback:x:last"  # expires by itself, a day after the last good answer
    assert await memory.keys() <= {keys.FENCE, keys.budget("default"), keys.imports_leased("default"), standing}


async def test_a_watch_with_a_pending_delivery_is_not_in_its_retention(memory: Memory) -> None:
    watch, _ = await memory.accept()
    await memory.settle(watch, a_delivery(watch))

    memory.store.offset += 365 * DAY
    assert await memory.watches.ended_before(await memory.store.now(), 9) == []


async def test_poll_now_makes_an_import_due_unless_a_poll_is_in_progress(memory: Memory) -> None:
    await memory.accept()
    claim = only(await memory.claim())
    await memory.imports.poll_now("default", "imp")
    assert await memory.claim() == []

    await memory.commit(claim, ImportUpdate(due=claim.due + HOUR))
    assert await memory.claim() == []
    await memory.imports.poll_now("default", "imp")
    assert len(await memory.claim()) == 1


async def test_an_expired_watch_is_claimed_once_per_lease(memory: Memory) -> None:
    await memory.accept()
    assert await memory.watches.claim_expiring(9, 2 * SECOND) == []

    memory.store.offset += HOUR
    assert await memory.watches.claim_expiring(9, 2 * SECOND) == ["wat_1"]
    assert await memory.watches.claim_expiring(9, 2 * SECOND) == []


async def test_a_store_encrypted_with_other_keys_is_refused_with_a_sentence(store: Store) -> None:
    old, new = (Secret(Fernet.generate_key().decode()) for _ in range(2))
    key = await store_key(store, Encryptor([old]))
    with pytest.raises(SettingsError, match="BRIDGE_ENCRYPTION_KEYS"):
        await store_key(store, Encryptor([new]))

    assert await store_key(store, Encryptor([new, old])) == key
    assert await store_key(store, Encryptor([new])) == key
    with pytest.raises(DecryptionFailed):
        Encryptor([old]).decrypt(await store.call("GET", keys.STORE_KEY), STORE_KEY)


async def test_the_error_for_an_unreachable_redis_has_no_address() -> None:
    store = Store(connect(Secret("redis://:hush@127.0.0.1:1/0")))
    with pytest.raises(StoreUnavailable) as told:
        await store.now()
    await store.redis.aclose()
    assert "hush" not in str(told.value)
    assert "127.0.0.1" not in str(told.value)


async def test_cancelling_the_last_watch_ends_the_polling(memory: Memory) -> None:
    await memory.accept("wat_1")
    await memory.accept("wat_2")
    where = await memory.watches.index_entry("wat_1")
    assert where is not None
    now = await memory.store.now()

    assert await memory.watches.cancel("wat_1", where, None, now)
    assert not await memory.watches.cancel("wat_1", where, None, now)
    assert (await memory.budgets.read("default")).next_due is not None
    assert await memory.watches.cancel("wat_2", where, None, now)

    assert (await memory.budgets.read("default")).next_due is None
    cancelled = await memory.watches.get("wat_1")
    assert cancelled is not None
    assert (cancelled.state, cancelled.outcome, cancelled.settled_at) == (WatchState.CANCELLED, None, now)
    assert await memory.watches.ended_before(now, 9) == ["wat_1", "wat_2"]
    assert not await memory.settle(cancelled)


async def test_a_rejected_password_is_an_error_at_once(store: Store, redis_url: str) -> None:
    await store.call("CONFIG", "SET", "requirepass", "hunter2")
    stranger = Store(connect(Secret(redis_url)))
    try:
        async with asyncio.timeout(5):
            with pytest.raises(StoreUnavailable, match=r"Redis: .*[Aa]uthentication"):
                await stranger.check()
    finally:
        await store.call("CONFIG", "SET", "requirepass", "")
        await stranger.redis.aclose()
