"""How much Redis holds of each kind now: open watches, deliveries by state, overdue work; for the metrics.

Each count costs Redis O(log n).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bridge.domain.delivery.deliveries import DeliveryState
from bridge.domain.polling.budget import Budget
from bridge.domain.rules.rules import RuleResult
from bridge.domain.times import MINUTE, Moment, Span
from bridge.domain.watches import WatchState
from bridge.redis.errors import translated
from bridge.store import keys, poll_scores
from bridge.store.calls.connection import Store
from bridge.store.imports.budgets import Budgets
from bridge.store.poll_scores import TIERS
from bridge.store.pushes.push_health import PushHealth, read_push_health
from bridge.store.pushes.push_proofs import PushProofs
from bridge.store.pushes.pushes import Pushes
from bridge.store.pushes.rule_counts import RuleCounts

OVERDUE_AFTER: Span = MINUTE
"""How long after its due time work counts as overdue: well beyond a lease, a pause or a cron period."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceCounts:
    """A workspace's polled imports, the overdue ones, and its budget."""

    polled: int
    overdue: int
    budget: Budget
    now: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreCounts:
    """The counts at one moment."""

    watching: int
    settling: int
    deliveries: Mapping[DeliveryState, int]
    lanes_overdue: int
    rules_overdue: Mapping[str, int]
    """The work for rules that is overdue, by kind."""
    rule_results: Mapping[str, Mapping[RuleResult, int]]
    """What became of the pushes that each rule covers."""
    workspaces: Mapping[str, WorkspaceCounts]
    pushes: Mapping[str, PushHealth]
    now: Moment


async def read_counts(
    store: Store,
    budgets: Budgets,
    pushes: Pushes,
    proofs: PushProofs,
    workspaces: Sequence[str],
    *,
    rules: Sequence[str] = (),
) -> StoreCounts:
    """Return all counts. Raises StoreUnavailable."""
    health = await read_push_health(pushes, proofs, workspaces)
    snapshots = {workspace: await budgets.read(workspace) for workspace in workspaces}
    now = await store.now()
    async with translated(), store.redis.pipeline(transaction=False) as pipe:
        pipe.zcard(keys.watches_in(WatchState.WATCHING))
        pipe.zcard(keys.SETTLING)
        for state in DeliveryState:
            pipe.zcard(keys.deliveries_in(state))
        for workspace in workspaces:
            pipe.zcard(keys.imports_due(workspace))
            for overdue in _overdue_scores(now):
                pipe.zcount(keys.imports_due(workspace), *overdue)
        watching, settling, *counts = await pipe.execute()
    deliveries = dict(zip(DeliveryState, counts, strict=False))
    polls = counts[len(DeliveryState) :]
    polled, overdue_by_tier = polls[:: 1 + TIERS], [polls[1 + tier :: 1 + TIERS] for tier in range(TIERS)]
    return StoreCounts(
        watching=watching,
        settling=settling,
        deliveries=deliveries,
        lanes_overdue=await _lanes_overdue(store, now),
        rules_overdue=await _rules_overdue(store, now),
        rule_results={rule: await RuleCounts(store).of(rule) for rule in rules},
        workspaces={
            workspace: WorkspaceCounts(
                polled=polled,
                overdue=sum(overdue),
                budget=snapshots[workspace].budget,
                now=snapshots[workspace].now,
            )
            for workspace, polled, *overdue in zip(workspaces, polled, *overdue_by_tier, strict=True)
        },
        pushes=health,
        now=now,
    )


async def overdue_imports(store: Store, workspace: str, now: Moment) -> int:
    """Return how many imports of a workspace are polled too late. Raises StoreUnavailable."""
    async with translated(), store.redis.pipeline(transaction=False) as pipe:
        for overdue in _overdue_scores(now):
            pipe.zcount(keys.imports_due(workspace), *overdue)
        return sum(await pipe.execute())


def _overdue_scores(now: Moment) -> list[tuple[int, int]]:
    """Return the first and last score of overdue imports, for each tier."""
    return [(poll_scores.score(tier, 0), poll_scores.score(tier, now - OVERDUE_AFTER)) for tier in range(TIERS)]


_OF_RULES: Mapping[str, Sequence[str]] = {
    "push": (keys.PUSHES_DUE,),
    "held": (keys.HELD,),
    "digest": (keys.DIGESTS_DUE, keys.DIGESTS_CLOSED),
    "summary": (keys.SUMMARIES_DUE, keys.SUMMARIES_CLOSED),
}
"""The due sets of the work for rules, by kind."""


async def _rules_overdue(store: Store, now: Moment) -> dict[str, int]:
    async with translated(), store.redis.pipeline(transaction=False) as pipe:
        for due_sets in _OF_RULES.values():
            for due_set in due_sets:
                pipe.zcount(due_set, "-inf", now - OVERDUE_AFTER)
        found = iter(await pipe.execute())
    return {kind: sum(next(found) for _ in due_sets) for kind, due_sets in _OF_RULES.items()}


async def _lanes_overdue(store: Store, now: Moment) -> int:
    """Return the number of lanes, healthy and doubtful, whose next claim is overdue."""
    clients = await store.call("ZRANGE", keys.LANES_DOUBTFUL, 0, -1)
    async with translated(), store.redis.pipeline(transaction=False) as pipe:
        for queue in (keys.LANES, *map(keys.doubtful_lanes, clients)):
            pipe.zcount(queue, "-inf", now - OVERDUE_AFTER)
        return sum(await pipe.execute())
