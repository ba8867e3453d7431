"""The store under any interleaving: what workers, clients and time do to it in any order breaks no promise.

A machine of Hypothesis' takes random steps against a real Redis, with a plain model in Python beside: several workers'
claims at once, fences that have become stale, replies that got lost so that a step runs twice, processes that died
half way. After every step the records must be what the model says, and every index what the records say.
"""

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bridge.domain.attempts import Accepted, Attempt, Deferred, Rejected, Verdict
from bridge.domain.budget import Grant
from bridge.domain.deliveries import Delivery
from bridge.domain.destinations import Callback, Destination, SlackWebhook
from bridge.domain.imports import Absence, Absent, ImportAnswer, OverLimit, Read, Reading, Reply, Unanswered
from bridge.domain.outcomes import Outcome, outcome_of
from bridge.domain.polls import ImportUpdate, PollClaim, after_poll, quarantine, release_claim
from bridge.domain.secret import Secret
from bridge.domain.times import DAY, HOUR, MINUTE, SECOND, Moment
from bridge.domain.watches import ImportState, conclude
from bridge.resources import Resources, open_resources
from bridge.startup import check_store
from bridge.store import keys, poll_scores
from bridge.store.acceptance import Acceptance, NewWatch
from bridge.store.bindings import STORE_KEY
from bridge.store.deliveries import DeliveryClaim
from bridge.store.imports import PollCommit
from bridge.store.watches import Settlement
from tests.support.configuration import workspace
from tests.support.frozen_clock import START, freeze_clock
from tests.support.redis_snapshot import Place, Snapshot, assert_sound, take_snapshot
from tests.support.world import settings as settings_of
from workers.notify_operator import OperatorNotifier
from workers.settle import FINAL_POLL_WAIT, Settler, settlement_of
from workers.sweep import Sweep

T = TypeVar("T")

POLL_LEASE = 15 * SECOND
DELIVERY_LEASE = 30 * SECOND
FAILED = frozenset({Outcome.FAILED})
DESTINATIONS: tuple[Destination, ...] = (
    Callback(url=Secret("https://crm.example.com/hook")),
    Callback(url=Secret("https://billing.example.com/hook"), on=FAILED),
    SlackWebhook(url=Secret("https://hooks.slack.com/services/T/B/X")),
)
PLACES: tuple[Place, ...] = (("default", "imp"), ("default", "imp:watches"), ("eu", "imp"))
ANSWERS: tuple[ImportAnswer | str, ...] = (
    *(
        Read(Reading(import_id="imp", type="CSV", status=status, person_count=7, failed_record_count=failed))
        for status, failed in (("UPLOADING", 0), ("COMPLETED", 0), ("COMPLETED", 2), ("ERROR", 0))
    ),
    *(Absent(absence) for absence in Absence),
    Unanswered("HTTP 503"),
    OverLimit(None),
    "withheld",
    "poisoned",
)
VERDICTS: tuple[Verdict | str, ...] = (
    Accepted(),
    Accepted(),
    Rejected("HTTP 410"),
    Deferred("HTTP 503"),
    Deferred("HTTP 429", HOUR),
    "put aside",
    "outlived",
)
ENOUGH = 5
"""So many watches are worth seeing the end of."""
SPANS = (SECOND, 5 * SECOND, 10 * SECOND, POLL_LEASE, DELIVERY_LEASE, MINUTE, 5 * MINUTE, 10 * MINUTE, HOUR, DAY)


@dataclass
class Wish:
    """A watch as the model has it."""

    place: Place
    notify: tuple[Destination, ...]
    expires_at: Moment
    state: str = "watching"
    outcome: str | None = None


@dataclass
class Owed:
    """A delivery as the model has it; `lease_end` while somebody may be sending it."""

    watch_id: str
    state: str
    attempts: int = 0
    fence: int | None = None
    lease_end: Moment = 0


@dataclass
class Polling:
    """An import that is being polled as the model has it; `lease_end` while somebody may be asking."""

    fence: int | None = None
    lease_end: Moment = 0


