"""Attempts, as they are recorded with their delivery."""

from dataclasses import dataclass, field

from bridge.domain.times import Moment, Span

ATTEMPTS_KEPT = 50
"""The number of attempts that are kept for each delivery: the last ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """The record of one request of a delivery: `number` counts from 1, `took` is in ms."""

    number: int
    at: Moment
    took: Span
    status: int | None
    reason: str | None
    answer: str = field(default="", repr=False)
    """The beginning of the response body."""
