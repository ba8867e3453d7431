"""The pushes of the simulated Rally: sent to the bridge when an import ends, and again while they fail, as Svix does.

Sources: https://docs.svix.com/retries, https://docs.svix.com/receiving/delivery-control
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, Literal, TypeAlias

import httpx

from bridge.sandbox.demo_imports import Story
from bridge.sandbox.push_messages import EVENTS, FORGER, PushMessage, message_of, signed_headers

Manner: TypeAlias = Literal["normal", "late", "twice", "never", "forged"]
"""How Rally pushes the end of an import.

`late`: 90 seconds after it. `twice`: the same message two times. `forged`: signed with another secret.
"""

DELAY, LATE_DELAY = 1.0, 90.0
"""Seconds between the end of an import and its push."""
RETRY_PAUSES = (5.0, 300.0, 1800.0, 7200.0, 18000.0, 36000.0, 36000.0)
"""Seconds between the attempts of one message."""
TIMEOUT = 15.0
UNKEPT = httpx.Limits(max_keepalive_connections=0)
"""No connection is kept open, so that nothing has to be closed at the end."""
LONGEST_SLEEP = 0.2
"""Seconds after which the clock is read again; that of a test does not move by itself."""
KEPT = 1000
ANSWER_KEPT = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPush:
    """An attempt that is due at a time; a forged message is not Rally's, and nobody repeats it."""

    at: float
    message: PushMessage
    attempt: int = 1
    forged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SentPush:
    """One attempt, and how the bridge answered it; `status` is None if it did not."""

    at: float
    message_id: str
    import_id: str
    event: str
    attempt: int
    status: int | None
    answer: str

    def as_json(self) -> dict[str, Any]:
        names = {"message_id": "messageId", "import_id": "importId"}
        return {names.get(name, name): value for name, value in asdict(self).items()}


class Pushes:
    """Sends pushes to a bridge when they are due; to none if its address or the secrets are missing."""

    def __init__(self, bridge_url: str, secrets: tuple[str, ...], now: Callable[[], float]) -> None:
        self.secrets = secrets
        self.sent: deque[SentPush] = deque(maxlen=KEPT)
        self.now = now
        self._bridge_url = bridge_url
        self._planned: list[PlannedPush] = []
        self._tasks: set[asyncio.Task[SentPush]] = set()
        self._waiting: asyncio.Task[None] | None = None

    @cached_property
    def _http(self) -> httpx.AsyncClient:
        """The client, made for the first push, as it takes 30 ms."""
        return httpx.AsyncClient(trust_env=False, timeout=TIMEOUT, limits=UNKEPT)

    @property
    def enabled(self) -> bool:
        return bool(self._bridge_url and self.secrets)

    def plan_end(self, story: Story, manner: Manner = "normal") -> None:
        """Plan the push of an import's end, if Rally pushes imports of its type."""
        self.forget(story.import_id)
        event, end = EVENTS.get(story.type), story.end
        if not self.enabled or event is None or end is None or manner == "never":
            return
        at = max(end, self.now()) + (LATE_DELAY if manner == "late" else DELAY)
        push = PlannedPush(at=at, message=message_of(story.as_json(at), event), forged=manner == "forged")
        self._plan(*([push] * (2 if manner == "twice" else 1)))

    def forget(self, import_id: str) -> None:
        """Send nothing more about an import, as it was removed or replaced."""
        self._planned = [each for each in self._planned if each.message.import_id != import_id]

    def clear(self) -> None:
        self._planned.clear()
        self.sent.clear()

    async def send(self, push: PlannedPush) -> SentPush:
        """Make one attempt, and plan the next one if Svix would."""
        status, answer, is_final = await self._post(push)
        sent = SentPush(
            at=self.now(),
            message_id=push.message.message_id,
            import_id=push.message.import_id,
            event=push.message.event,
            attempt=push.attempt,
            status=status,
            answer=answer,
        )
        self.sent.append(sent)
        if not (is_final or push.forged) and push.attempt <= len(RETRY_PAUSES):
            pause = RETRY_PAUSES[push.attempt - 1]
            self._plan(replace(push, at=self.now() + pause, attempt=push.attempt + 1))
        return sent

    async def _post(self, push: PlannedPush) -> tuple[int | None, str, bool]:
        """Return the status and the text of the answer, and whether it ends the attempts."""
        keys = (FORGER,) if push.forged else self.secrets
        url = f"{self._bridge_url}/v1/push/rally/{push.message.workspace}"
        headers = signed_headers(push.message, keys, self.now())
        try:
            answer = await self._http.post(url, content=push.message.body, headers=headers)
        except httpx.HTTPError as error:
            return None, type(error).__name__, False
        is_final = answer.is_success or answer.headers.get("webhook-delivery") == "abort-message"
        return answer.status_code, answer.text[:ANSWER_KEPT], is_final

    def _plan(self, *pushes: PlannedPush) -> None:
        self._planned = sorted([*self._planned, *pushes], key=lambda each: each.at)
        if self._waiting is None or self._waiting.done():
            self._waiting = asyncio.create_task(self._send_due())

    async def _send_due(self) -> None:
        """Start each attempt when it is due, until none is planned."""
        while self._planned:
            left = self._planned[0].at - self.now()
            if left > 0:
                await asyncio.sleep(min(left, LONGEST_SLEEP))
            else:
                task = asyncio.create_task(self.send(self._planned.pop(0)))
                self._tasks.add(task)  # the event loop alone does not keep it
                task.add_done_callback(self._tasks.discard)
