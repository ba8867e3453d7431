"""The problems that the operator is told of, and what is known of failing receivers."""

from collections.abc import Mapping

from bridge.domain.notices.problems import FailingReceiver, KnownProblem, Problem, ProblemKind
from bridge.domain.times import Span
from bridge.store import codec, keys
from bridge.store.connection import Store


class Problems:
    """The problems in Redis."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def take_turn(self, name: str, every: Span) -> bool:
        """Return True for one process of the fleet in each period."""
        return bool(await self._store.call("SET", keys.turn(name), 1, "NX", "PX", every))

    async def known(self) -> Mapping[str, KnownProblem]:
        """Return the known problems by their keys."""
        found = await self._store.call("HGETALL", keys.PROBLEMS)
        return {key: _load(codec.load(text)) for key, text in found.items()}

    async def add(self, problem: Problem) -> bool:
        """Store a problem that was not seen before. Return False if it was."""
        return bool(await self._store.call("HSETNX", keys.PROBLEMS, problem.key, _dump(problem, told=False)))

    async def mark_told(self, problem: Problem) -> None:
        await self._store.call("HSET", keys.PROBLEMS, problem.key, _dump(problem, told=True))

    async def remove(self, problem: Problem) -> bool:
        """Remove a problem that has ended. Return False if it was removed before."""
        return bool(await self._store.call("HDEL", keys.PROBLEMS, problem.key))

    async def failing_receivers(self) -> list[FailingReceiver]:
        """Return the receivers whose last attempt failed, and that have a message waiting."""
        found = await self._store.call("HGETALL", keys.RECEIVERS_FAILING)
        return [_receiver(lane, *text.split(" ")) for lane, text in found.items()]


def _receiver(lane: str, since: str, failures: str, delivery_id: str) -> FailingReceiver:
    return FailingReceiver(lane=lane, since=int(since), failures=int(failures), delivery_id=delivery_id)


def _dump(problem: Problem, *, told: bool) -> str:
    return codec.dump(
        {
            "kind": problem.kind.value,
            "subject": problem.subject,
            "since": problem.since,
            "facts": dict(problem.facts),
            "told": told,
        }
    )


def _load(stored: Mapping[str, object]) -> KnownProblem:
    fields = dict(stored)
    told = bool(fields.pop("told"))
    return KnownProblem(problem=Problem(**{**fields, "kind": ProblemKind(str(fields["kind"]))}), told=told)  # type: ignore[arg-type] # as dumped
