"""What a living message says: made from the import and its watches when it is sent, so that the newest state wins."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bridge.destinations.egress.client_permissions import may_use
from bridge.domain.clients import slack_user_of
from bridge.domain.delivery.deliveries import Delivery, DeliveryState
from bridge.domain.destinations import Destination, NamedDestination, SlackChannel
from bridge.domain.import_state import ImportState
from bridge.domain.imports import Absence, Reading
from bridge.domain.living.end_place import EndPlace
from bridge.domain.living.living_message import LivingMessage
from bridge.domain.living.progress import Progress, ShownEnd, Told
from bridge.domain.living.updates import END_AWAITED, END_LOOKED_AGAIN
from bridge.domain.notifications import ENDED
from bridge.domain.nudges import Remark, remark_on
from bridge.domain.times import SECOND, Moment, Span
from bridge.domain.watches import Watch, WatchState
from bridge.errors import DecryptionFailed
from bridge.resources import Resources
from bridge.store.slack.living_messages import LivingClaim

NEVER_READ_AFTER: Span = 30 * SECOND
"""After how long a message is written about an import that was not read yet."""


@dataclass(frozen=True, slots=True)
class Moved:
    """The named destination was configured for another channel since; the end will be told there."""


class LivingWords:
    """Reads what living messages are about."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    async def progress(self, claim: LivingClaim, now: Moment) -> tuple[Progress, SlackChannel] | Moved | None:
        """Return how far an import is, and the channel; None if there is nothing to say now."""
        open_ = await self._open(claim)
        sharing = [watch for watch in open_ if self._wanted(claim, watch) is not None]
        if not sharing:
            return Moved() if open_ else None
        (record,) = await self._resources.imports.many([(claim.workspace, claim.import_id)])
        state = ImportState() if record is None else record.state
        watched_for = max(0, now - min(watch.created_at for watch in sharing))
        if not _is_known(state, watched_for):
            return None
        reading, as_of = state.reading, state.polled_at or now
        channel = self._channel(claim, sharing[0])
        return Progress(
            workspace=claim.workspace,
            import_id=claim.import_id,
            label=next((watch.label for watch in sharing if watch.label), None),
            clients=tuple(watch.client for watch in sharing),
            reading=reading,
            absence=_absence(state),
            watched_for=watched_for,
            as_of=as_of,
            remark=await self._remark(sharing, reading, as_of),
            link=self._link(claim),
            stoppable=self._stoppable(sharing, channel),
        ), channel

    async def _remark(self, sharing: Sequence[Watch], reading: Reading | None, read_at: Moment) -> Remark | None:
        """Return what is said in place of nudges."""
        nudged = [watch for watch in sharing if watch.nudge_after is not None]
        states = [(await self._resources.nudges.state(watch)).state for watch in nudged]
        remark = remark_on(states, reading, read_at)
        if remark is None or reading is None:
            return remark
        usual = await self._resources.past_ends.usual_of_size(nudged[0].workspace, reading)
        return replace(remark, usual=usual)

    async def _open(self, claim: LivingClaim) -> Sequence[Watch]:
        """Return the open watches that have the message, oldest first, as far as they can be decrypted."""
        waiting = await self._resources.watches.waiting(claim.workspace, claim.import_id)
        found: list[Watch] = []
        for watch_id, record in waiting:
            if claim.receiver not in record.get("living", "").split():
                continue
            try:
                watch = await self._resources.watches.load(watch_id, record)
            except DecryptionFailed:
                continue
            if watch is not None:
                found.append(watch)
        return found

    def _wanted(self, claim: LivingClaim, watch: Watch) -> Destination | None:
        """Return the destination of a watch that has the message; None if its name stands for another one by now.

        A name may want no living messages any more: its message stays until the end.
        """
        here = [each for each in watch.notify if self._resources.receiver_key(each) == claim.receiver]
        live = [each for each in here if self._resources.end_place(each) is not None]
        return next(iter(live or here), None)

    def _channel(self, claim: LivingClaim, watch: Watch) -> SlackChannel:
        destination = self._wanted(claim, watch)
        named = self._resources.named
        resolved = named.get(destination.name) if isinstance(destination, NamedDestination) else destination
        assert isinstance(resolved, SlackChannel)  # noqa: S101 - nothing else has a place for its end
        return resolved

    def _link(self, claim: LivingClaim) -> str | None:
        return self._resources.link_to(claim.workspace, claim.import_id)

    def _stoppable(self, sharing: Sequence[Watch], channel: SlackChannel) -> str | None:
        """Return the watch that the button ends, made in Slack if there is one; None where buttons can't be used."""
        team = self._resources.settings.slack_client
        if team is None or not may_use(team.permissions, channel):
            return None
        direct = [watch for watch in sharing if _names(watch, channel)]
        made_here = [watch for watch in direct if slack_user_of(watch.client) is not None]
        return next((watch.id for watch in (*made_here, *direct)), None)

    def moved(self, claim: LivingClaim, now: Moment) -> ShownEnd:
        """Return that nothing more is told where the message is."""
        return ShownEnd(
            workspace=claim.workspace,
            import_id=claim.import_id,
            label=None,
            reading=None,
            outcome=None,
            told=Told.NOT_HERE,
            at=now,
        )

    async def end(self, claim: LivingClaim, message: LivingMessage, now: Moment) -> ShownEnd | Moment:
        """Return how the import of a message ended; or when to look again, until that is told."""
        watch = await self._last(message)
        delivery = None if watch is None else await self._delivery(claim, watch)
        if watch is not None and _is_awaited(watch, delivery, now):
            return now + END_LOOKED_AGAIN
        settled = watch is not None and watch.state is WatchState.SETTLED
        return ShownEnd(
            workspace=claim.workspace,
            import_id=claim.import_id,
            label=None if watch is None else watch.label,
            reading=None if watch is None else watch.reading,
            outcome=watch.outcome if watch is not None and settled else None,
            told=self._told(claim, watch, delivery),
            at=now if watch is None or watch.settled_at is None else watch.settled_at,
            link=self._link(claim),
        )

    async def _last(self, message: LivingMessage) -> Watch | None:
        """Return the watch that ended last; if it was cancelled, the one before with which the import has ended."""
        last = await self._ended(message.ended_by)
        if last is None or last.state is WatchState.SETTLED:
            return last
        settled = await self._ended(message.settled_by)
        return settled if settled is not None and settled.outcome in ENDED else last

    async def _ended(self, watch_id: str | None) -> Watch | None:
        """Return the watch that ended last; None if it cannot be decrypted, or was deleted."""
        try:
            return None if watch_id is None else await self._resources.watches.get(watch_id)
        except DecryptionFailed:
            return None

    async def _delivery(self, claim: LivingClaim, watch: Watch) -> Delivery | None:
        """Return the delivery of a watch to the receiver of a message."""
        deliveries = await self._resources.deliveries.many(watch.deliveries)
        keys = ((self._resources.receiver_key(each.destination), each) for each in deliveries)
        return next((each for key, each in keys if key == claim.receiver), None)

    def _told(self, claim: LivingClaim, watch: Watch | None, delivery: Delivery | None) -> Told:
        if watch is None or delivery is None or delivery.state is not DeliveryState.DELIVERED:
            return Told.NOT_HERE
        destination = self._wanted(claim, watch)
        place = None if destination is None else self._resources.end_place(destination)
        in_digest = delivery.posted is None
        is_reply = place is EndPlace.REPLY and not delivery.outside_thread and not in_digest
        return Told.IN_THREAD if is_reply else Told.BELOW


def _is_known(state: ImportState, watched_for: Span) -> bool:
    """Return whether it is known that an import runs, and how far it is; not after a poll that could not read it.

    One that was never read is told of all the same, unless its first poll is still to come.
    """
    if state.reading is None:
        return watched_for >= NEVER_READ_AFTER
    return state.just_read and not state.reading.finished


def _absence(state: ImportState) -> Absence | None:
    """Return why Rally does not show an import that was never read. One that was read may be absent for a moment."""
    if state.reading is not None or state.absent is None:
        return None
    return state.absent.absence


def _names(watch: Watch, channel: SlackChannel) -> bool:
    """Return whether a watch names a channel itself; messages of named destinations have no buttons."""
    return any(isinstance(each, SlackChannel) and each.channel == channel.channel for each in watch.notify)


def _is_awaited(watch: Watch, delivery: Delivery | None, now: Moment) -> bool:
    pending = delivery is not None and delivery.state is DeliveryState.PENDING
    return pending and now < (watch.settled_at or 0) + END_AWAITED
