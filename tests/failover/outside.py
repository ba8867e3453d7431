"""What is around the bridge in a run: Rally, whose imports take a moment, and a receiver of callbacks."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import time

from tests.faults.wire import LOOPBACK, Peer, Request, Server, answer, as_json

from .findings import Message

LASTS = 0.8
"""Seconds from the first poll of an import until it has ended."""
CALLBACKS = "/callbacks"
LIMIT, WINDOW = 100_000, 60
"""A rate limit that no trial reaches."""


class Outside:
    """A server that answers polls and takes callbacks; `messages` are those of the trial."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._server = Server(self._serve)
        self._begun: dict[str, float] = {}

    @property
    def host(self) -> str:
        return f"{LOOPBACK}:{self._server.port}"

    @property
    def callback_url(self) -> str:
        return f"http://{self.host}{CALLBACKS}"

    async def open(self) -> None:
        await self._server.open()

    def close(self) -> None:
        self._server.close()

    async def _serve(self, request: Request, peer: Peer) -> bool:
        if request.path == CALLBACKS:
            self.messages.append(_message(request))
            await peer.send(answer(204))
        else:
            await peer.send(self._import(request.path.rsplit("/", 1)[1]))
        return True

    def _import(self, import_id: str) -> bytes:
        now = time()
        ended = now - self._begun.setdefault(import_id, now) >= LASTS
        limits = (
            ("X-RateLimit-Limit", str(LIMIT)),
            ("X-RateLimit-Remaining", str(LIMIT - 1)),
            ("X-RateLimit-Reset", str(int(now) + WINDOW)),
        )
        reading: dict[str, object] = {
            "importId": import_id,
            "type": "CSV",
            "status": "COMPLETED" if ended else "UPLOADING",
            "personCount": 7,
            "failedRecords": [],
            "updatedAt": "2027-01-15T08:00:00Z",
        }
        return answer(200, (*limits, ("Content-Type", "application/json")), as_json(reading))


def _message(request: Request) -> Message:
    watch_id = json.loads(request.body)["data"]["watchId"]
    return Message(watch_id=watch_id, message_id=request.headers["webhook-id"], body=request.body.decode())


@asynccontextmanager
async def outside() -> AsyncIterator[Outside]:
    it = Outside()
    await it.open()
    try:
        yield it
    finally:
        it.close()
