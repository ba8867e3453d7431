"""The receivers: each on its own port, with a mood and a record of every attempt."""

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from random import Random
from time import time
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from .answers import FLOOD, JSON, MANY_HEADERS, nested
from .history import Attempt
from .wire import LOOPBACK, Peer, Request, Server, answer

HANG = 30.0
LABEL = re.compile(rb"w\d{5}")
TYPES: Mapping[str, str] = {
    "import.completed": "completed",
    "import.completed_with_failures": "completed_with_failures",
    "import.failed": "failed",
    "watch.not_found": "not_found",
    "watch.forbidden": "forbidden",
    "watch.timed_out": "timed_out",
}
FLOODS = ("many-headers", "endless-1xx", "nested-body")
MOODS = (
    "refusing",
    "hanging",
    "trickling",
    "busy",
    "failing",
    "resetting",
    "ambiguous",
    "unending",
    *FLOODS,
    "half-open",
)
"""The moods of every receiver; redirects and other 4xx are only for callbacks, because they end a message to Slack."""
CALLBACK_MOODS = (*MOODS, "redirecting", "odd")
TRICKLE_PAUSE = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A receiver for the generator: what to put into `notify` of a watch, as its destination `number`."""

    name: str
    slack: bool
    url: str
    secret: str
    hooks: int = 1
    """The number of incoming webhooks over which posts are spread: each takes one message a second."""

    def notify(self, label: str, number: int, on: frozenset[str] | None) -> dict[str, Any]:
        wanted = {} if on is None else {"on": sorted(on)}
        if self.slack:
            hook = int(label.removeprefix("w")) % self.hooks
            return {"type": "slack_webhook", "url": f"{self.url}/services/T0/B{number}/hook{hook}"} | wanted
        return {
            "type": "callback",
            "url": f"{self.url}/callbacks/{label}/{number}",
            "secret": self.secret,
        } | wanted


class Receiver:
    """Accepts messages or doesn't, according to its mood."""

    def __init__(self, name: str, secret: str, chance: Random, *, slack: bool = False, hooks: int = 1) -> None:
        self.name = name
        self.mood = "well"
        self.server = Server(self.serve)
        self.attempts: list[Attempt] = []
        self.strays: list[str] = []
        self._secret = secret
        self._slack = slack
        self._hooks = hooks
        self._chance = chance

    @property
    def moods(self) -> tuple[str, ...]:
        return MOODS if self._slack else CALLBACK_MOODS

    @property
    def place(self) -> Place:
        url = f"http://{LOOPBACK}:{self.server.port}"
        return Place(name=self.name, slack=self._slack, url=url, secret=self._secret, hooks=self._hooks)

    async def be(self, mood: str) -> None:
        """Set the mood; half-open connections happen once."""
        self.mood = mood
        if mood == "refusing":
            self.server.close()
        else:
            await self.server.open()
        if mood == "half-open":
            self.server.swallow()

    async def serve(self, request: Request, line: Peer) -> bool:
        read = self._read(request)
        if read is None:
            self.strays.append(f"{self.name}: {request.path}")
            await line.send(answer(404))
            return True
        came = replace(read, ended_at=read.at + HANG)  # until more is known
        try:
            came = await (self._flood if self.mood in FLOODS else self._take)(read, line)
        finally:
            self.attempts.append(came)
        return came.status is not None

    def _read(self, request: Request) -> Attempt | None:
        """Return the attempt that a request is; None for a request that should not exist."""
        at, digest = time(), sha256(request.body).hexdigest()
        if self._slack:
            found = LABEL.search(request.body)
            if found is None or not request.path.startswith("/services/"):
                return None
            number = int(request.path.split("/")[3].removeprefix("B"))
            return Attempt(
                at=at, ended_at=at, receiver=self.name, label=found[0].decode(), number=number, digest=digest
            )
        if not request.path.startswith("/callbacks/"):
            return None
        _, _, label, last = request.path.split("/")
        body = json.loads(request.body)
        return Attempt(
            at=at,
            ended_at=at,
            receiver=self.name,
            label=label,
            number=int(last),
            digest=digest,
            webhook_id=request.headers.get("webhook-id"),
            watch_id=body["data"]["watchId"],
            outcome=TYPES[body["type"]],
            signed=self._is_signed(request) and body["data"]["outcome"] == TYPES[body["type"]],
        )

    def _success(self, read: Attempt) -> bytes:
        """Return the body of the answer to a message that was taken."""
        del read
        return b"ok"

    def _is_signed(self, request: Request) -> bool:
        try:
            Webhook(self._secret).verify(request.body, dict(request.headers))
        except WebhookVerificationError:
            return False
        return True

    async def _take(self, read: Attempt, line: Peer) -> Attempt:
        match self.mood:
            case "hanging":
                await line.left(HANG)
                return replace(read, ended_at=time())
            case "trickling":
                await line.trickle(answer(200, (), self._success(read)), TRICKLE_PAUSE)
                return replace(read, ended_at=time(), status=200, taken=True)
            case "unending":
                # For a callback only the status counts; for Slack the body.
                status = None if self._slack else 200
                await line.send(answer(200, (), self._success(read))[:-1])
                await line.left(HANG)
                return replace(read, ended_at=time(), status=status, taken=True)
            case "ambiguous":
                await line.send(self._chance.choice((b"", answer(200, (), self._success(read))[:-8])))
                await asyncio.sleep(TRICKLE_PAUSE)
                line.reset()
                return replace(read, ended_at=time(), taken=True)
            case "resetting":
                line.reset()
                return replace(read, ended_at=time())
            case mood:
                return await self._answer(read, line, mood)

    async def _flood(self, read: Attempt, line: Peer) -> Attempt:
        """Answer with an endless body."""
        if self.mood == "endless-1xx":
            await line.flood(FLOOD, HANG)
            return replace(read, ended_at=time())
        # The sender may either read these responses or give up on them.
        many = self.mood == "many-headers"
        await line.send(answer(200, MANY_HEADERS, b"ok") if many else answer(200, JSON, nested(self._chance)))
        return replace(read, ended_at=time(), taken=True, may_suffice=True)

    async def _answer(self, read: Attempt, line: Peer, mood: str) -> Attempt:
        status, wait = 200, None
        if mood == "redirecting":
            status = self._chance.choice((301, 302, 307, 308))
        if mood == "odd":
            status = self._chance.choice((400, 401, 404, 409, 418, 422))
        if mood == "failing":
            status = self._chance.choice((500, 502, 503))
        if mood == "busy":
            status, wait = self._chance.choice((429, 503)), self._chance.randint(2, 7)
        headers = [("Location", "/elsewhere")] if mood == "redirecting" else []
        headers += [("Retry-After", str(wait))] if wait else []
        done = replace(read, ended_at=time(), status=status, taken=status == 200, retry_after=wait)
        await line.send(answer(status, tuple(headers), self._success(read) if status == 200 else b""))
        return done
