"""The places of a worker: how many deliveries it attempts at once, and what part of them hanging receivers may take."""

from collections import Counter
from dataclasses import dataclass

from bridge.resources import DELIVERY_SLOTS
from bridge.store.deliveries import Bound, DeliveryClaim

PLACES = 50
"""Attempts under way at once, without those that are late."""
MOST = DELIVERY_SLOTS
"""Attempts under way at once in all."""
LATE_OF_ONE = 2 * PLACES
"""Late attempts of one client that give up their place."""
DOUBTFUL_PLACES = PLACES // 4
DOUBTFUL = MOST // 4
DOUBTFUL_OF_ONE = DOUBTFUL // 3
"""What doubtful lanes may take of the places and of all attempts, and what those of one client may take."""


@dataclass(slots=True)
class _Held:
    claim: DeliveryClaim
    late: bool = False


class Places:
    """The attempts under way in this worker.

    An attempt holds a place until it ends, or is late: then it goes on beside the places, as far as there is room
    there. So receivers that hang, also those that always answered well before, hold up the others for a moment only.
    """

    def __init__(self) -> None:
        self._held: dict[tuple[str, int], _Held] = {}
        self._late: Counter[str] = Counter()
        self._doubtful: Counter[str] = Counter()
        self._doubtful_late = 0

    @property
    def room(self) -> int:
        """Return how many attempts may be under way at once, as things stand."""
        return PLACES + self._late.total()

    @property
    def doubtful(self) -> Bound:
        """Return how many more may be claimed of doubtful lanes."""
        under_way = self._doubtful.total()
        holding_places = under_way - self._doubtful_late
        return Bound(
            room=max(0, min(DOUBTFUL_PLACES - holding_places, DOUBTFUL - under_way)),
            of_one=DOUBTFUL_OF_ONE,
            under_way=dict(self._doubtful),
        )

    def take(self, claim: DeliveryClaim) -> None:
        """Give an attempt its place."""
        self._held[claim.id, claim.fence] = _Held(claim)
        if claim.doubtful:
            self._doubtful[claim.owner] += 1

    def pass_on(self, claim: DeliveryClaim) -> bool:
        """Take the place of an attempt that is late; return False where it has to keep it."""
        held = self._held.get((claim.id, claim.fence))
        full = self._late.total() >= MOST - PLACES or self._late[claim.owner] >= LATE_OF_ONE
        if held is None or held.late or full:
            return False
        held.late = True
        self._late[claim.owner] += 1
        self._doubtful_late += claim.doubtful
        return True

    def leave(self, claim: DeliveryClaim) -> None:
        """Let an attempt go that has ended."""
        held = self._held.pop((claim.id, claim.fence))
        if claim.doubtful:
            self._doubtful = self._doubtful - Counter([claim.owner])
        if held.late:
            self._late = self._late - Counter([claim.owner])
            self._doubtful_late -= claim.doubtful
