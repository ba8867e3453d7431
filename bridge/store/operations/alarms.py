"""The alarms that the operator is told of, and what is known of failing receivers."""

from collections.abc import Mapping

from bridge.domain.notices.alarms import Alarm, AlarmKind, FailingReceiver, KnownAlarm
from bridge.domain.times import Span
from bridge.store import codec, keys
from bridge.store.calls.connection import Store


class Alarms:
    """The alarms in Redis."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def take_turn(self, name: str, every: Span) -> bool:
        """Return True for one process of the fleet in each period."""
        return bool(await self._store.call("SET", keys.turn(name), 1, "NX", "PX", every))

    async def known(self) -> Mapping[str, KnownAlarm]:
        """Return the known alarms by their keys."""
        found = await self._store.call("HGETALL", keys.ALARMS)
        return {key: _load(codec.load(text)) for key, text in found.items()}

    async def add(self, alarm: Alarm) -> bool:
        """Store an alarm that was not seen before. Return False if it was."""
        return bool(await self._store.call("HSETNX", keys.ALARMS, alarm.key, _dump(alarm, told=False)))

    async def mark_told(self, alarm: Alarm) -> None:
        await self._store.call("HSET", keys.ALARMS, alarm.key, _dump(alarm, told=True))

    async def remove(self, alarm: Alarm) -> bool:
        """Remove an alarm that has ended. Return False if it was removed before."""
        return bool(await self._store.call("HDEL", keys.ALARMS, alarm.key))

    async def failing_receivers(self) -> list[FailingReceiver]:
        """Return the receivers whose last attempt failed, and that have a message waiting."""
        found = await self._store.call("HGETALL", keys.RECEIVERS_FAILING)
        return [_receiver(lane, *text.split(" ")) for lane, text in found.items()]


def _receiver(lane: str, since: str, failures: str, delivery_id: str) -> FailingReceiver:
    return FailingReceiver(lane=lane, since=int(since), failures=int(failures), delivery_id=delivery_id)


def _dump(alarm: Alarm, *, told: bool) -> str:
    return codec.dump(
        {
            "kind": alarm.kind.value,
            "subject": alarm.subject,
            "since": alarm.since,
            "facts": dict(alarm.facts),
            "told": told,
        }
    )


def _load(stored: Mapping[str, object]) -> KnownAlarm:
    fields = dict(stored)
    told = bool(fields.pop("told"))
    return KnownAlarm(alarm=Alarm(**{**fields, "kind": AlarmKind(str(fields["kind"]))}), told=told)  # type: ignore[arg-type] # as dumped
