"""The slots of a worker: how many deliveries it attempts at once, and the share that hanging receivers may use."""

from collections import Counter
from dataclasses import dataclass

from bridge.resources import DELIVERY_SLOTS
from bridge.store.deliveries.deliveries import Bound, DeliveryClaim

SLOTS = 50
"""The number of concurrent attempts, without the late ones."""
MAX_ATTEMPTS = DELIVERY_SLOTS
"""The number of concurrent attempts, including the late ones."""
MAX_LATE_PER_CLIENT = 2 * SLOTS
"""The number of late attempts of one client that release their slot."""
DOUBTFUL_SLOTS = SLOTS // 4
"""The number of slots for attempts in doubtful lanes."""
MAX_DOUBTFUL = MAX_ATTEMPTS // 4
"""The number of concurrent attempts in doubtful lanes, including the late ones."""
MAX_DOUBTFUL_PER_CLIENT = MAX_DOUBTFUL // 3
"""The number of these attempts that one client may use."""


@dataclass(slots=True)
class _Running:
    claim: DeliveryClaim
    late: bool = False


class DeliverySlots:
    """The attempts that are running in this worker.

    An attempt uses a slot until it ends or is late. A late attempt continues without a slot, up to MAX_ATTEMPTS in
    all. So receivers that hang delay the others only for a moment, even if they have always answered before.
    """

    def __init__(self) -> None:
        self._running: dict[tuple[str, int], _Running] = {}
        self._late: Counter[str] = Counter()
        self._doubtful: Counter[str] = Counter()
        self._doubtful_late = 0

    @property
    def room(self) -> int:
        """The number of attempts that may run at once: the slots and the attempts that are late now."""
        return SLOTS + self._late.total()

    @property
    def doubtful(self) -> Bound:
        """The limit for claims in doubtful lanes."""
        running = self._doubtful.total()
        in_slots = running - self._doubtful_late
        return Bound(
            room=max(0, min(DOUBTFUL_SLOTS - in_slots, MAX_DOUBTFUL - running)),
            per_client=MAX_DOUBTFUL_PER_CLIENT,
            in_progress=dict(self._doubtful),
        )

    def acquire(self, claim: DeliveryClaim) -> None:
        """Use a slot for an attempt."""
        self._running[claim.id, claim.fence] = _Running(claim)
        if claim.doubtful:
            self._doubtful[claim.owner] += 1

    def release_late(self, claim: DeliveryClaim) -> bool:
        """Release the slot of an attempt that is late but continues; return False if it has to keep its slot."""
        attempt = self._running.get((claim.id, claim.fence))
        full = self._late.total() >= MAX_ATTEMPTS - SLOTS or self._late[claim.owner] >= MAX_LATE_PER_CLIENT
        if attempt is None or attempt.late or full:
            return False
        attempt.late = True
        self._late[claim.owner] += 1
        self._doubtful_late += claim.doubtful
        return True

    def release(self, claim: DeliveryClaim) -> None:
        """Remove an attempt that has ended."""
        attempt = self._running.pop((claim.id, claim.fence))
        if claim.doubtful:
            self._doubtful = self._doubtful - Counter([claim.owner])
        if attempt.late:
            self._late = self._late - Counter([claim.owner])
            self._doubtful_late -= claim.doubtful
