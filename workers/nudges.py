"""The nudge shift: check watches that run for long, and tell Slack once.

A nudge is no delivery: it is never repeated.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import structlog

from bridge.destinations.descriptions import describe
from bridge.destinations.egress.client_permissions import may_use
from bridge.destinations.sending import send
from bridge.destinations.slack.buttons import stop_button, with_buttons
from bridge.destinations.slack.nudge import render
from bridge.domain.clients import is_rule, slack_user_of
from bridge.domain.delivery.verdicts import Accepted
from bridge.domain.destinations import Callback, Destination, NamedDestination, ResolvedDestination, SlackChannel
from bridge.domain.import_state import ImportState
from bridge.domain.living.living_message import Phase
from bridge.domain.nudges import Check, Nudge, NudgeState, check, wants_nudges
from bridge.domain.polling.quarantine import QUARANTINE
from bridge.domain.polling.workspace_trouble import effective_state
from bridge.domain.times import MINUTE, SECOND, Moment, Span
from bridge.domain.watches import Watch
from bridge.errors import DecryptionFailed
from bridge.ids import new_id
from bridge.resources import Resources
from workers.precedence import Precedence

ROOM = 20
"""The number of watches that a worker checks at once."""
LEASE: Span = MINUTE
TRIES = 3
"""How often a nudge asks for a place in the lane of its destination, before it is dropped."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class NudgeClaim:
    """A watch that was claimed for a check at `at`."""

    watch_id: str
    at: Moment


class NudgeWork:
    """The steps of a nudge shift. A check stores what it has found before it sends anything."""

    name = "nudges"
    room = ROOM

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._precedence = Precedence(resources)

    async def claim(self, room: int) -> tuple[Sequence[NudgeClaim], float | None]:
        now, next_due, ids = await self._resources.nudges.claim(room, LEASE)
        pause = None if next_due is None else max(0.0, (next_due - now) / SECOND)
        return [NudgeClaim(watch_id=each, at=now) for each in ids], pause

    async def act(self, claim: NudgeClaim) -> NudgeClaim | None:
        """Check a watch and send the nudge that it needs. Return None: nothing is left to commit."""
        try:
            watch = await self._resources.watches.get(claim.watch_id)
        except DecryptionFailed:
            watch = None
        if watch is None:
            await self._resources.nudges.forget(claim.watch_id)
            return None
        before = await self._resources.nudges.state(watch)
        found = await self._check(watch, before.state, claim.at)
        if await self._resources.nudges.note(watch, before, found.after, found.again_at) and found.nudge:
            nudge = replace(found.nudge, link=self._resources.link_to(watch.workspace, watch.import_id))
            await asyncio.gather(*(self._tell(nudge, watch, *each) for each in await self._destinations(watch)))
        return None

    def set_aside(self, claim: NudgeClaim, error: Exception) -> NudgeClaim | None:
        del error  # the shift has logged it
        return claim

    async def commit(self, results: Sequence[NudgeClaim | None]) -> None:
        """Check watches later on which our own code has failed."""
        for claim in results:
            if claim is not None:
                await self._resources.nudges.postpone(claim.watch_id, claim.at + QUARANTINE)

    async def _check(self, watch: Watch, before: NudgeState, now: Moment) -> Check:
        record = await self._resources.imports.get(watch.workspace, watch.import_id)
        budget = await self._resources.budgets.get(watch.workspace)
        state = effective_state(budget, ImportState() if record is None else record.state)
        usual = None
        if state.reading is not None:
            usual = await self._resources.past_ends.usual_of_size(watch.workspace, state.reading)
        return check(watch, before, state, now, usual=usual)

    async def _destinations(self, watch: Watch) -> Sequence[tuple[Destination, ResolvedDestination]]:
        """Return the destinations in Slack that are nudged, as the watch has them and as they are resolved now.

        Those that a client's watch of the import nudges are left to that one by the watch of a rule.
        """
        others = await self._precedence.nudging(watch.workspace, watch.import_id) if is_rule(watch.client) else set()
        return [each for each in self._resolved(watch) if self._resources.receiver(each[0]) not in others]

    def _resolved(self, watch: Watch) -> Iterator[tuple[Destination, ResolvedDestination]]:
        for each in watch.notify:
            resolved = self._resources.named.get(each.name) if isinstance(each, NamedDestination) else each
            if resolved is not None and not isinstance(resolved, Callback) and wants_nudges(each.on):
                yield each, resolved

    async def _tell(self, nudge: Nudge, watch: Watch, destination: Destination, resolved: ResolvedDestination) -> None:
        facts = {"watch_id": watch.id, "kind": nudge.kind.value, "destination": describe(destination)}
        if await self._is_in_living_message(watch, destination):
            log.info("nudge.shown", **facts)
            return
        if not await self._place_in_lane(self._resources.lane(destination)):
            log.warning("nudge.dropped", **facts, reason="the destination is busy or paused")
            return
        result = await send(
            resolved,
            self._with_button(render(nudge), watch, destination),
            message_id=new_id("ntf_"),
            client=watch.client,
            now=lambda: nudge.at,
            named=self._resources.named,
            sender=self._resources.sender,
            egress=self._resources.egress,
        )
        if isinstance(result.verdict, Accepted):
            log.info("nudge.sent", **facts)
        else:
            log.warning("nudge.dropped", **facts, reason=result.verdict.reason)

    async def _is_in_living_message(self, watch: Watch, destination: Destination) -> bool:
        """Return whether a living message at the destination will say with its next edit what the nudge would say."""
        living = await self._resources.living.of_watch(watch.id, self._resources.receiver_key(destination))
        return living is not None and living.phase is Phase.SHOWN

    async def _place_in_lane(self, lane: str) -> bool:
        for _ in range(TRIES):
            wait = await self._resources.lanes.reserve(lane)
            if wait == 0:
                return True
            await asyncio.sleep(min(wait, SECOND) / SECOND)
        return False

    def _with_button(self, body: str, watch: Watch, destination: Destination) -> str:
        """Return the message with a button that ends the watch, if it was made in Slack."""
        team = self._resources.settings.slack_client
        if team is None or not isinstance(destination, SlackChannel) or slack_user_of(watch.client) is None:
            return body
        return with_buttons(body, stop_button(watch.id)) if may_use(team.permissions, destination) else body
