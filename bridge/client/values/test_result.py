"""What became of a test message."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.client.values.literals import DestinationType, Verdict


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
