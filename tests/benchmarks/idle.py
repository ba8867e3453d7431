"""Idle: CPU and memory of `serve` and a worker without work, and the time from a ring to a message."""

import asyncio
import os
from pathlib import Path
from statistics import median
from time import monotonic, sleep, time

from bridge.queue import Job
from bridge.resources import open_resources
from bridge.startup import check_store
from tests.benchmarks.delivery import create_delivery
from tests.benchmarks.stage import RUNS, Stage, free_port, row, stage

SETTLED = 8
"""Seconds until both have finished their start."""
WATCHED = 20
MESSAGES = 30
APART = 0.5


def cpu_seconds(pid: int) -> float:
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> float:
    """Return the resident set in MB, including shared pages."""
    return int(Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0]) / 1024


async def ring_apart(our_stage: Stage) -> dict[str, float]:
    """Create deliveries with long pauses; return when each was created."""
    created_at: dict[str, float] = {}
    async with open_resources(our_stage.settings()) as resources:
        await check_store(resources)
        for number in range(MESSAGES):
            await asyncio.sleep(APART + number % 7 / 50)  # not in phase with any timer of the worker
            await create_delivery(resources, our_stage.port, number)
            created_at[f"imp{number}"] = time()
            resources.bell.ring(Job.DELIVER)
        await asyncio.sleep(1)
    return created_at


def run() -> tuple[float, float, float, float]:
    """Return the % of a core of the worker and of `serve`, their total MB, and the ms from ring to receiver."""
    serving = ("-m", "bridge.cli", "serve", "--port", str(free_port()))
    with (
        stage(hosts=100) as our_stage,
        our_stage.process("-m", "bridge.cli", "worker") as worker,
        our_stage.process(*serving) as serve,
    ):
        sleep(SETTLED)
        memory = resident(worker.pid) + resident(serve.pid)
        began, before = monotonic(), [cpu_seconds(each.pid) for each in (worker, serve)]
        sleep(WATCHED)
        took = monotonic() - began
        after = [cpu_seconds(each.pid) for each in (worker, serve)]
        shares = [(now - was) / took * 100 for now, was in zip(after, before, strict=True)]
        created_at = asyncio.run(ring_apart(our_stage))
        arrived = our_stage.record()["arrived"]
        return shares[0], shares[1], memory, median((arrived[each] - at) * 1000 for each, at in created_at.items())


def main() -> None:
    print(f"Idle: one worker and `serve` for {WATCHED} s; then {MESSAGES} messages, {APART} s apart")
    workers, serves, memory, rings = zip(*(run() for _ in range(RUNS)), strict=True)
    row("an idle worker, % of a core", f"{median(workers):.2f}", "goal ≤ 0.5")
    row("an idle `serve`, % of a core", f"{median(serves):.2f}")
    row("both together, MB resident", f"{median(memory):.0f}", "goal ≤ 120")
    row("from a ring to the receiver, ms, p50", f"{median(rings):.0f}", "unchanged")


if __name__ == "__main__":
    main()
