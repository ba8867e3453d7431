"""A notice: a message to the operator, or a test message. It is sent like a notification, but for no watch."""

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
