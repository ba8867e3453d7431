"""Accepting: POST /v1/watches per second, next to a bare endpoint and one that enqueues a job per request."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from statistics import median
from time import monotonic, sleep

import psutil
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bridge import queue
from bridge.settings import load_settings
from tests.benchmarks.stage import PATIENCE, RUNS, Stage, free_port, row, stage

CONNECTIONS = (32, 128)
"""Each connection sends its next request after the response; with few of them, all wait for Redis' disk writes."""
OURS = "bridge.web.http_protocol:Connection"
OTHERS = {"httptools, which bounds no head": "httptools", "h11, which bounds its bytes": "h11"}
"""Other HTTP implementations of uvicorn."""
WARM_UP, MEASURED = 1.0, 4.0
BODY = {
    "importId": "IMPORT",
    "label": "Q4 panel upload",
    "metadata": {"ticket": "RES-12"},
    "notify": [{"type": "callback", "url": "https://crm.example.com/hooks/rally"}],
}


async def echo(request: Request) -> Response:
    """Read JSON and return JSON."""
    body = await request.json()
    return JSONResponse({"id": "wat_1", "importId": body["importId"], "state": "watching"}, 202)


async def enqueue(request: Request) -> Response:
    """Enqueue a job for each request, as other services do."""
    body = await request.json()
    await request.app.state.arq.enqueue_job("watch", body["importId"], body["notify"])
    return JSONResponse({"id": "wat_1", "importId": body["importId"], "state": "watching"}, 202)


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    app.state.arq = queue.connect(load_settings(env_file=None).redis_url)
    yield
    await app.state.arq.aclose()


rivals = Starlette(
    routes=[Route("/echo", echo, methods=["POST"]), Route("/enqueue", enqueue, methods=["POST"])], lifespan=lifespan
)


async def posting(port: int, path: str, number: int, until: float) -> int:
    """Post over one connection, each time another import; return the number of accepted requests."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    accepted = 0
    while monotonic() < until:
        body = json.dumps(BODY | {"importId": f"imp-{number}-{accepted}"}).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: bridge\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer key-of-the-benchmark\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        await reader.readexactly(int(answer.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0]))
        assert b" 202 " in answer.split(b"\r\n", 1)[0], answer
        accepted += 1
    writer.close()
    return accepted


async def post_from_all(port: int, path: str, connections: int, seconds: float) -> float:
    until = monotonic() + seconds
    counts = await asyncio.gather(*(posting(port, path, number, until) for number in range(connections)))
    return sum(counts) / seconds


def await_server(port: int) -> None:
    until = monotonic() + PATIENCE
    while monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            sleep(0.1)
        else:
            return
    raise SystemExit("The server does not answer")


@contextmanager
def server(our_stage: Stage, app: str, path: str, http: str) -> Iterator[tuple[int, psutil.Process]]:
    """Serve an app in one process, warmed up; yield its port and the process."""
    port = free_port()
    words = ("-m", "uvicorn", app, "--http", http, "--port", str(port), "--no-access-log", "--log-level", "warning")
    with our_stage.process(*words, CLIENT_RATE_LIMIT="1000000") as process:
        await_server(port)
        asyncio.run(post_from_all(port, path, CONNECTIONS[0], WARM_UP))
        yield port, psutil.Process(process.pid)


def rates(our_stage: Stage, app: str, path: str, http: str) -> dict[int, float]:
    """Return accepted requests per second of one process, by the number of connections."""
    with server(our_stage, app, path, http) as (port, _):
        return {number: asyncio.run(post_from_all(port, path, number, MEASURED)) for number in CONNECTIONS}


def cost(our_stage: Stage, http: str) -> float:
    """Return the CPU time (µs) of an accepted request, which compares protocols better than a rate."""
    with server(our_stage, "bridge.web.app:app", "/v1/watches", http) as (port, process):
        before = sum(process.cpu_times()[:2])
        accepted = MEASURED * asyncio.run(post_from_all(port, "/v1/watches", CONNECTIONS[0], MEASURED))
        return (sum(process.cpu_times()[:2]) - before) / accepted * 1e6


def main() -> None:
    print(f"Accepting, in one process; medians of {RUNS} runs")
    ours: list[dict[int, float]] = []
    theirs: dict[str, list[dict[int, float]]] = {"/echo": [], "/enqueue": []}
    costs: dict[str, list[float]] = {http: [] for http in (OURS, *OTHERS.values())}
    with stage() as our_stage:
        for _ in range(RUNS):
            for path, found in theirs.items():
                found.append(rates(our_stage, "tests.benchmarks.accepting:rivals", path, "httptools"))
            for http, spent in costs.items():
                spent.append(cost(our_stage, http))
            ours.append(rates(our_stage, "bridge.web.app:app", "/v1/watches", OURS))
    for number in CONNECTIONS:
        row(f"requests per second over {number} connections: ours", f"{median(run[number] for run in ours):.0f}")
        for path, name, goal in (("/echo", "bare endpoint", 0.25), ("/enqueue", "a job for each request", 1.2)):
            ratios = [run[number] / rival[number] for run, rival in zip(ours, theirs[path], strict=True)]
            row(f"… ours / {name}", f"{median(ratios):.2f}", f"goal ≥ {goal}")
    row("CPU of an accepted request", f"{median(costs[OURS]):.0f} µs")
    for name, http in OTHERS.items():
        row(f"… with {name}", f"{median(costs[http]):.0f} µs")


if __name__ == "__main__":
    main()
