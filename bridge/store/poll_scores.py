"""Scores of imports in `rb:imports:due:<workspace>`: each consists of a tier and the time of the next poll.

A tier's imports are adjacent and sorted by due time, so the first of each tier are found in a few steps, however many
imports there are. `scripts/shared/poll_order.lua` reads the scores and decides the order. It gives the imports
that only rules watch tiers of their own.
"""

from bridge.domain.polling import poll_tiers
from bridge.domain.times import Moment

TIER_SPAN = 2**43
"""The span of a tier's scores in ms: larger than every time until the year 2248, and exact as a double."""
TIERS = 2 * poll_tiers.TIERS
"""The number of tiers, those of imports that only rules watch included."""


def score(tier: int, due: Moment) -> int:
    return tier * TIER_SPAN + due


def moment(score: float | str) -> Moment:
    """Return when an import with this score is due."""
    return int(float(score)) % TIER_SPAN
