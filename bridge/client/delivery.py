"""A delivery and its attempts as the API returns them, with Python names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bridge.client.destinations import On
from bridge.client.literals import DeliveryState, DestinationType, Verdict
from bridge.client.times import time_or_none


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedDestination:
    """A destination of a watch, without its secrets, and the outcomes that it receives."""

    type: DestinationType
    destination: str
    on: On

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "WatchedDestination":
        return cls(type=document["type"], destination=document["destination"], on=document["on"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt to send a delivery."""

    number: int
    at: datetime
    took_ms: int
    status: int | None
    """The receiver's HTTP status; None if it did not answer."""
    reason: str | None
    answer: str
    """The first characters of the receiver's answer."""

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Attempt":
        return cls(
            number=document["number"],
            at=datetime.fromisoformat(document["at"]),
            took_ms=document["tookMs"],
            status=document["status"],
            reason=document["reason"],
            answer=document["answer"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message to one destination, as of one response; `document` is the whole JSON document."""

    id: str
    type: DestinationType
    destination: str
    """The destination without its secrets."""
    state: DeliveryState
    attempts: int
    next_attempt_at: datetime | None
    retries_until: datetime | None
    """When a pending delivery is abandoned at the latest."""
    last_reason: str | None
    ended_at: datetime | None
    watch_id: str | None
    """The id of its watch, where the response names it; None for a notice to the operator."""
    log: Sequence[Attempt]
    """The last attempts, newest first; only `Bridge.delivery` loads them."""
    document: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Delivery":
        """Return the delivery of a document; unknown fields stay in `document`."""
        return cls(
            id=document["id"],
            type=document["type"],
            destination=document["destination"],
            state=document["state"],
            attempts=document["attempts"],
            next_attempt_at=time_or_none(document["nextAttemptAt"]),
            retries_until=time_or_none(document.get("retriesUntil")),
            last_reason=document["lastReason"],
            ended_at=time_or_none(document["endedAt"]),
            watch_id=document.get("watchId"),
            log=tuple(map(Attempt.of, document.get("log", ()))),
            document=document,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TestResult:
    """What became of a test message."""

    __test__ = False  # pytest would collect the class, as its name begins with Test

    type: DestinationType
    destination: str
    verdict: Verdict
    reason: str | None
    status: int | None
    """The receiver's HTTP status; None if it did not answer."""
    took_ms: int
    document: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "TestResult":
        return cls(
            type=document["type"],
            destination=document["destination"],
            verdict=document["verdict"],
            reason=document["reason"],
            status=document["status"],
            took_ms=document["tookMs"],
            document=document,
        )
