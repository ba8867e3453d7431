"""The model: what must be true of the store, in the simplest form."""

from dataclasses import dataclass, field

from bridge.domain.destinations import Destination
from bridge.domain.times import Moment
from tests.support.redis_snapshot import ImportKey


@dataclass
class ModelWatch:
    """The model of a watch."""

    key: ImportKey
    notify: tuple[Destination, ...]
    expires_at: Moment
    client: str = "crm"
    state: str = "watching"
    outcome: str | None = None


@dataclass
class ModelDelivery:
    """The model of a delivery; a worker may be sending it until `lease_end`."""

    watch_id: str
    state: str
    attempts: int = 0
    fence: int | None = None
    lease_end: Moment = 0


@dataclass
class ModelImport:
    """The model of an import that is being polled; a worker may be polling it until `lease_end`."""

    fence: int | None = None
    lease_end: Moment = 0
    pushed: bool = False
    """Whether no poll has begun since its last push."""


@dataclass
class Model:
    """The state that the store must be in."""

    watches: dict[str, ModelWatch] = field(default_factory=dict)
    polling: dict[ImportKey, ModelImport] = field(default_factory=dict)
    final: set[ImportKey] = field(default_factory=set)
    answers: set[tuple[ImportKey, str]] = field(default_factory=set)
    """The outcomes that Rally's answers justify."""
    deliveries: dict[str, ModelDelivery] = field(default_factory=dict)

    def waiting(self, key: ImportKey) -> set[str]:
        return {watch_id for watch_id, watch in self.watches.items() if watch.key == key and watch.state == "watching"}

    def end(self, watch_id: str, state: str, outcome: str | None) -> None:
        watch = self.watches[watch_id]
        watch.state, watch.outcome = state, outcome
        if not self.waiting(watch.key):
            self.polling.pop(watch.key, None)

    def settle(self, watch_id: str, outcome: str) -> None:
        self.end(watch_id, "settled", outcome)
        for number, destination in enumerate(self.watches[watch_id].notify):
            wanted = destination.on is None or outcome in destination.on
            delivery_id = f"dlv_{watch_id.removeprefix('wat_')}{number:x}"
            assert delivery_id not in self.deliveries
            self.deliveries[delivery_id] = ModelDelivery(watch_id=watch_id, state="pending" if wanted else "skipped")

    def delete(self, watch_id: str) -> None:
        del self.watches[watch_id]
        self.deliveries = {id_: delivery for id_, delivery in self.deliveries.items() if delivery.watch_id != watch_id}
