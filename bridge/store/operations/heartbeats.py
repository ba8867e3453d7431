"""The heartbeats of all workers: one field of a hash each."""

from dataclasses import asdict, dataclass, fields

from bridge.domain.heartbeats import PERIOD, REMEMBERED_FOR, Heartbeat, WorkerInfo
from bridge.domain.times import Moment
from bridge.store import codec, keys
from bridge.store.calls.connection import Store

KNOWN_FACTS = frozenset(field.name for field in fields(WorkerInfo)) - {"id"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """The heartbeats of the last hour, the newest worker last, at one moment."""

    now: Moment
    heartbeats: tuple[Heartbeat, ...]

    @property
    def alive(self) -> tuple[Heartbeat, ...]:
        return tuple(each for each in self.heartbeats if each.is_alive(self.now))

    @property
    def seen_at(self) -> Moment | None:
        """When the last worker was seen; None if there was none within the last hour."""
        return max((each.at for each in self.heartbeats), default=None)

    @property
    def is_silent(self) -> bool:
        """Whether every worker has missed a heartbeat: none is alive, or Redis refuses writes."""
        return all(abs(self.now - each.at) > 2 * PERIOD for each in self.heartbeats)

    @property
    def missing(self) -> tuple[Heartbeat, ...]:
        """The workers that stopped sending heartbeats without a clean shutdown."""
        return tuple(each for each in self.heartbeats if not each.is_alive(self.now))


class Heartbeats:
    """The heartbeats in Redis."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def send(self, worker: WorkerInfo) -> None:
        """Store a worker's heartbeat at the present time, and delete those that are too old to be listed."""
        facts = asdict(worker)
        await self._store.run(
            "heartbeat",
            {"workers": keys.WORKERS},
            {"worker_id": facts.pop("id"), "facts": codec.dump(facts), "remembered_for": REMEMBERED_FOR},
        )

    async def withdraw(self, worker: WorkerInfo) -> None:
        """Delete the heartbeat of a worker that shuts down."""
        await self._store.call("HDEL", keys.WORKERS, worker.id)

    async def read(self) -> Fleet:
        stored = await self._store.call("HGETALL", keys.WORKERS)
        heartbeats = (_load(worker_id, text) for worker_id, text in stored.items())
        return Fleet(
            now=await self._store.now(), heartbeats=tuple(sorted(heartbeats, key=lambda each: each.worker.started_at))
        )


def _load(worker_id: str, text: str) -> Heartbeat:
    """Load a heartbeat. Workers of the next version may say more of themselves, which is left out."""
    at, facts = text.split(" ", 1)
    known = {name: fact for name, fact in codec.load(facts).items() if name in KNOWN_FACTS}
    return Heartbeat(worker=WorkerInfo(id=worker_id, **known), at=int(at))