@dataclass
class Model:
    """What must be true, in the simplest form."""

    watches: dict[str, Wish] = field(default_factory=dict)
    polling: dict[Place, Polling] = field(default_factory=dict)
    final: set[Place] = field(default_factory=set)
    heard: set[tuple[Place, str]] = field(default_factory=set)
    """The outcomes that Rally's answers have given reason for."""
    deliveries: dict[str, Owed] = field(default_factory=dict)

    def waiting(self, place: Place) -> set[str]:
        return {watch_id for watch_id, wish in self.watches.items() if wish.place == place and wish.state == "watching"}

    def end(self, watch_id: str, state: str, outcome: str | None) -> None:
        wish = self.watches[watch_id]
        wish.state, wish.outcome = state, outcome
        if not self.waiting(wish.place):
            self.polling.pop(wish.place, None)

    def settle(self, watch_id: str, outcome: str) -> None:
        self.end(watch_id, "settled", outcome)
        for number, destination in enumerate(self.watches[watch_id].notify):
            wanted = destination.on is None or outcome in destination.on
            delivery_id = f"dlv_{watch_id.removeprefix('wat_')}{number:x}"
            assert delivery_id not in self.deliveries
            self.deliveries[delivery_id] = Owed(watch_id=watch_id, state="pending" if wanted else "skipped")

    def forget(self, watch_id: str) -> None:
        del self.watches[watch_id]
        self.deliveries = {id_: delivery for id_, delivery in self.deliveries.items() if delivery.watch_id != watch_id}


@dataclass
class Stage:
    """The store on a real Redis, opened once for all runs, and the loop on which it is asked."""

    runner: asyncio.Runner
    resources: Resources

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.runner.get_loop().run_until_complete(coroutine)  # the runner's own run minds signals each time

    def empty(self) -> None:
        """Begin anew, with the one secret: lanes that are due at the same moment are claimed in their names' order."""
        self.resources.store.offset = START
        self.run(self.resources.store.call("FLUSHALL"))
        self.run(self.resources.store.call("SET", keys.SCHEMA_VERSION, keys.SCHEMA))
        self.run(
            self.resources.store.call(
                "SET", keys.STORE_KEY, self.resources.encryptor.encrypt("the same each time", STORE_KEY)
            )
        )
        self.run(check_store(self.resources))


