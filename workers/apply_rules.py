"""The rules shift: apply the rules to each push, by watches of the imports whose end they may tell."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

import structlog

from bridge.domain.rules.pushes import Push, QueuedPush
from bridge.domain.rules.rule_decisions import NotCovered, NotWanted, Replayed, Stale, Wanted, on_push
from bridge.domain.rules.rules import Rule, RuleResult
from bridge.domain.times import MINUTE, SECOND, Span
from bridge.errors import StoreUnavailable
from bridge.resources import Resources
from bridge.store.watches.acceptance_call import Acceptance, AcceptedWatch
from workers.precedence import Precedence
from workers.rule_watches import watch_of

ROOM = 50
"""The number of pushes that a worker applies the rules to at once."""
LEASE: Span = 30 * SECOND
SET_ASIDE: Span = 4 * MINUTE
"""How long a push is set aside after an unexpected error of ours."""

log = structlog.get_logger()


class Applied(Enum):
    """How the rules were applied to a push."""

    YES = auto()
    INTERRUPTED = auto()
    """The store was unavailable: they are applied again at once."""
    FAILED = auto()
    """Our own code failed: the push is set aside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesResult:
    """A push, and how the rules were applied to it."""

    queued: QueuedPush
    applied: Applied


class RulesWork:
    """The steps of a rules shift. Each may be repeated: the ids of watches are derived from import and rule."""

    name = "rules"
    room = ROOM

    def __init__(
        self,
        resources: Resources,
        *,
        on_watched: Callable[[str], None],
        on_final: Callable[[str, str], None],
    ) -> None:
        """`on_watched` is called with the workspace of an import to poll.

        `on_final` is called with workspace and id of an import that was polled to its end already.
        """
        self._resources = resources
        self._precedence = Precedence(resources)
        self._on_watched = on_watched
        self._on_final = on_final

    async def claim(self, room: int) -> tuple[Sequence[QueuedPush], float | None]:
        claimed = await self._resources.pushes.claim(room, LEASE)
        return claimed, 0.0 if len(claimed) == room else None

    async def act(self, claim: QueuedPush) -> RulesResult:
        try:
            for rule in self._in_order(claim):
                if (result := await self._apply(rule, claim)) is not None:
                    await self._resources.rule_counts.count(rule.name, result)
        except StoreUnavailable:
            return RulesResult(queued=claim, applied=Applied.INTERRUPTED)
        return RulesResult(queued=claim, applied=Applied.YES)

    def set_aside(self, claim: QueuedPush, error: Exception) -> RulesResult:
        del error  # the shift has logged it
        return RulesResult(queued=claim, applied=Applied.FAILED)

    async def commit(self, results: Sequence[RulesResult]) -> None:
        for result in results:
            match result.applied:
                case Applied.YES:
                    await self._resources.pushes.done(result.queued.push)
                case Applied.INTERRUPTED:
                    await self._resources.pushes.postpone(result.queued.push, 0)
                case Applied.FAILED:
                    until = await self._resources.store.now() + SET_ASIDE
                    await self._resources.pushes.postpone(result.queued.push, until)

    def _in_order(self, queued: QueuedPush) -> Sequence[Rule]:
        """Return the rules that decide about a push, those first that summarize it: no watch tells the same again.

        There are none if the workspace is not configured any more, or if the import was first pushed so long ago that
        its watch may be deleted.
        """
        settings = self._resources.settings
        may_be_deleted = queued.at - queued.first_at >= settings.bridge_retention
        if may_be_deleted or queued.push.workspace not in self._resources.rally:
            return ()
        return sorted(settings.rules, key=lambda rule: not isinstance(on_push(rule, queued), Stale))

    async def _apply(self, rule: Rule, queued: QueuedPush) -> RuleResult | None:
        """Do what a rule decides about a push; None if it does not cover the push, or has seen its import before."""
        match on_push(rule, queued):
            case NotCovered() | Replayed():
                return None
            case NotWanted():
                return RuleResult.NOT_WANTED
            case Stale() if queued.push.is_test:
                return RuleResult.TEST
            case Stale():
                return await self._summarize(rule, queued.push)
            case Wanted():
                return await self._watch(rule, queued)

    async def _summarize(self, rule: Rule, push: Push) -> RuleResult | None:
        """Add an import to the rule's summary for each destination that neither a summary nor a watch has told."""
        told = await self._precedence.told(push.workspace, push.import_id)
        left = [each for each in rule.notify if self._resources.receiver(each) not in told]
        receivers = list(dict.fromkeys(map(self._resources.receiver_key, left)))
        added = await self._resources.summaries.add(
            rule.name, receivers, push.workspace, push.import_id, problem=push.says_problem
        )
        return RuleResult.STALE if added else None

    async def _watch(self, rule: Rule, queued: QueuedPush) -> RuleResult | None:
        workspace, import_id = queued.push.workspace, queued.push.import_id
        settings, new = self._resources.settings, watch_of(rule, queued)
        accepted = await self._resources.watches.accept(
            replace(new, living=self._resources.living_places(new.notify)),
            grace=settings.not_found_grace,
            reuse=settings.reading_reuse,
        )
        assert isinstance(accepted, AcceptedWatch)  # noqa: S101 - without a key and without a limit
        match accepted.acceptance:
            case Acceptance.NEW:
                await self._resources.imports.mark_pushed(workspace, import_id)
                self._on_watched(workspace)
            case Acceptance.JOINED:
                self._on_watched(workspace)
            case Acceptance.FINAL:
                self._on_final(workspace, import_id)
            case Acceptance.KNOWN | Acceptance.REPLAYED:
                await self._resources.imports.mark_pushed(workspace, import_id)  # perhaps a crash came before it
                return None
        log.info("watch.accepted", watch_id=accepted.watch.id, client=rule.client, import_id=import_id)
        return RuleResult.WATCHED
