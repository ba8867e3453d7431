"""Latency: from the arrival of the final response to the first byte at the destination.

Next to it, with the same Rally, receiver and Redis: a bare pipeline that polls as often, writes once durably and sends
one signed message. It keeps none of our promises; the ratio is their cost.
"""

import asyncio
import json
import ssl
import sys
from pathlib import Path
from statistics import median, quantiles
from time import monotonic, sleep, time

import httpx
from redis.asyncio import Redis

from bridge.destinations.callback_signing import sign
from bridge.domain.destinations import Callback
from bridge.domain.secret import Secret
from bridge.rally.workspaces import POLL_SLOTS
from tests.benchmarks.polling import fill
from tests.benchmarks.stage import RUNS, Stage, row, stage

IMPORTS = 500
BY_SECOND = 50
INTERVAL = 0.5
SCHEDULE = {"POLL_FLOOR": "500ms", "POLL_CEILING": "500ms"}
SECRET = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")


async def bare(rally_url: str, redis_url: str) -> None:
    """Poll every import twice a second until it has ended; then write that and send one signed message."""
    tls, redis = ssl.create_default_context(), Redis.from_url(redis_url)
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1)
    telling: set[asyncio.Task[None]] = set()

    def client() -> httpx.AsyncClient:
        return httpx.AsyncClient(verify=tls, limits=limits, trust_env=False)

    async def tell(idle: asyncio.Queue[httpx.AsyncClient], import_id: str, reading: str) -> None:
        await redis.hset(f"bare:{import_id}", "reading", reading)
        body = json.dumps({"type": "import.completed", "data": {"importId": import_id, "reading": reading}}).encode()
        signature = sign(f"ntf_{import_id}", int(time()), body, [SECRET])
        headers = {
            "webhook-id": f"ntf_{import_id}",
            "webhook-timestamp": str(int(time())),
            "webhook-signature": signature,
        }
        sender = await idle.get()
        await sender.post(f"{rally_url}/hooks/rally", content=body, headers=headers)
        idle.put_nowait(sender)

    async def poll(number: int, idle: asyncio.Queue[httpx.AsyncClient]) -> None:
        open_imports = [f"imp{each}" for each in range(number, IMPORTS, POLL_SLOTS)]
        async with client() as http:
            while open_imports:
                began = monotonic()
                for import_id in list(open_imports):
                    answer = await http.get(f"{rally_url}/v1/imports/{import_id}")
                    if answer.json()["status"] == "COMPLETED":
                        open_imports.remove(import_id)
                        task = asyncio.create_task(tell(idle, import_id, answer.text))
                        telling.add(task)
                        task.add_done_callback(telling.discard)
                await asyncio.sleep(began + INTERVAL - monotonic())

    idle: asyncio.Queue[httpx.AsyncClient] = asyncio.Queue()
    for _ in range(POLL_SLOTS):
        idle.put_nowait(client())
    await asyncio.gather(*(poll(number, idle) for number in range(POLL_SLOTS)))
    await asyncio.gather(*telling)


def latencies(our_stage: Stage, *command: str) -> list[float]:
    """Let imports end while a program polls them; return the ms from each final response to its message."""
    with our_stage.process(*command, **SCHEDULE):
        sleep(4)
        our_stage.end_imports(BY_SECOND)
        until = monotonic() + 6 * IMPORTS / BY_SECOND
        while len((record := our_stage.record())["arrived"]) < IMPORTS and monotonic() < until:
            sleep(0.5)
    assert len(record["arrived"]) == IMPORTS, f"{len(record['arrived'])} of {IMPORTS} arrived"
    return [(record["arrived"][each] - ended) * 1000 for each, ended in record["ended"].items()]


def run() -> tuple[list[float], list[float]]:
    """Return the latencies of our worker and of the bare pipeline."""
    with stage() as our_stage:
        notify = (Callback(url=Secret(f"{our_stage.rally_url}/hooks/rally")),)
        asyncio.run(fill(our_stage, IMPORTS, notify=notify))
        ours = latencies(our_stage, "-m", "bridge.cli", "worker")
    with stage() as other:
        return ours, latencies(other, str(Path(__file__)), other.rally_url, other.redis_url)


def p99(values: list[float]) -> float:
    return quantiles(values, n=100)[98]


def main() -> None:
    runs = [run() for _ in range(RUNS)]
    print(f"Latency: {IMPORTS} imports, {BY_SECOND} outcomes a second, from Rally's answer to the receiver")
    row(
        "p50 of our worker, of the bare pipeline, ms",
        ", ".join(f"{median(map(median, each)):.1f}" for each in zip(*runs, strict=True)),
    )
    row(
        "p99 of our worker, of the bare pipeline, ms",
        ", ".join(f"{median(map(p99, each)):.1f}" for each in zip(*runs, strict=True)),
    )
    row("p50: ours / bare", f"{median(median(ours) / median(bare_) for ours, bare_ in runs):.1f}", "goal ≤ 3")
    row("p99: ours / bare", f"{median(p99(ours) / p99(bare_) for ours, bare_ in runs):.1f}", "goal ≤ 4")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(bare(sys.argv[1], sys.argv[2]))
    else:
        main()