class StoreMachine(RuleBasedStateMachine):
    """Whatever may happen to the store, in any order."""

    watch_ids: Bundle[str] = Bundle("watch_ids")
    poll_claims: Bundle[PollClaim] = Bundle("poll_claims")
    settlements: Bundle[Settlement] = Bundle("settlements")
    delivery_claims: Bundle[DeliveryClaim] = Bundle("delivery_claims")

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        stage.empty()
        self.run = stage.run
        self.resources = stage.resources
        self.store = stage.resources.store
        settler = Settler(stage.resources, on_due=lambda: None)
        self.sweep = Sweep(stage.resources, settler, OperatorNotifier(stage.resources, on_due=lambda: None))
        self.model = Model()
        self.names = iter(range(10**6))
        self.fence = 0

    # What is true after every step.

    @invariant()
    def nothing_is_missing_and_nothing_is_left_over(self) -> None:
        snapshot = self.snapshot()
        assert_sound(snapshot)
        model = self.model
        assert {id_: (each["state"], each.get("outcome")) for id_, each in snapshot.watches.items()} == {
            watch_id: (wish.state, wish.outcome) for watch_id, wish in model.watches.items()
        }
        assert {id_: (each["state"], int(each["attempts"])) for id_, each in snapshot.deliveries.items()} == {
            delivery_id: (delivery.state, delivery.attempts) for delivery_id, delivery in model.deliveries.items()
        }
        polling = {place for place, record in snapshot.imports.items() if record["state"] == "open"}
        assert polling == model.polling.keys()
        assert snapshot.imports.keys() - polling == model.final

    # What clients do.

    @rule(
        target=watch_ids,
        place=st.sampled_from(PLACES),
        client=st.sampled_from(["crm", "billing"]),
        notify=st.lists(st.sampled_from(DESTINATIONS), max_size=3).map(tuple),
        expires_in=st.sampled_from([MINUTE, HOUR, 30 * DAY]),
    )
    def accept(self, place: Place, client: str, notify: tuple[Destination, ...], expires_in: int) -> str:
        new = NewWatch(
            id=f"wat_{next(self.names):04}",
            client=client,
            workspace=place[0],
            import_id=place[1],
            notify=notify,
            label=None,
            metadata={},
            expires_in=expires_in,
        )
        before, early = self.snapshot(), self.now()
        acceptance, expires_at = self._accept(new)
        assert acceptance in self._joins(place, before, early, self.now())
        if acceptance is Acceptance.NEW:
            self.model.polling[place] = Polling()
            self.model.final.discard(place)
        self.model.watches[new.id] = Wish(place=place, notify=notify, expires_at=expires_at)
        assert self.unchanged(lambda: self._accept(new)) == (Acceptance.KNOWN, expires_at)
        return new.id

    def _accept(self, new: NewWatch) -> tuple[Acceptance, Moment]:
        reuse = self.resources.settings.reading_reuse
        accepted = self.run(self.resources.watches.accept(new, grace=10 * MINUTE, reuse=reuse))
        assert accepted is not None
        return accepted.acceptance, accepted.watch.expires_at

    def _joins(self, place: Place, before: Snapshot, early: Moment, late: Moment) -> set[Acceptance]:
        """Give what a new watch may find: two things only where the reuse ended in the meantime."""
        if place in self.model.polling:
            return {Acceptance.JOINED}
        if place not in self.model.final:
            return {Acceptance.NEW}
        reused_until = int(before.imports[place]["final_at"]) + self.resources.settings.reading_reuse
        return {Acceptance.FINAL if now < reused_until else Acceptance.NEW for now in (early, late)}

    @precondition(lambda self: self.model.watches)
    @rule(watch_id=watch_ids)
    def cancel(self, watch_id: str) -> None:
        where = self.run(self.resources.watches.index_entry(watch_id))
        assert (where is not None) == (watch_id in self.model.watches)
        if where is None:
            return
        watching = self.model.watches[watch_id].state == "watching"
        assert self.run(self.resources.watches.cancel(watch_id, where, None, self.now())) == watching
        if watching:
            self.model.end(watch_id, "cancelled", None)

    # What time does.

    @precondition(lambda self: self.model.watches)
    @rule(span=st.sampled_from(SPANS))
    def time_passes(self, span: int) -> None:
        self.store.offset += span

    # What the poll shifts of several workers do.

    @precondition(lambda self: self.model.polling)
    @rule(target=poll_claims, workspace=st.sampled_from(["default", "eu"]), room=st.integers(1, 3), raced=st.booleans())
    def claim_polls(self, workspace: str, room: int, raced: bool) -> Any:  # noqa: FBT001 - Hypothesis draws it
        return multiple(*self._lease_polls(workspace, room, raced=raced))

    def _lease_polls(self, workspace: str, room: int, *, raced: bool = False) -> list[PollClaim]:
        before, early = self.snapshot(), self.now()
        claims = self._claim_polls(workspace, room, raced=raced)
        late = self.now()
        scores = before.index(keys.imports_due(workspace))
        due = {import_id for import_id, score in scores.items() if poll_scores.moment(score) <= early}
        assert len(claims) <= room
        assert len(claims) >= (0 if raced else min(room, len(due)))
        for claim in claims:
            polling = self.model.polling[workspace, claim.import_id]
            assert polling.lease_end <= late, "two workers may ask about one import at once"
            self._raise_fence(claim.fence)
            polling.fence, polling.lease_end = claim.fence, early + POLL_LEASE
        return claims

    def _claim_polls(self, workspace: str, room: int, *, raced: bool = False) -> list[PollClaim]:
        snapshot = self.run(self.resources.budgets.read(workspace))
        if raced:
            assert self.run(self.resources.budgets.write(workspace, snapshot.budget))
        claims = self.run(
            self.resources.imports.claim(
                workspace, snapshot.budget, Grant(count=9, again_at=0), room=room, lease=POLL_LEASE, now=snapshot.now
            )
        )
        assert (claims is None) == raced
        return claims or []

    @rule(claim=poll_claims, answer=st.sampled_from(ANSWERS), another=poll_claims, to_another=st.sampled_from(ANSWERS))
    def commit_polls(
        self, claim: PollClaim, answer: ImportAnswer | str, another: PollClaim, to_another: ImportAnswer | str
    ) -> None:
        """Commit what may be long after the lease; the second time it is as if the first reply had got lost."""
        now = self.now()
        commits = [PollCommit(claim=claim, update=self._update(claim, answer, now), at=now)]
        if another.workspace == claim.workspace and another.fence != claim.fence:
            commits.append(PollCommit(claim=another, update=self._update(another, to_another, now), at=now))
        expected = [self._is_current(commit.claim) for commit in commits]
        assert self._commit_polls(commits) == expected
        for commit, committed in zip(commits, expected, strict=True):
            if committed:
                self._heard(commit)
        self.unchanged(lambda: self._commit_polls(commits))

    def _update(self, claim: PollClaim, answer: ImportAnswer | str, now: Moment) -> ImportUpdate:
        match answer:
            case "withheld":
                return release_claim(claim)
            case "poisoned":
                return quarantine(claim, now)
            case str():
                raise AssertionError(answer)
        reply = Reply(import_id="imp", answer=answer, allowance=None, at=now)
        return after_poll(claim, reply, self.resources.poll_schedule, jitter=0)

    def _commit_polls(self, commits: list[PollCommit]) -> list[bool]:
        workspace, settle_by = commits[0].claim.workspace, commits[0].at + 10 * SECOND
        return self.run(self.resources.imports.commit(workspace, commits, settle_by=settle_by))

    def _is_current(self, claim: PollClaim) -> bool:
        polling = self.model.polling.get((claim.workspace, claim.import_id))
        return polling is not None and polling.fence == claim.fence

    def _heard(self, commit: PollCommit) -> None:
        place, update = (commit.claim.workspace, commit.claim.import_id), commit.update
        self.model.polling[place].lease_end = 0
        if update.absent is not None:
            self.model.heard.add((place, update.absent.absence.value))
        if update.due is None:
            assert update.reading is not None
            del self.model.polling[place]
            self.model.final.add(place)
            self.model.heard.add((place, str(outcome_of(update.reading))))

    @precondition(lambda self: self.model.polling)
    @rule(workspace=st.sampled_from(["default", "eu"]), answers=st.lists(st.sampled_from(ANSWERS), min_size=2))
    def poll(self, workspace: str, answers: list[ImportAnswer | str]) -> None:
        """Claim and commit without anything in between."""
        for claim, answer in zip(self._lease_polls(workspace, 2), answers, strict=False):
            self.commit_polls(claim, answer, claim, answer)

    @precondition(lambda self: self.model.polling)
    @rule(place=st.sampled_from(PLACES))
    def hasten(self, place: Place) -> None:
        self.run(self.resources.imports.poll_now(*place))

    # What settling does, in its single steps: any of them may come much later than the one before.

    @precondition(lambda self: self.model.heard)
    @rule(target=settlements, place=st.sampled_from(PLACES))
    def conclude(self, place: Place) -> Any:
        return multiple(*self.run(self._concluded(place)))

    async def _concluded(self, place: Place) -> list[Settlement]:
        polled = await self.resources.imports.get(*place)
        now = await self.store.now()
        known = polled.state if polled else ImportState()
        found: list[Settlement] = []
        for watch_id, record in await self.resources.watches.waiting(*place):
            watch = await self.resources.watches.load(watch_id, record)
            assert watch is not None
            if conclusion := conclude(watch, known, now, last_call_made=now >= watch.expires_at + FINAL_POLL_WAIT):
                found.append(settlement_of(watch, conclusion, known, now, lane=self.resources.lane, show_emails=False))
        return found

    @precondition(lambda self: self.model.heard)
    @rule(place=st.sampled_from(PLACES))
    def settle_all(self, place: Place) -> None:
        """Conclude and settle without anything in between."""
        for settlement in self.run(self._concluded(place)):
            self.settle(settlement)

    @rule(settlement=settlements)
    def settle(self, settlement: Settlement) -> None:
        wish = self.model.watches.get(settlement.watch.id)
        watching = wish is not None and wish.state == "watching"
        assert self.run(self.resources.watches.settle(settlement)) == watching
        if watching:
            self.model.settle(settlement.watch.id, settlement.conclusion.outcome.value)
        assert not self.unchanged(lambda: self.run(self.resources.watches.settle(settlement)))

    @precondition(lambda self: self.model.final)
    @precondition(lambda self: any(self.model.waiting(place) for place in self.model.final))
    @rule(place=st.sampled_from(PLACES))
    def strike_off(self, place: Place) -> None:
        """Strike an import off as a sweep does that looked when nobody waited for it."""
        self.run(self.resources.imports.drop_settling(*place))

    @precondition(lambda self: self.model.watches)
    @rule()
    def sweeps(self) -> None:
        before, early = self.snapshot(), self.now()
        self.run(self.sweep.run())
        after, late = self.snapshot(), self.now()
        self._adopt_settled(before, after, early, late)
        self._adopt_forgotten(before, after, early, late)

    @precondition(lambda self: self.model.final)
    @rule()
    def forget_final(self) -> None:
        """Forget final imports alone, as another sweep does that settled before the last watches came."""
        before, early = self.snapshot(), self.now()
        self.run(self.resources.imports.delete_final(reuse=self.resources.settings.reading_reuse, count=9))
        self._adopt_forgotten_imports(before, self.snapshot(), early, self.now())

    def _adopt_settled(self, before: Snapshot, after: Snapshot, early: Moment, late: Moment) -> None:
        """Learn what the sweep has settled: only what has a reason, and everything that is due."""
        resumed = {keys.split_member(member) for member, at in before.index(keys.SETTLING).items() if at <= early}
        looked_at = {watch_id for watch_id, at in before.index(keys.EXPIRING).items() if at <= early}
        for watch_id, wish in list(self.model.watches.items()):
            if wish.state != "watching":
                continue
            record = after.watches[watch_id]
            given_up = watch_id in looked_at and wish.expires_at + FINAL_POLL_WAIT <= early
            assert record["state"] == "settled" or not (wish.place in resumed or given_up)
            if record["state"] == "settled":
                outcome = record["outcome"]
                expired = outcome == "timed_out" and wish.expires_at <= late
                assert expired or (wish.place, outcome) in self.model.heard
                self.model.settle(watch_id, outcome)

    def _adopt_forgotten(self, before: Snapshot, after: Snapshot, early: Moment, late: Moment) -> None:
        """Learn what the sweep has forgotten: all whose time was over, and nothing else."""
        retention = self.resources.settings.bridge_retention
        for id_, at in before.index(keys.ENDED).items():
            gone = id_ not in after.index(keys.ENDED)
            assert gone or at > early - retention
            assert not gone or at <= late - retention
            if gone and id_ in self.model.watches:
                self.model.forget(id_)
            elif gone:
                del self.model.deliveries[id_]
        self._adopt_forgotten_imports(before, after, early, late)

    def _adopt_forgotten_imports(self, before: Snapshot, after: Snapshot, early: Moment, late: Moment) -> None:
        reuse = self.resources.settings.reading_reuse
        for place in list(self.model.final):
            at = int(before.imports[place]["final_at"])
            gone = place not in after.imports
            assert gone or at > early - reuse or self.model.waiting(place)
            assert not gone or (at <= late - reuse and not self.model.waiting(place))
            if gone:
                self.model.final.remove(place)

    # What the deliver shifts of several workers do.

    @precondition(lambda self: len(self.model.deliveries) < len(self.model.watches))
    @precondition(lambda self: self.model.deliveries)
    @rule(data=st.data())
    def redeliver(self, data: st.DataObject) -> None:
        delivery_id = data.draw(st.sampled_from(sorted(self.model.deliveries)))
        delivery = self.model.deliveries[delivery_id]
        watch_id = self.snapshot().deliveries[delivery_id]["watch"]
        found = self.run(self.resources.deliveries.redeliver(delivery_id, watch_id))
        assert found == (delivery.state if delivery.state in {"pending", "skipped"} else "queued")
        if found == "queued":
            delivery.state = "pending"

    @rule(destination=st.sampled_from(DESTINATIONS))
    def owe_a_notice(self, destination: Destination) -> None:
        notice_id = f"dlv_notice{next(self.names)}"
        lane = self.resources.lane(destination)
        self.run(self.resources.deliveries.create_notice(notice_id, destination, lane, "{}"))
        self.model.deliveries[notice_id] = Owed(watch_id="", state="pending")

    @precondition(lambda self: any(delivery.state == "pending" for delivery in self.model.deliveries.values()))
    @rule(target=delivery_claims, room=st.integers(1, 15))
    def claim_deliveries(self, room: int) -> Any:
        return multiple(*self._lease_deliveries(room))

    def _lease_deliveries(self, room: int) -> list[DeliveryClaim]:
        before, early = self.snapshot(), self.now()
        now, _, claims = self.run(self.resources.deliveries.claim(room=room, lease=DELIVERY_LEASE))
        due = [lane for lane, at in before.lanes().items() if at <= early]
        assert len(claims) <= room
        assert claims or not [lane for lane in due if before.held.get(f"rb:lane:{lane}:last") != "failing"]
        for claim in claims:
            delivery = self.model.deliveries[claim.id]
            assert delivery.state == "pending"
            assert delivery.lease_end <= now, "two workers may send one delivery at once"
            self._raise_fence(claim.fence)
            delivery.fence, delivery.lease_end = claim.fence, now + DELIVERY_LEASE
            assert not claim.lane.startswith("slack") or len(self._under_way(claim.lane, before, now)) == 1
        return claims

    def _under_way(self, lane: str, before: Snapshot, now: Moment) -> list[str]:
        return [
            delivery_id
            for delivery_id, delivery in self.model.deliveries.items()
            if delivery.lease_end > now and before.deliveries[delivery_id]["lane"] == lane
        ]

    @rule(claim=delivery_claims, verdict=st.sampled_from(VERDICTS))
    def record(self, claim: DeliveryClaim, verdict: Verdict | str) -> None:
        """Record what may be long after the lease; the second time it is as if the first reply had got lost."""
        delivery = self.model.deliveries.get(claim.id)
        current = delivery is not None and delivery.state == "pending" and delivery.fence == claim.fence
        now = self.now()
        assert self._record(claim, verdict, now) == current
        if delivery is not None and current:
            after = self._after(claim, verdict, now)
            delivery.state, delivery.attempts, delivery.fence, delivery.lease_end = (
                after.state.value,
                after.attempts,
                None,
                0,
            )
        self.unchanged(lambda: self._record(claim, verdict, now))

    def _record(self, claim: DeliveryClaim, verdict: Verdict | str, now: Moment) -> bool:
        deliveries = self.resources.deliveries
        if verdict == "put aside":
            return self.run(deliveries.postpone(claim, now + HOUR, "withheld"))
        after = self._after(claim, verdict, now)
        attempt = Attempt(number=after.attempts, at=now, took=1, status=200, reason=None)
        return self.run(deliveries.commit(after, claim.fence, None if verdict == "outlived" else attempt))

    def _after(self, claim: DeliveryClaim, verdict: Verdict | str, now: Moment) -> Delivery:
        delivery = self.resources.deliveries.decrypt(claim)
        match verdict:
            case "put aside":
                return delivery
            case "outlived":
                return delivery.abandoned_for_age(now)
            case str():
                raise AssertionError(verdict)
        return delivery.after(verdict, now, schedule=self.resources.delivery_schedule, jitter=0)

    @precondition(lambda self: any(delivery.state == "pending" for delivery in self.model.deliveries.values()))
    @rule(verdict=st.sampled_from(VERDICTS), room=st.integers(1, 15))
    def deliver(self, verdict: Verdict | str, room: int) -> None:
        """Claim and record without anything in between."""
        for claim in self._lease_deliveries(room):
            self.record(claim, verdict)

    # How it ends.

    @precondition(lambda self: len(self.model.watches) >= ENOUGH)
    @rule()
    def everything_ends_and_disappears(self) -> None:
        """Let all watches expire, all deliveries be made, and the retention pass: nothing may be left of them."""
        self.store.offset += 30 * DAY
        self.sweeps()
        self.store.offset += MINUTE
        self.sweeps()
        assert not [wish for wish in self.model.watches.values() if wish.state == "watching"]
        self._deliver_all()
        self.store.offset += self.resources.settings.bridge_retention + HOUR
        self.sweeps()
        for name in ("default", "eu"):
            assert self._claim_polls(name, 9) == []
        left = {key for key in self.snapshot().held if not key.endswith((":paced", ":last"))}
        standing = {keys.FENCE, keys.CLOCK, keys.STORE_KEY, keys.SCHEMA_VERSION}
        assert left <= standing | {keys.budget("default"), keys.budget("eu")}
        assert not self.model.watches
        assert not self.model.deliveries

    def _deliver_all(self) -> None:
        for _ in range(2 * len(self.model.deliveries) + 2):
            self.store.offset += HOUR
            for claim in self._lease_deliveries(15):
                self.record(claim, Accepted())
        assert not [delivery for delivery in self.model.deliveries.values() if delivery.state == "pending"]

    # Small things.

    def snapshot(self) -> Snapshot:
        return self.run(take_snapshot(self.store))

    def now(self) -> Moment:
        return self.run(self.store.now())

    def unchanged(self, step: Callable[[], T]) -> T:
        """Run a step that must change nothing."""
        before = self.snapshot()
        result = step()
        assert self.snapshot().held == before.held
        return result

    def _raise_fence(self, fence: int) -> None:
        assert fence > self.fence, "a fence was given out twice"
        self.fence = fence


