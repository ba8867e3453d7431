"""The buttons of messages about ends: only those that do something there.

"Send again" depends on what becomes of the other deliveries, so it is added and removed by edits. These are best
effort, like those of living messages, and share their limits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from time import monotonic

import structlog

from bridge.destinations.egress.client_permissions import may_use
from bridge.destinations.slack.buttons import failed_records_button, send_again_button, with_buttons
from bridge.destinations.slack.message_edits import judge_edit, prepare_edit
from bridge.destinations.slack.send_again import place_on_button, resendable
from bridge.domain.clients import Client
from bridge.domain.delivery.deliveries import Delivery
from bridge.domain.delivery.posted_messages import PostedMessage
from bridge.domain.destinations import Destination, SlackChannel
from bridge.domain.living.edit_results import Edited, EditResult, Postponed
from bridge.domain.polling.quarantine import QUARANTINE
from bridge.domain.times import MINUTE, SECOND, Moment, Span
from bridge.errors import DecryptionFailed
from bridge.resources import Resources

LEASE: Span = MINUTE
ROOM = 1
"""The number of watches that a worker looks at at once: the pace of edits allows no more."""
STARTS_WITHIN = 5.0
"""Seconds after the claim in which an edit may start; a later one might outlast the lease."""
AGAIN_AFTER: Span = MINUTE
TRIES = 3
"""How often an edit is tried."""

log = structlog.get_logger()


def with_records_button(
    body: str, watch_id: str, destination: Destination, *, readable: bool, team: Client | None
) -> str:
    """Return a rendered message with the button for failed records.

    `readable`: there are failed records, and people who may read them. `team` is the Slack workspace whose people may
    use buttons, in the channels that are open to it.
    """
    has_button = readable and team is not None and _has_buttons(destination, team)
    return with_buttons(body, failed_records_button(watch_id)) if has_button else body


def _has_buttons(destination: Destination, team: Client) -> bool:
    return isinstance(destination, SlackChannel) and may_use(team.permissions, destination)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A watch that was claimed to look at the buttons of its messages."""

    watch_id: str
    now: Moment
    start_by: float
    """Until when (monotonic seconds) an edit may start."""

    @property
    def leased_until(self) -> Moment:
        return self.now + LEASE


@dataclass(frozen=True, slots=True, kw_only=True)
class LookResult:
    """When a claimed watch is looked at again; None if nothing is left to be edited."""

    look: Look
    again_at: Moment | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An edit that a message needs: its body, and the digest of the button that it then has."""

    delivery: Delivery
    posted: PostedMessage
    body: str
    button: str


class EndButtonsWork:
    """The steps of the shift."""

    name = "end_buttons"
    room = ROOM

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    async def claim(self, room: int) -> tuple[Sequence[Look], float | None]:
        """Claim the watch that has waited longest; none while no edit is allowed, as each would have to wait."""
        if wait := await self._resources.end_buttons.edit_wait():
            return [], wait / SECOND
        start_by = monotonic() + STARTS_WITHIN
        now, next_due, ids = await self._resources.end_buttons.claim(room, LEASE)
        pause = None if next_due is None else max(0.0, (next_due - now) / SECOND)
        return [Look(watch_id=each, now=now, start_by=start_by) for each in ids], pause

    async def act(self, look: Look) -> LookResult:
        """Edit the messages of a watch whose button is not the right one; look again if one could not be edited now."""
        again = [await self._edit(look, each) for each in await self._wanted(look.watch_id)]
        return LookResult(look=look, again_at=min((each for each in again if each is not None), default=None))

    async def _wanted(self, watch_id: str) -> Sequence[Wanted]:
        """Return the edits that the messages of a watch need."""
        team = self._resources.settings.slack_client
        try:
            watch = await self._resources.watches.get(watch_id)
        except DecryptionFailed:
            return []
        if watch is None or team is None or self._resources.sender.slack_bot is None:
            return []
        return wanted_edits(watch_id, await self._resources.deliveries.many(watch.deliveries), team)

    async def _edit(self, look: Look, wanted: Wanted) -> Moment | None:
        """Edit a message. Return when to try again; None if it was edited, or is left as it is."""
        bot = self._resources.sender.slack_bot
        assert bot is not None  # noqa: S101 - without one, no edit is wanted
        if wait := await self._resources.end_buttons.reserve_edit():
            return look.now + wait
        if monotonic() >= look.start_by:
            return look.now
        request = prepare_edit(wanted.posted, wanted.body, bot, plain=False)
        result = judge_edit(await self._resources.egress.send(request), look.now)
        return await self._note(look, wanted.delivery, wanted.button, result)

    async def _note(self, look: Look, delivery: Delivery, button: str, result: EditResult) -> Moment | None:
        reason = None if isinstance(result, Edited) else result.reason
        log.info("delivery.button_edited", delivery_id=delivery.id, watch_id=look.watch_id, reason=reason)
        failures = delivery.button_failures + 1
        if isinstance(result, Postponed) and failures < TRIES:
            await self._resources.end_buttons.note(delivery.id, button=delivery.button, failures=failures)
            if result.pause:
                await self._resources.living.pause_edits(result.pause)
            return look.now + AGAIN_AFTER
        await self._resources.end_buttons.note(delivery.id, button=button)
        return None

    def set_aside(self, look: Look, error: Exception) -> LookResult:
        del error  # the shift has logged it
        return LookResult(look=look, again_at=look.now + QUARANTINE)

    async def commit(self, results: Sequence[LookResult]) -> None:
        for result in results:
            look = result.look
            await self._resources.end_buttons.end(look.watch_id, look.leased_until, result.again_at)


def wanted_edits(watch_id: str, deliveries: Sequence[Delivery], team: Client) -> list[Wanted]:
    """Return the edits that the messages of a watch need, so that each has the button that does something now."""
    again = resendable(deliveries, team.permissions)
    place = place_on_button([each.destination for each in again]) if again else ""
    button = sha256(place.encode()).hexdigest()[:32] if again else ""
    return [
        Wanted(
            delivery=each,
            posted=each.posted,
            body=with_buttons(each.body, send_again_button(watch_id, place)) if again else each.body,
            button=button,
        )
        for each in deliveries
        if each.posted is not None and not each.plain and each.button != button and _has_buttons(each.destination, team)
    ]
