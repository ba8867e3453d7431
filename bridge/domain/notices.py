"""Notices: messages to the operator, sent like notifications but not for a watch; and test messages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.domain.times import Moment, rfc3339

OPERATOR = "operator"
"""The client name of notices: their callbacks are signed with secrets and keys derived for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What happened: `type` for programs, `text` for people, `facts` for both. None contains a secret."""

    type: str
    at: Moment
    text: str
    client: str = OPERATOR
    """The client that it is sent for."""
    facts: Mapping[str, str] = field(default_factory=dict)

    def payload(self) -> dict[str, Any]:
        """Return `{type, timestamp, data}`, as sent to callbacks."""
        data = {"client": self.client, "text": self.text, **self.facts}
        return {"type": self.type, "timestamp": rfc3339(self.at), "data": data}


def key_refused(workspace: str, since: Moment) -> Notice:
    return Notice(
        type="workspace.refused",
        at=since,
        text=f"Rally refuses the API key of the workspace “{workspace}”. Its watches stay open; polling is paused.",
        facts={"workspace": workspace, "since": rfc3339(since)},
    )


def imports_vanished(workspace: str, since: Moment, at: Moment) -> Notice:
    return Notice(
        type="workspace.imports_vanished",
        at=at,
        text=f"Rally no longer shows the imports of the workspace “{workspace}” (404 or 403). Check its base URL and"
        " what its API key may see. Its watches stay open; polling is paused.",
        facts={"workspace": workspace, "since": rfc3339(since)},
    )


def imports_shown(workspace: str, vanished_since: Moment, now: Moment) -> Notice:
    return Notice(
        type="workspace.imports_shown",
        at=now,
        text=f"Rally shows imports of the workspace “{workspace}” again. Polling goes on.",
        facts={"workspace": workspace, "vanishedSince": rfc3339(vanished_since)},
    )


def deliveries_abandoned(number: int, place: str, reason: str | None, now: Moment) -> Notice:
    """Build the notice about abandoned deliveries; `place` and `reason` are those of the first."""
    what = "A message was given up" if number == 1 else f"{number:,} messages were given up, the first of them"
    return Notice(
        type="delivery.abandoned",
        at=now,
        text=f"{what}: to {place}, {reason or 'no reason known'}. GET /v1/deliveries?state=abandoned lists them.",
        facts={"count": str(number), "destination": place, "reason": reason or ""},
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


def key_accepted(workspace: str, refused_since: Moment, now: Moment) -> Notice:
    return Notice(
        type="workspace.accepted",
        at=now,
        text=f"Rally accepts the API key of the workspace “{workspace}” again. Polling goes on.",
        facts={"workspace": workspace, "refusedSince": rfc3339(refused_since)},
    )
