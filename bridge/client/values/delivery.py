"""A delivery as the API returns it, with Python names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bridge.client.values.attempt import Attempt
from bridge.client.values.literals import DeliveryState, DestinationType
from bridge.client.values.times import time_or_none


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message to one destination, as of one response; `document` is the whole JSON document."""

    id: str
    type: DestinationType
    destination: str
    """The destination without its secrets."""
    fingerprint: str
    """What distinguishes it from destinations with the same description; empty if the bridge is too old."""
    state: DeliveryState
    attempts: int
    next_attempt_at: datetime | None
    retries_until: datetime | None
    """When a pending delivery is abandoned at the latest."""
    last_reason: str | None
    ended_at: datetime | None
    watch_id: str | None
    """The id of its watch, where the response names it; None for a notice, and for a message about several
    imports."""
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
            fingerprint=document.get("fingerprint", ""),
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
