"""Settling: each watch that waits for an import is given its outcome, and the deliveries that it owes."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import structlog

from bridge.destinations import render
from bridge.domain.budget import Budget
from bridge.domain.deliveries import Delivery, DeliveryState, Destination
from bridge.domain.notifications import Notification, announce
from bridge.domain.times import SECOND, Moment, Span, rfc3339
from bridge.domain.watches import Conclusion, ImportState, Watch, WatchState, conclude
from bridge.errors import StoreUnavailable
from bridge.resources import Resources
from bridge.store.watches import Settlement

LAST_CALL: Span = 30 * SECOND
"""An expired watch waits this long for one last poll; then it ends without."""

log = structlog.get_logger()


class Settler:
    """Settle imports in the background of a worker; an import that is being settled is not settled twice at once."""

    def __init__(self, resources: Resources, *, owed: Callable[[], None]) -> None:
        """Take the resources, and what to call when deliveries have become due."""
        self._resources = resources
        self._owed = owed
        self._settling: dict[tuple[str, str], asyncio.Task[None]] = {}

    def start(self, workspace: str, import_id: str) -> None:
        place = (workspace, import_id)
        if place not in self._settling:
            task = self._settling[place] = asyncio.create_task(self._settle_alone(*place))
            task.add_done_callback(lambda _: self._settling.pop(place, None))

    async def close(self) -> None:
        """Wait for what is under way; what fails is resumed by the sweep."""
        if self._settling:
            await asyncio.wait(self._settling.values(), timeout=LAST_CALL / SECOND / 3)

    async def _settle_alone(self, workspace: str, import_id: str) -> None:
        try:
            await self.settle(workspace, import_id)
        except Exception as error:  # the sweep resumes it; the shift goes on
            log.error("import.settling_failed", import_id=import_id, exc_info=error)  # noqa: TRY400 - with facts

    async def settle(self, workspace: str, import_id: str) -> int:
        """Give every waiting watch that has ended its outcome; running it again changes nothing.

        Returns how many watches were settled.
        """
        waiting, polled, look = await asyncio.gather(
            self._resources.watches.waiting(workspace, import_id),
            self._resources.imports.get(workspace, import_id),
            self._resources.budgets.look(workspace),
        )
        if not waiting:
            await self._resources.imports.nothing_to_settle(workspace, import_id)
            return 0
        known = known_in(look.budget, polled.known if polled else ImportState())
        polls = polled.polls if polled else 0
        settled = 0
        for watch_id, record in waiting:
            try:
                watch = await self._resources.watches.opened(watch_id, record)
                settled += await self._settle_watch(watch, (workspace, import_id), known, polls, look.now)
            except StoreUnavailable:
                raise
            except Exception as error:  # one watch that our code trips over must not hold up the others
                log.error("watch.settling_failed", watch_id=watch_id, exc_info=error)  # noqa: TRY400 - with facts
        return settled

    async def _settle_watch(
        self, watch: Watch | None, place: tuple[str, str], known: ImportState, polls: int, now: Moment
    ) -> bool:
        if watch is None or watch.state is not WatchState.WATCHING or (watch.workspace, watch.import_id) != place:
            return False
        conclusion = conclude(watch, known, now, last_call_made=now >= watch.expires_at + LAST_CALL)
        if conclusion is None:
            return False
        settlement = settlement_of(
            replace(watch, polls=polls),
            conclusion,
            known,
            now,
            lane=self._resources.lane,
            show_emails=self._resources.settings.slack_show_emails,
        )
        if not await self._resources.watches.settle(settlement):
            return False
        log.info(
            "watch.settled",
            watch_id=watch.id,
            import_id=watch.import_id,
            outcome=conclusion.outcome.value,
            reason=conclusion.reason,
            deliveries=len(settlement.deliveries),
        )
        if any(delivery.state is DeliveryState.PENDING for delivery in settlement.deliveries):
            self._owed()
        return True


LaneOf = Callable[[Destination], str]


def settlement_of(
    watch: Watch, conclusion: Conclusion, known: ImportState, now: Moment, *, lane: LaneOf, show_emails: bool
) -> Settlement:
    """Put together what a watch's end writes: the notification, rendered for each destination that it owes."""
    notification = announce(watch, conclusion, known.reading, now)
    deliveries = tuple(
        _delivery(watch, number, destination, notification, lane(destination), show_emails=show_emails)
        for number, destination in enumerate(watch.notify)
    )
    ended = replace(watch, reading=known.reading, polled_at=known.polled_at)
    return Settlement(watch=ended, conclusion=conclusion, deliveries=deliveries, at=now)


def _delivery(
    watch: Watch, number: int, destination: Destination, notification: Notification, lane: str, *, show_emails: bool
) -> Delivery:
    wanted = destination.on is None or notification.outcome in destination.on
    return Delivery(
        id=f"dlv_{watch.id.removeprefix('wat_')}{number:x}",
        watch_id=watch.id,
        client=watch.client,
        notification_id=notification.id,
        destination=destination,
        lane=lane,
        body=render(notification, destination, show_emails=show_emails) if wanted else "",
        owed_at=notification.at,
        state=DeliveryState.PENDING if wanted else DeliveryState.SKIPPED,
        last_reason=None if wanted else f"not asked for: on {notification.outcome.value}",
    )


def known_in(budget: Budget, known: ImportState) -> ImportState:
    """Return what is known of an import where its workspace stands so: the pause of a workspace proves no absence."""
    absent = known.absent
    if absent is not None and (budget.vanished_since is not None or absent.since < budget.sighted_at):
        absent = None
    return replace(known, absent=absent, workspace_trouble=_trouble(budget, known.trouble))


def _trouble(budget: Budget, last: str | None) -> str | None:
    """Say why no answer about any import can be used just now; `last` is what was answered about this one."""
    if budget.refused_since is not None:
        return f"Rally refused our key since {rfc3339(budget.refused_since)}"
    if budget.vanished_since is not None:
        return f"Rally has shown none of our imports since {rfc3339(budget.vanished_since)}"
    if budget.broken and budget.down_since is not None:
        return f"no usable answer from Rally since {rfc3339(budget.down_since)}{f': {last}' if last else ''}"
    return None
