"""What an answer of Rally says about the workspace's rate limit."""

from dataclasses import dataclass

from bridge.domain.times import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """The rate-limit headers of one answer; `resets_in` (ms) counts from when it was sent, on the vendor's clock."""

    limit: int
    remaining: int
    resets_in: Span
