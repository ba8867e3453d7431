"""The inbox: stores what Slack and the receivers of callbacks would have received, and the planned responses."""

import asyncio
import json
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import Response

from bridge.sandbox.urls import url_of

MESSAGES_KEPT = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A received message; `verified` is for valid blocks or a valid signature, `why` is the fault otherwise."""

    number: int
    kind: Literal["slack", "callback"]
    name: str
    """The name of a receiver: `slack`, or a callback's name or host."""
    url: str
    """The URL that the message was sent to, without what is secret in it."""
    at: float
    headers: Mapping[str, str]
    body: str
    status: int
    verified: bool
    why: str | None = None
    posted: bool = False
    """Whether the simulated Slack shows it in a channel."""

    def parsed(self) -> Any:
        return json_in(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A planned response to the next message, instead of the usual one."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    delay: float = 0.0


class Inbox:
    """The received messages, and the planned responses to the next ones."""

    def __init__(self, *, secrets: Sequence[str], now: Callable[[], float]) -> None:
        self.now = now
        self.messages: deque[Message] = deque(maxlen=MESSAGES_KEPT)
        self.planned: defaultdict[str, deque[Planned]] = defaultdict(deque)
        self.secrets = tuple(secrets)
        self._numbers = count(1)

    async def planned_response(self, name: str) -> Response | None:
        if not self.planned[name]:
            return None
        planned = self.planned[name].popleft()
        await asyncio.sleep(planned.delay)
        return Response(planned.body, planned.status, dict(planned.headers))

    def keep(
        self,
        request: Request,
        kind: Literal["slack", "callback"],
        name: str,
        body: str,
        status: int,
        *,
        verified: bool,
        why: str | None,
        posted: bool = False,
    ) -> None:
        self.messages.append(
            Message(
                number=next(self._numbers),
                kind=kind,
                name=name,
                url=url_of(request),
                at=self.now(),
                headers=dict(request.headers),
                body=body,
                status=status,
                verified=verified,
                why=why,
                posted=posted,
            )
        )


def json_in(text: str) -> Any:
    """Parse JSON; None if it is invalid, too deeply nested, or can't be sent: half a character, too large a number."""
    try:
        parsed = json.loads(text)
        json.dumps(parsed, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return None
    return parsed
