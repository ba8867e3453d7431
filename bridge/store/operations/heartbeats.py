"""The heartbeats of all workers, and those of all processes of the API: one field of a hash each."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from bridge.domain.heartbeats import PERIOD, REMEMBERED_FOR, Heartbeat, Load, ProcessInfo
from bridge.domain.times import Moment
from bridge.store import codec
from bridge.store.calls.connection import Store

KNOWN_FACTS = frozenset(field.name for field in fields(ProcessInfo)) - {"id"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """The heartbeats of the last hour, the newest process last, at one moment."""

    now: Moment
    heartbeats: tuple[Heartbeat, ...]

    @property
    def alive(self) -> tuple[Heartbeat, ...]:
        return tuple(each for each in self.heartbeats if each.is_alive(self.now))

    @property
    def seen_at(self) -> Moment | None:
        """When the last process was seen; None if there was none within the last hour."""
        return max((each.at for each in self.heartbeats), default=None)

    @property
    def is_silent(self) -> bool:
        """Whether every process has missed a heartbeat: none is alive, or Redis refuses writes."""
        return all(abs(self.now - each.at) > 2 * PERIOD for each in self.heartbeats)

    @property
    def missing(self) -> tuple[Heartbeat, ...]:
        """The processes that stopped sending heartbeats without a clean shutdown."""
        return tuple(each for each in self.heartbeats if not each.is_alive(self.now))


class Heartbeats:
    """The heartbeats of one kind of process in Redis."""

    def __init__(self, store: Store, key: str) -> None:
        self._store = store
        self._key = key

    async def send(self, process: ProcessInfo, load: Load | None = None) -> None:
        """Store a heartbeat at the present time, and delete those that are too old to be listed."""
        facts = asdict(process)
        process_id = facts.pop("id")
        if load is not None:
            facts["load"] = asdict(load)
        await self._store.run(
            "heartbeat",
            {"processes": self._key},
            {"process_id": process_id, "facts": codec.dump(facts), "remembered_for": REMEMBERED_FOR},
        )

    async def withdraw(self, process: ProcessInfo) -> None:
        """Delete the heartbeat of a process that shuts down."""
        await self._store.call("HDEL", self._key, process.id)

    async def read(self) -> Fleet:
        stored = await self._store.call("HGETALL", self._key)
        heartbeats = (_load_heartbeat(process_id, text) for process_id, text in stored.items())
        return Fleet(
            now=await self._store.now(), heartbeats=tuple(sorted(heartbeats, key=lambda each: each.process.started_at))
        )


def _load_heartbeat(process_id: str, text: str) -> Heartbeat:
    """Load a heartbeat. Processes of the next version may say more of themselves, which is left out."""
    at, stored = text.split(" ", 1)
    facts = codec.load(stored)
    known = {name: fact for name, fact in facts.items() if name in KNOWN_FACTS}
    return Heartbeat(process=ProcessInfo(id=process_id, **known), at=int(at), load=_load_of(facts.get("load")))


def _load_of(stored: Mapping[str, Any] | None) -> Load | None:
    """Return the load; None if it is not stored, or if another version has stored other facts."""
    names = [field.name for field in fields(Load)]
    if stored is None or not stored.keys() >= set(names):
        return None
    return Load(**{name: stored[name] for name in names})