@contextmanager
def stage(redis_url: str) -> Iterator[Stage]:
    known = settings_of(redis_url, "http://sandbox.invalid", workspace("eu", "key"))
    with asyncio.Runner() as runner:
        opened = open_resources(known)
        resources = runner.run(opened.__aenter__())
        try:
            freeze_clock(resources.store)
            yield Stage(runner=runner, resources=resources)
        finally:
            runner.run(opened.__aexit__(None, None, None))


def run_machine(redis_url: str, *, seeded: int | None, examples: int, steps: int) -> None:
    profile = settings(
        max_examples=examples,
        stateful_step_count=steps,
        derandomize=seeded is None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    with stage(redis_url) as known:

        class Machine(StoreMachine):
            def __init__(self) -> None:
                super().__init__(known)

        machine = Machine if seeded is None else seed(seeded)(Machine)
        run_state_machine_as_test(machine, settings=profile)


def test_no_order_of_steps_breaks_a_promise(redis_url: str) -> None:
    run_machine(redis_url, seeded=None, examples=20, steps=40)


@pytest.mark.slow
def test_no_order_of_very_many_steps_breaks_a_promise(redis_url: str) -> None:
    """The same orders each time, so that CI tells of the change and not of luck; STORE_MACHINE_SEED tries others."""
    run_machine(redis_url, seeded=int(os.environ.get("STORE_MACHINE_SEED", "7")), examples=600, steps=60)
