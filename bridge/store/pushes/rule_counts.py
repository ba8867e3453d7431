"""Counts of what became of the pushes that each rule covers."""

from bridge.domain.rules.rules import RuleResult
from bridge.store import keys
from bridge.store.calls.connection import Store


class RuleCounts:
    """The counts in Redis. One may be missing or be counted twice after a crash."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def count(self, rule: str, result: RuleResult) -> None:
        await self._store.call("HINCRBY", keys.rule_counts(rule), result.value, 1)

    async def of(self, rule: str) -> dict[RuleResult, int]:
        """Return the counts of a rule since its first push."""
        found = await self._store.call("HGETALL", keys.rule_counts(rule))
        return {RuleResult(result): int(count) for result, count in found.items()}
