"""The last poll of an import, as the clients of its watches see it."""

from dataclasses import dataclass

from bridge.domain.times import Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class LastPoll:
    """What the last poll of an import found: Rally's HTTP status, None without an answer, and what it means."""

    at: Moment
    status: int | None
    meaning: str
