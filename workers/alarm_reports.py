"""Reports of alarms to the operator, by one worker of the fleet at a time; and the heartbeat of the fleet."""

from collections.abc import Mapping, Sequence

import structlog

from bridge.destinations.descriptions import describe
from bridge.domain.notices.alarm_notices import (
    Failing,
    alarm_began,
    alarm_ended,
    receivers_failing,
    receivers_recovered,
)
from bridge.domain.notices.alarms import (
    Alarm,
    AlarmKind,
    KnownAlarm,
    all_is_well,
    changes,
    receiver_alarms,
    redis_alarms,
    workspace_alarms,
)
from bridge.domain.notices.notices import Notice
from bridge.domain.polling.budget import Budget
from bridge.domain.times import SECOND, Moment, Span
from bridge.ids import derived_id
from bridge.resources import Resources
from bridge.store.operations.redis_health import read_redis_health
from bridge.store.operations.store_counts import overdue_imports
from workers.fleet_heartbeat import FleetHeartbeat
from workers.notify_operator import OperatorNotifier

EVERY: Span = 10 * SECOND
"""How often the fleet looks for problems."""
OF_THE_API = frozenset({AlarmKind.REDIS_FULL, AlarmKind.WORKERS_MISSING})
"""The alarms that processes of the API report, because workers can't."""
NOT_KNOWN = Failing("a receiver", None)

log = structlog.get_logger()


class AlarmReports:
    """Looks for problems that last, and creates the notices about their beginnings and ends."""

    def __init__(self, resources: Resources, operator: OperatorNotifier) -> None:
        self._resources = resources
        self._operator = operator
        self._heartbeat = FleetHeartbeat(resources)

    async def run(self) -> None:
        """Report what began or ended, and send the heartbeat of the fleet, if it is this worker's turn."""
        if not await self._resources.alarms.take_turn("alarms", EVERY):
            return
        budgets = [(name, await self._resources.budgets.get(name)) for name in self._resources.rally]
        known = {
            key: each
            for key, each in (await self._resources.alarms.known()).items()
            if each.alarm.kind not in OF_THE_API
        }
        now = await self._resources.store.now()
        await self._report(await self._present(budgets, known, now), known, now)
        if all_is_well((await self._resources.alarms.known()).values(), [budget for _, budget in budgets]):
            await self._heartbeat.send()

    async def _present(
        self, budgets: Sequence[tuple[str, Budget]], known: Mapping[str, KnownAlarm], now: Moment
    ) -> list[Alarm]:
        store = self._resources.store
        health = await read_redis_health(store)
        found = redis_alarms(
            memory_share=health.memory_share,
            append_only=health.append_only,
            append_ok=health.append_ok,
            known=known.keys(),
            now=now,
        )
        for name, budget in budgets:
            overdue = await overdue_imports(store, name, now)
            found += workspace_alarms(name, budget, overdue, await self._resources.budgets.over_limit(name), now)
        return [*found, *receiver_alarms(await self._resources.alarms.failing_receivers(), now)]

    async def _report(self, present: Sequence[Alarm], known: Mapping[str, KnownAlarm], now: Moment) -> None:
        found = changes(present, known, now)
        for alarm in found.begun:
            await self._resources.alarms.add(alarm)
        await self._tell_beginnings(found.to_tell, now)
        await self._tell_ends([each.alarm for each in found.ended if each.told], now)
        for each in found.ended:
            await self._resources.alarms.remove(each.alarm)

    async def _tell_beginnings(self, alarms: Sequence[Alarm], now: Moment) -> None:
        receivers, others = _divided(alarms)
        if receivers:
            await self._send(receivers_failing(receivers, await self._first(receivers), now), receivers)
        for alarm in others:
            await self._send(alarm_began(alarm, now), [alarm])
        for alarm in alarms:
            log.warning("alarm.began", alarm=alarm.kind.value, subject=alarm.subject, **alarm.facts)
            await self._resources.alarms.mark_told(alarm)

    async def _tell_ends(self, alarms: Sequence[Alarm], now: Moment) -> None:
        receivers, others = _divided(alarms)
        if receivers:
            await self._send(receivers_recovered(receivers, await self._first(receivers), now), receivers)
        for alarm in others:
            await self._send(alarm_ended(alarm, now), [alarm])
        for alarm in alarms:
            log.warning("alarm.ended", alarm=alarm.kind.value, subject=alarm.subject)

    async def _send(self, notice: Notice, alarms: Sequence[Alarm]) -> None:
        """Create the notice with an id of its own, so that a repetition after a crash creates no second one."""
        first = min(alarm.since for alarm in alarms)
        await self._operator.send(
            notice, notice_id=derived_id("dlv_", first, notice.type, *(alarm.key for alarm in alarms))
        )

    async def _first(self, alarms: Sequence[Alarm]) -> Failing:
        """Describe the receiver of the first alarm whose delivery can be read."""
        ids = [str(alarm.facts["delivery_id"]) for alarm in alarms]
        for delivery in await self._resources.deliveries.many(ids):
            return Failing(describe(delivery.destination), delivery.last_reason)
        return NOT_KNOWN


def _divided(alarms: Sequence[Alarm]) -> tuple[list[Alarm], list[Alarm]]:
    """Return the alarms of receivers, which one notice tells together, and the others."""
    receivers = [each for each in alarms if each.kind is AlarmKind.RECEIVER_FAILING]
    return receivers, [each for each in alarms if each.kind is not AlarmKind.RECEIVER_FAILING]
