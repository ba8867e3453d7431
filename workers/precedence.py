"""Whether an explicit watch of the same import takes precedence over a rule's delivery."""

from bridge.domain.clients import is_rule
from bridge.domain.delivery.deliveries import Delivery
from bridge.domain.nudges import wants_nudges
from bridge.domain.rules.precedence import TOLD_BY, Decision, ExplicitDestination, ExplicitWatch, Release, decide
from bridge.domain.rules.rule_decisions import END_OUTCOMES
from bridge.domain.watches import Watch, WatchState
from bridge.resources import Resources

MOST_WATCHES = 200
"""The number of watches of one import that are looked at, the newest first."""


class Precedence:
    """Decides about precedence, by the explicit watches of the import, which it reads from the store."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    async def decide(self, delivery: Delivery, watch: Watch) -> Decision:
        """Return what happens to a rule's delivery; `watch` is its own."""
        if watch.outcome is None:
            return Release()
        beside = await self._explicit_watches(watch.workspace, watch.import_id)
        explicit = [await self._explicit(each) for each in beside]
        return decide(self._resources.receiver(delivery.destination), watch.outcome, explicit)

    async def told(self, workspace: str, import_id: str) -> set[str]:
        """Return the receivers that explicit watches have told how an import ended, or are about to tell."""
        watches = await self._explicit_watches(workspace, import_id)
        explicit = [await self._explicit(each) for each in watches if each.outcome in END_OUTCOMES]
        return {each.receiver for watch in explicit for each in watch.destinations if each.state in TOLD_BY}

    async def nudging(self, workspace: str, import_id: str) -> set[str]:
        """Return the receivers that open explicit watches of an import nudge."""
        watches = await self._explicit_watches(workspace, import_id)
        nudging = [each for each in watches if each.state is WatchState.WATCHING and each.nudge_after is not None]
        return {self._resources.receiver(each) for watch in nudging for each in watch.notify if wants_nudges(each.on)}

    async def _explicit_watches(self, workspace: str, import_id: str) -> list[Watch]:
        ids, _ = await self._resources.indexes.watches_about(
            import_id, client=None, state=None, outcome=None, below=None, limit=MOST_WATCHES
        )
        found = await self._resources.watches.many(ids)
        return [each for each in found if each.workspace == workspace and not is_rule(each.client)]

    async def _explicit(self, watch: Watch) -> ExplicitWatch:
        if watch.deliveries:
            deliveries = await self._resources.deliveries.many(watch.deliveries)
            destinations = [
                ExplicitDestination(
                    receiver=self._resources.receiver(each.destination),
                    on=each.destination.on,
                    delivery_id=each.id,
                    state=each.state,
                )
                for each in deliveries
            ]
        else:
            destinations = [
                ExplicitDestination(receiver=self._resources.receiver(each), on=each.on) for each in watch.notify
            ]
        return ExplicitWatch(id=watch.id, state=watch.state, outcome=watch.outcome, destinations=destinations)
