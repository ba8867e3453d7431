"""Notices: messages to the operator, sent like notifications but not for a watch; and test messages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.domain.times import Moment, rfc3339

OPERATOR = "operator"
"""The client name of notices: their callbacks are signed with secrets and keys derived for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What happened: `type` for programs, `text` for people, `facts` for both. None of them contains a secret."""

    type: str
    at: Moment
    text: str
    client: str = OPERATOR
    """The client on whose behalf the notice is sent: callbacks are signed with secrets of that client."""
    facts: Mapping[str, str] = field(default_factory=dict)

    def payload(self) -> dict[str, Any]:
        """Return `{type, timestamp, data}`, as sent to callbacks."""
        data = {"client": self.client, "text": self.text, **self.facts}
        return {"type": self.type, "timestamp": rfc3339(self.at), "data": data}


def deliveries_abandoned(number: int, destination: str, reason: str | None, now: Moment) -> Notice:
    """Build the notice about abandoned deliveries; `destination` and `reason` are those of the first."""
    what = "A message was abandoned" if number == 1 else f"{number:,} messages were abandoned, the first of them"
    return Notice(
        type="delivery.abandoned",
        at=now,
        text=f"{what}: to {destination}, {reason or 'no reason known'}. GET /v1/deliveries?state=abandoned lists them.",
        facts={"count": str(number), "destination": destination, "reason": reason or ""},
    )


def redis_evicts(problem: str, now: Moment) -> Notice:
    return Notice(type="redis.evicting", at=now, text=f"Redis may lose watches: {problem}.", facts={"problem": problem})


def redis_evicts_no_more(now: Moment) -> Notice:
    return Notice(type="redis.eviction_ended", at=now, text="Redis keeps every watch again; some may have been lost.")


def test_message(client: str, now: Moment) -> Notice:
    return Notice(
        type="watch.test",
        at=now,
        text=f"This is a test that “{client}” asked for: messages of rally-bridge arrive here.",
        client=client,
    )
