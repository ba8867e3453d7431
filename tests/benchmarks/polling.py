"""Polling: polls per second of our worker, a bare httpx loop and one arq job per poll; Redis commands per poll."""

import asyncio
import ssl
import sys
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from time import monotonic, sleep
from typing import Any

import httpx
from arq import ArqRedis, Worker, func
from redis.asyncio import ConnectionPool

from bridge import log, queue
from bridge.domain.secret import Secret
from bridge.domain.workspaces import DEFAULT_WORKSPACE
from bridge.rally import RallyClient
from bridge.rally.workspaces import POLL_SLOTS
from bridge.resources import open_resources
from bridge.settings import load_settings
from bridge.startup import check_store
from bridge.store.watches.acceptance_call import NewWatch
from tests.benchmarks.stage import RUNS, Stage, row, stage
from workers.worker import build_worker

IMPORTS = 5_000
WARM_UP = 2.0
MEASURED = 3.0
ALWAYS_DUE = {"POLL_FLOOR": "1ms", "POLL_CEILING": "1ms"}
"""Everything is always due, so that the maximum rate is measured."""


async def fill(stage: Stage, count: int, *, already: int = 0, notify: tuple[Any, ...] = ()) -> None:
    """Accept watches like the API until there are `count` imports."""
    async with open_resources(stage.settings(**ALWAYS_DUE)) as resources:
        await check_store(resources)
        for first in range(already, count, 500):
            await asyncio.gather(
                *(
                    resources.watches.accept(
                        NewWatch(
                            id=f"wat_{number:026d}",
                            client="bench",
                            workspace="default",
                            import_id=f"imp{number}",
                            notify=notify,
                            label=f"Q4 panel upload, part {number}",
                            metadata={"ticket": "RES-12", "part": number},
                            expires_in=86_400_000,
                        ),
                        grace=600_000,
                        reuse=300_000,
                    )
                    for number in range(first, min(first + 500, count))
                )
            )


async def ours() -> None:
    """Run the product's poll shift for ever."""
    settings = load_settings(env_file=None)
    log.configure(settings.log_level, "worker")
    async with open_resources(settings) as resources:
        await check_store(resources)
        shift = build_worker(resources).polls["default"]
        while True:
            await shift.work()


async def bare() -> None:
    """Poll as fast as httpx can, with as many one-connection clients as our worker has slots and one TLS context."""
    settings = load_settings(env_file=None)
    tls = ssl.create_default_context()
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1)
    key = settings.workspaces[DEFAULT_WORKSPACE].key.reveal()
    headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}

    async def loop(number: int) -> None:
        async with httpx.AsyncClient(verify=tls, limits=limits, headers=headers, trust_env=False) as client:
            while True:
                number = (number + POLL_SLOTS) % IMPORTS
                (await client.get(f"{settings.rally_base_url}/imports/imp{number}")).json()

    await asyncio.gather(*(loop(number) for number in range(POLL_SLOTS)))


async def ask_once(ctx: dict[str, Any], import_id: str, polls: int) -> None:
    """Run one job of the rival: poll, write the reading, enqueue the next job."""
    reply = await ctx["rally"].get_import(import_id, at=lambda: 0)
    await ctx["redis"].hset(f"rival:{import_id}", mapping={"polls": polls, "answer": repr(reply.answer)})
    await ctx["redis"].enqueue_job("ask_once", import_id, polls + 1)


async def rival() -> None:
    """Run an arq worker with one job per poll, tuned according to arq's documentation and our measurements."""
    settings = load_settings(env_file=None)
    rally = RallyClient(base_url=settings.rally_base_url, key=Secret("key"), slots=POLL_SLOTS, total_timeout=7.5)
    pool = ArqRedis(
        ConnectionPool.from_url(settings.redis_url.reveal()),
        job_serializer=queue.serialize,
        job_deserializer=queue.deserialize,
        default_queue_name=queue.QUEUE,
    )
    for number in range(4 * POLL_SLOTS):
        await pool.enqueue_job("ask_once", f"imp{number}", 0)
    worker = Worker(
        functions=[func(ask_once, keep_result=0, timeout=15)],
        redis_pool=pool,
        queue_name=queue.QUEUE,
        ctx={"rally": rally},
        max_jobs=2 * POLL_SLOTS,
        poll_delay=0.02,
        keep_result=0,
        job_serializer=queue.serialize,
        job_deserializer=queue.deserialize,
        log_results=False,
        handle_signals=False,
    )
    await worker.main()


def rate(stage: Stage, *modes: str) -> tuple[float, float]:
    """Return polls per second and Redis commands per poll of all processes together."""
    with ExitStack() as running:
        for mode in modes:
            running.enter_context(stage.process(str(Path(__file__)), mode, **ALWAYS_DUE))
        sleep(WARM_UP)
        redis = stage.redis()
        polls, commands, began = stage.record()["polls"], _commands(redis), monotonic()
        sleep(MEASURED)
        polls, commands = stage.record()["polls"] - polls, _commands(redis) - commands
        return polls / (monotonic() - began), commands / max(1, polls)


def _commands(redis: Any) -> int:
    """Count all commands, including those of scripts."""
    return sum(stat["calls"] for name, stat in redis.info("commandstats").items() if "evalsha" not in name)


def main() -> None:
    table: dict[str, list[float]] = {"bare": [], "ours": [], "two": [], "rival": [], "commands": []}
    with stage() as our_stage:
        asyncio.run(fill(our_stage, IMPORTS))
        for _ in range(RUNS):
            with stage_of_the_rival() as other:
                table["rival"].append(rate(other, "rival")[0])
            table["bare"].append(rate(our_stage, "bare")[0])
            alone, commands = rate(our_stage, "ours")
            table["ours"].append(alone)
            table["commands"].append(commands)
            table["two"].append(rate(our_stage, "ours", "ours")[0])
    print(f"Polling: {IMPORTS} imports, always due; {POLL_SLOTS} connections a process; medians of {RUNS} runs")
    row("polls per second: one worker", f"{median(table['ours']):.0f}")
    row("polls per second: bare httpx loop", f"{median(table['bare']):.0f}")
    row("polls per second: one arq job for each poll", f"{median(table['rival']):.0f}")
    row("one worker / bare httpx loop", _ratio(table, "ours", "bare"), "goal ≥ 0.85")
    row("one worker / one arq job for each poll", _ratio(table, "ours", "rival"), "goal ≥ 1.8")
    row("two workers / one", _ratio(table, "two", "ours"), "goal ≥ 1.4")
    row("Redis commands per poll, loaded", f"{median(table['commands']):.1f}", "goal ≤ 6")


def stage_of_the_rival() -> Any:
    """Start an empty Redis for the rival."""
    return stage()


def _ratio(table: dict[str, list[float]], one: str, other: str) -> str:
    """Return the median of the ratios within each run, which vary less than the rates."""
    return f"{median(a / b for a, b in zip(table[one], table[other], strict=True)):.2f}"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run({"ours": ours, "bare": bare, "rival": rival}[sys.argv[1]]())
    else:
        main()
