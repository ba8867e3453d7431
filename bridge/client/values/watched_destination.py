"""A destination of a watch, as the API returns it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.client.values.destinations import On
from bridge.client.values.literals import DestinationType


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedDestination:
    """A destination of a watch, without its secrets, and the outcomes that it receives."""

    type: DestinationType
    destination: str
    fingerprint: str
    """What distinguishes it from destinations with the same description; empty if the bridge is too old."""
    on: On

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "WatchedDestination":
        return cls(
            type=document["type"],
            destination=document["destination"],
            fingerprint=document.get("fingerprint", ""),
            on=document["on"],
        )
