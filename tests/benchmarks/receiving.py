"""Receiving: the time from a push of Rally to our answer, at an even rate, next to a bare endpoint.

The bare endpoint checks the same signature and remembers the id of the message in one durable write; it does nothing
with it.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from statistics import median, quantiles
from time import monotonic, perf_counter, time
from typing import TypeVar

from redis.asyncio import Redis
from standardwebhooks import Webhook
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.benchmarks.accepting import OURS, await_server
from tests.benchmarks.polling import fill
from tests.benchmarks.stage import RUNS, Stage, free_port, row, stage
from tests.support.push_messages import PUSH_SECRET, push_body, signed_headers

PUSHES, BY_SECOND, CONNECTIONS, WARM_UP = 750, 50, 16, 50
WATCHED = 400
"""The imports that are polled; every second push is about one of them."""
PATH = "/v1/push/rally/default"
REDIS_URL = "REDIS_URL"

ResultT = TypeVar("ResultT")


async def remember(request: Request) -> Response:
    body = await request.body()
    Webhook(PUSH_SECRET).verify(
        body, {name.replace("svix", "webhook"): value for name, value in request.headers.items()}
    )
    await request.app.state.redis.set(f"seen:{request.headers['svix-id']}", 1, nx=True, ex=172_800)
    return Response(status_code=204)


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    app.state.redis = Redis.from_url(os.environ[REDIS_URL])
    yield
    await app.state.redis.aclose()


bare = Starlette(routes=[Route(PATH, remember, methods=["POST"])], lifespan=lifespan)


class Sender:
    """Connections that are kept open; a push waits for a free one."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()

    async def open(self) -> None:
        for _ in range(CONNECTIONS):
            self._free.put_nowait(await asyncio.open_connection("127.0.0.1", self._port))

    async def push(self, import_id: str) -> float:
        """Send a push, and return the ms until its answer."""
        body = push_body(import_id)
        signed = signed_headers(body, message_id=f"msg_{time():.6f}_{import_id}")
        lines = "".join(f"{name}: {value}\r\n" for name, value in signed.items())
        head = f"POST {PATH} HTTP/1.1\r\nHost: bridge\r\n{lines}Content-Length: {len(body)}\r\n\r\n"
        began = perf_counter()
        reader, writer = await self._free.get()
        writer.write(head.encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        took = (perf_counter() - began) * 1000
        self._free.put_nowait((reader, writer))
        assert b" 204 " in answer.split(b"\r\n", 1)[0], answer
        return took


async def evenly(number: int, action: Callable[[int], Awaitable[ResultT]]) -> list[ResultT]:
    """Begin an action at an even rate, however long each takes; return their results."""
    begin = monotonic()

    async def at_its_time(each: int) -> ResultT:
        await asyncio.sleep(begin + each / BY_SECOND - monotonic())
        return await action(each)

    return list(await asyncio.gather(*map(at_its_time, range(number))))


async def measured(port: int) -> list[float]:
    sender = Sender(port)
    await sender.open()

    async def push(number: int) -> float:
        return await sender.push(f"imp{number // 2}" if number % 2 else f"unwatched{number}")

    await evenly(WARM_UP, push)
    return await evenly(PUSHES, push)


def times(our_stage: Stage, app: str, http: str) -> list[float]:
    """Return the ms until each answer of one process."""
    port = free_port()
    words = ("-m", "uvicorn", app, "--http", http, "--port", str(port), "--no-access-log", "--log-level", "warning")
    with our_stage.process(*words, RALLY_WEBHOOK_SECRETS=PUSH_SECRET):
        await_server(port)
        return asyncio.run(measured(port))


def run() -> tuple[list[float], list[float]]:
    """Return the times of our endpoint, beside a worker that polls what is pushed, and of the bare one."""
    with stage() as our_stage:
        asyncio.run(fill(our_stage, WATCHED, notify=()))
        with our_stage.process("-m", "bridge.cli", "worker"):
            ours = times(our_stage, "bridge.web.app:app", OURS)
    with stage() as other:
        return ours, times(other, "tests.benchmarks.receiving:bare", "httptools")


def p50(values: list[float]) -> float:
    return median(values)


def p99(values: list[float]) -> float:
    return quantiles(values, n=100)[98]


def main() -> None:
    runs = [run() for _ in range(RUNS)]
    print(f"Receiving: {BY_SECOND} pushes a second, half of them about watched imports, in one process")
    row(
        "p50 of our endpoint, of a bare one, ms",
        ", ".join(f"{median(map(p50, each)):.1f}" for each in zip(*runs, strict=True)),
    )
    row(
        "p99 of our endpoint, of a bare one, ms",
        ", ".join(f"{median(map(p99, each)):.1f}" for each in zip(*runs, strict=True)),
    )
    row("p99 of our endpoint in the worst run, ms", f"{max(p99(ours) for ours, _ in runs):.1f}", "goal ≤ 250")
    row("p50: ours / bare", f"{median(p50(ours) / p50(theirs) for ours, theirs in runs):.1f}", "goal ≤ 3")


if __name__ == "__main__":
    main()
