"""What a watch waits for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bridge.client.values.literals import WaitReason
from bridge.client.values.times import time_or_none


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingFor:
    """What a watch waits for, since when and until when; None if that is not known."""

    reason: WaitReason
    since: datetime | None
    until: datetime | None
    detail: str
    """The same in a sentence."""

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "WaitingFor":
        return cls(
            reason=document["reason"],
            since=time_or_none(document["since"]),
            until=time_or_none(document["until"]),
            detail=document["detail"],
        )
