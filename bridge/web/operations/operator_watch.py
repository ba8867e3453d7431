"""The watch of the API over what workers can't report: that none is alive, and that Redis is full.

These notices are sent at once and directly, because no worker would deliver them and Redis could not store them. Of
several processes of the API, one sends each.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from time import monotonic

import structlog

from bridge.domain.notices.alarm_notices import alarm_began, alarm_ended
from bridge.domain.notices.alarms import TOLD_AFTER, Alarm, AlarmKind
from bridge.domain.notices.notices import Notice
from bridge.domain.times import SECOND, Moment, Span
from bridge.errors import StoreFull, StoreUnavailable
from bridge.resources import Resources
from bridge.web.operations.direct_notices import send_directly

PERIOD = 10.0
"""Seconds between two looks."""
MISSING = Alarm(kind=AlarmKind.WORKERS_MISSING, since=0)
FULL = Alarm(kind=AlarmKind.REDIS_FULL, since=0)

log = structlog.get_logger()


@asynccontextmanager
async def watching_for_operator(resources: Resources) -> AsyncIterator[None]:
    """Look for these problems in the background, for as long as the context lasts."""
    task = asyncio.create_task(_watch(resources))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _watch(resources: Resources) -> None:
    watch = OperatorWatch(resources)
    while True:
        await asyncio.sleep(PERIOD)
        try:
            await watch.look()
        except StoreUnavailable:
            continue  # the store has logged it
        except Exception as error:
            log.error("operator_watch.failed", exc_info=error)  # noqa: TRY400 - with fields


class OperatorWatch:
    """What this process of the API has seen of these problems, and the notices that it sends about them."""

    def __init__(self, resources: Resources, *, clock: Callable[[], float] = monotonic) -> None:
        self._resources = resources
        self._clock = clock
        self._missing_since: float | None = None
        self._full_since: float | None = None

    async def look(self) -> None:
        """Look at the workers and at Redis; send a notice if a problem began or ended. Raises StoreUnavailable."""
        now = await self._resources.store.now()
        if await self._look_at_redis(now):
            await self._look_at_workers(now)

    async def _look_at_redis(self, now: Moment) -> bool:
        """Return whether Redis accepts writes."""
        try:
            await self._resources.store.check()
        except StoreFull:
            self._full_since = self._full_since or self._clock()
            if self._lasts(self._full_since, FULL.kind) and await self._resources.full_mark.take():
                await self._began(FULL, self._full_since, now)
            return False
        self._full_since = None
        if await self._resources.full_mark.put_back():
            await self._ended(FULL, now)
        return True

    async def _look_at_workers(self, now: Moment) -> None:
        alarms = self._resources.alarms
        if (await self._resources.heartbeats.read()).alive:
            self._missing_since = None
            if await alarms.remove(MISSING):
                await self._ended(MISSING, now)
            return
        self._missing_since = self._missing_since or self._clock()
        if self._lasts(self._missing_since, MISSING.kind) and await alarms.add(MISSING):
            await alarms.mark_told(MISSING)
            await self._began(MISSING, self._missing_since, now)

    async def _began(self, alarm: Alarm, since: float, now: Moment) -> None:
        dated = Alarm(kind=alarm.kind, since=now - self._age(since))
        log.error("alarm.began", alarm=alarm.kind.value, subject="")
        await self._send(alarm_began(dated, now))

    async def _ended(self, alarm: Alarm, now: Moment) -> None:
        log.warning("alarm.ended", alarm=alarm.kind.value, subject="")
        await self._send(alarm_ended(Alarm(kind=alarm.kind, since=now), now))

    async def _send(self, notice: Notice) -> None:
        await send_directly(self._resources, notice)

    def _lasts(self, since: float, kind: AlarmKind) -> bool:
        """Return whether an alarm has lasted long enough to be told."""
        return self._age(since) >= TOLD_AFTER[kind]

    def _age(self, since: float) -> Span:
        return int((self._clock() - since) * SECOND)
