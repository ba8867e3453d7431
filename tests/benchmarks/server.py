"""A fast fake Rally and receiver in a separate process, which counts requests and records times.

`python -m tests.benchmarks.server PORT LIMIT WINDOW OTHERS HOSTS DELAY`: a fixed window of LIMIT calls in WINDOW
seconds, of which another consumer spends OTHERS, evenly. It listens on HOSTS loopback addresses, so that it can be many
receivers. Polls are answered after DELAY milliseconds. `/status/NAME` sets the status of all imports; `/ending/RATE`
lets polled imports end at an even rate per second; `/ended/IMPORT` ends one; a post to `/hang` gets no response;
`/record` returns the record.
"""

import asyncio
import json
import sys
from collections import Counter, defaultdict
from datetime import UTC, datetime
from time import time
from typing import Any
from urllib.parse import unquote

HEAD = "HTTP/1.1 %s\r\nContent-Length: %d\r\nX-RateLimit-Limit: %d\r\nX-RateLimit-Remaining: %d\r\n"
DATE = "X-RateLimit-Reset: %d\r\n%s\r\n"


UNLIMITED = 1_000_000


class World:
    """The state and the record of the server."""

    def __init__(self, limit: int, window: int, others: int) -> None:
        self.limit, self.window, self.others = limit, window, others
        self.status, self.updated_at = "UPLOADING", datetime.now(UTC).isoformat()
        self.polls = 0
        self.polled: defaultdict[str, list[float]] = defaultdict(list)
        self.received = 0
        self.next_end: float | None = None
        self.between_ends = 0.0
        self.taken: Counter[int] = Counter()
        self.refused: Counter[int] = Counter()
        self.ended: dict[str, float] = {}
        self.arrived: dict[str, float] = {}

    def poll(self, import_id: str) -> bytes:
        now = time()
        end = (int(now) // self.window + 1) * self.window
        spent = int(self.others * (1 - (end - now) / self.window))
        left = self.limit - self.taken[end] - spent
        if left <= 0:
            self.refused[end] += 1
            wait = max(1, int(end - now) + 1)
            return self._answer("429 Too Many Requests", 0, end, b"", f"Retry-After: {wait}\r\n")
        self.taken[end] += 1
        self.polls += 1
        if self.limit < UNLIMITED:
            self.polled[import_id].append(now)
        status = self._status_of(import_id, now)
        if status == "COMPLETED":
            self.ended.setdefault(import_id, now)
        body = (
            f'{{"importId":"{import_id}","type":"CSV","status":"{status}","personCount":7,'
            f'"failedRecords":null,"updatedAt":"{self.updated_at}"}}'
        )
        return self._answer("200 OK", left - 1, end, body.encode(), "")

    def _status_of(self, import_id: str, now: float) -> str:
        if import_id in self.ended or self.next_end is None or now < self.next_end:
            return "COMPLETED" if import_id in self.ended else self.status
        self.next_end = now + self.between_ends
        return "COMPLETED"

    def _answer(self, status: str, left: int, end: int, body: bytes, more: str) -> bytes:
        head = HEAD % (status, len(body), self.limit, left) + DATE % (end, more)
        return head.encode() + body

    def receive(self, body: bytes) -> bytes:
        self.received += 1
        self.arrived.setdefault(json.loads(body)["data"]["importId"], time())
        return b"HTTP/1.1 204 No Content\r\n\r\n"

    def record(self) -> bytes:
        facts: dict[str, Any] = {
            "polls": self.polls,
            "polled": self.polled,
            "received": self.received,
            "taken": self.taken,
            "refused": self.refused,
            "ended": self.ended,
            "arrived": self.arrived,
        }
        body = json.dumps(facts).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body


class Connection(asyncio.Protocol):
    """The part of HTTP/1.1 that our own clients use."""

    def __init__(self, world: World, delay: float) -> None:
        self._world, self._delay = world, delay
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._out = transport

    def data_received(self, data: bytes) -> None:
        self._read += data
        while b"\r\n\r\n" in self._read:
            head, _, rest = self._read.partition(b"\r\n\r\n")
            lower = head.lower()
            length = 0
            if b"content-length:" in lower:
                length = int(lower.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
            if len(rest) < length:
                return
            self._read = rest[length:]
            if head.startswith(b"POST /hang"):
                return
            path = head.split(b" ", 2)[1].decode()
            if self._delay and "/imports/" in path:
                asyncio.get_running_loop().call_later(self._delay, self._answer_late, path)
            else:
                self._out.write(self._answer(path, rest[:length]))

    def _answer_late(self, path: str) -> None:
        self._out.write(self._answer(path, b""))

    def _answer(self, path: str, body: bytes) -> bytes:
        if "/imports/" in path:
            return self._world.poll(unquote(path.rsplit("/", 1)[1]))
        if path.startswith("/status/"):
            self._world.status = path.rsplit("/", 1)[1]
            return self._world.record()
        if path.startswith("/ending/"):
            self._world.next_end, self._world.between_ends = time(), 1 / float(path.rsplit("/", 1)[1])
            return self._world.record()
        if path.startswith("/ended/"):
            self._world.ended[path.rsplit("/", 1)[1]] = time()
            return b"HTTP/1.1 204 No Content\r\n\r\n"
        return self._world.record() if path == "/record" else self._world.receive(body)


async def main() -> None:
    port, limit, window, others, hosts, delay = (int(word) for word in sys.argv[1:7])
    world = World(limit, window, others)
    places = [f"127.0.0.{number}" for number in range(1, hosts + 1)]
    server = await asyncio.get_running_loop().create_server(lambda: Connection(world, delay / 1000), places, port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
