"""Pushes, polls and misses in any order, on a real Redis: no push is lost, and the counts are those of the model."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from bridge.domain.imports import Read, Reply
from bridge.domain.polling.poll_intervals import PollIntervals
from bridge.domain.polling.poll_results import PollClaim, after_poll
from bridge.domain.rules.push_proof import STRETCHES, PushProof
from bridge.domain.rules.pushes import CSV_FINISHED, Push
from bridge.domain.secret import Secret
from bridge.domain.times import MINUTE, SECOND, Moment
from bridge.store import keys, poll_scores
from bridge.store.calls.connection import Store, connect
from tests.support.frozen_clock import START, freeze_clock
from tests.support.push_model import PushModel
from tests.support.samples import READING
from tests.support.store_parts import LEASE, StoreParts

T = TypeVar("T")
SCHEDULE = PollIntervals(floor=3 * SECOND, ceiling=MINUTE, growth=1.0)
TYPES = ("CSV", "API")
PROVEN = PushProof(streak=3, matches=3, last_match=START, proven=True)
PUSH = Push(
    message_id="",
    event=CSV_FINISHED,
    workspace="default",
    import_id="",
    status="COMPLETED",
    failed_record_count=0,
    updated_at=None,
)


@dataclass
class Open:
    """The model of an import that is polled."""

    claim: PollClaim | None = None
    lease_end: Moment = 0
    polls: int = 0
    read_open: bool = False
    pushed_at: Moment | None = None
    pushed_polls: int = 0
    unseen_push: bool = False
    """Whether no poll has begun since the last push."""


class PushMachine(RuleBasedStateMachine):
    """One worker that polls, and Rally that pushes; both may stop for a while at any moment."""

    runner: asyncio.Runner
    store: Store

    def __init__(self) -> None:
        super().__init__()
        self.store.offset = START
        self.parts = StoreParts(self.store)
        self.model = PushModel(proofs={"CSV": PROVEN})
        self.open: dict[str, Open] = {}
        self.ended: list[str] = []
        self.number = 0
        self.run(self.store.call("FLUSHALL"))
        stored = {"streak": 3, "matches": 3, "last_match": START, "proven": 1}
        fields = [part for name, value in stored.items() for part in (f"{name}:CSV", value)]
        self.run(self.store.call("HSET", keys.push_proof("default"), *fields))

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(coroutine)

    @property
    def now(self) -> Moment:
        return self.store.offset

    def _next(self) -> int:
        self.number += 1
        return self.number

    @rule(type_=st.sampled_from(TYPES))
    def watch(self, type_: str) -> None:
        if len(self.open) < 4:
            import_id = f"{type_}-{self._next()}"
            self.run(self.parts.accept(f"wat_{import_id}", import_id=import_id))
            self.open[import_id] = Open()

    @rule()
    def claim(self) -> None:
        for claim in self.run(self.parts.claim()):
            import_ = self.open[claim.import_id]
            assert import_.lease_end <= self.now
            assert claim.pushed_at == import_.pushed_at
            import_.claim, import_.lease_end, import_.unseen_push = claim, self.now + LEASE, False

    @rule(data=st.data(), final=st.booleans())
    def commit(self, data: st.DataObject, final: bool) -> None:  # noqa: FBT001 - Hypothesis draws it
        claimed = [import_id for import_id, import_ in self.open.items() if import_.claim is not None]
        if not claimed:
            return
        import_id = data.draw(st.sampled_from(claimed))
        import_ = self.open[import_id]
        assert import_.claim is not None
        type_ = import_id.split("-")[0]
        reading = replace(READING, import_id=import_id, type=type_, status="COMPLETED" if final else "UPLOADING")
        reply = Reply(import_id=import_id, answer=Read(reading), allowance=None, at=self.now)
        assert self.run(self.parts.commit(import_.claim, after_poll(import_.claim, reply, SCHEDULE, jitter=0)))
        if final:
            self._end(import_id, type_)
        else:
            import_.claim, import_.lease_end, import_.read_open = None, 0, True
            import_.polls += 1

    def _end(self, import_id: str, type_: str) -> None:
        import_ = self.open.pop(import_id)
        self.ended.append(import_id)
        if import_.read_open:
            first_since = import_.pushed_at is not None and import_.polls <= import_.pushed_polls
            self.model.end(import_id, type_, self.now, pushed_at=import_.pushed_at, first_since=first_since)

    @rule(data=st.data(), failed_before=st.sampled_from([0, 0, 0, 0, 1, 2]))
    def push(self, data: st.DataObject, failed_before: int) -> None:
        import_id = data.draw(st.sampled_from([*self.open, *self.ended[-3:], "unknown"]))
        message = replace(PUSH, message_id=f"msg_{self._next()}", import_id=import_id)
        recorded = self.parts.pushes.record(message, for_rules=False, first_kept=1, failed_before=failed_before)
        self.run(recorded)
        self.model.push(import_id, self.now, failed_before=failed_before)
        if import_ := self.open.get(import_id):
            import_.pushed_at, import_.unseen_push = self.now, True
            import_.pushed_polls = import_.polls + (import_.lease_end > self.now)

    @rule(span=st.sampled_from([SECOND, 4 * SECOND, LEASE, 50 * SECOND, 65 * SECOND, 2 * MINUTE]))
    def wait(self, span: int) -> None:
        self.store.offset += span

    @rule()
    def sweep(self) -> None:
        self.run(self.parts.push_proofs.count_misses("default"))
        self.model.sweep(self.now)

    @rule(number=st.sampled_from([1, 2]))
    def fail_to_take_pushes(self, number: int) -> None:
        self.push(_Drawn("unknown"), number)

    @rule(type_=st.sampled_from(TYPES), pushed=st.booleans())
    def end_one(self, type_: str, pushed: bool) -> None:  # noqa: FBT001 - Hypothesis draws it
        """Let an import be read unfinished and then final, with a push in between or without one."""
        self.watch(type_)
        self.claim()
        if import_id := next((each for each, import_ in self.open.items() if import_.claim is not None), None):
            self.commit(_Drawn(import_id), final=False)
            if pushed:
                self.push(_Drawn(import_id), 0)
            self.wait(5 * MINUTE)
            self.claim()
            self.commit(_Drawn(import_id), final=True)

    @invariant()
    def counts_match_the_model(self) -> None:
        assert self.run(self.parts.push_proofs.get("default")) == self.model.proofs

    @invariant()
    def no_push_is_lost(self) -> None:
        for import_id, import_ in self.open.items():
            if import_.unseen_push:
                score = self.run(self.store.call("ZSCORE", keys.imports_due("default"), import_id))
                assert poll_scores.moment(score) <= max(self.now, import_.lease_end)

    @invariant()
    def nothing_is_put_off_after_a_miss(self) -> None:
        for type_ in TYPES:
            if self.model.proof(type_).streak < STRETCHES[-1].streak:
                assert not self.run(self.store.call("EXISTS", keys.imports_stretched_prefix("default") + type_))


class _Drawn:
    """What a rule draws when another rule calls it."""

    def __init__(self, value: str) -> None:
        self._value = value

    def draw(self, _: Any) -> str:
        return self._value


def run_machine(redis_url: str, *, examples: int, steps: int) -> None:
    with asyncio.Runner() as runner:

        async def opened() -> Store:
            return Store(connect(Secret(redis_url)))

        PushMachine.runner, PushMachine.store = runner, runner.run(opened())
        freeze_clock(PushMachine.store)
        profile = settings(
            max_examples=examples,
            stateful_step_count=steps,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        run_state_machine_as_test(PushMachine, settings=profile)
        runner.run(PushMachine.store.redis.aclose())


def test_no_order_of_pushes_and_polls_loses_a_push_or_miscounts(redis_url: str) -> None:
    run_machine(redis_url, examples=10, steps=40)


@pytest.mark.slow
def test_no_order_of_very_many_pushes_and_polls_loses_a_push_or_miscounts(redis_url: str) -> None:
    run_machine(redis_url, examples=400, steps=60)
