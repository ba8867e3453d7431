"""Memory: of an open watch with two destinations in Redis, and of many in a worker; and the time of a claim."""

import asyncio
from pathlib import Path
from statistics import median
from time import monotonic, sleep

from bridge.domain.destinations import Callback, SlackWebhook
from bridge.domain.polling.budget import Grant
from bridge.domain.secret import Secret
from bridge.resources import open_resources
from bridge.startup import check_store
from tests.benchmarks.polling import ALWAYS_DUE, fill
from tests.benchmarks.stage import Stage, row, stage

STEPS = (1_000, 10_000, 100_000)
CLAIMS = 50
ROOM = 100
NOTIFY = (
    SlackWebhook(url=Secret("https://hooks.slack.com/services/T0123ABCD/B0123ABCD/abcdefghijklmnopqrstuvwx")),
    Callback(url=Secret("https://crm.example.com/hooks/rally/imports"), headers={"X-Api-Key": Secret("k" * 32)}),
)


async def claim_time(stage: Stage) -> float:
    """Return the median time of a claim of a hundred imports, in ms."""
    async with open_resources(stage.settings()) as resources:
        await check_store(resources)
        took = []
        for _ in range(CLAIMS):
            snapshot = await resources.budgets.read("default")
            grant = Grant(count=ROOM, again_at=0)
            began = monotonic()
            await resources.imports.claim("default", snapshot.budget, grant, room=ROOM, lease=1, now=snapshot.now)
            took.append(monotonic() - began)
        return median(took) * 1000


def worker_memory(stage: Stage) -> float:
    """Return the peak memory of a worker that polls them all, in MB."""
    with stage.process("-m", "bridge.cli", "worker", **ALWAYS_DUE) as worker:
        sleep(15)
        status = Path(f"/proc/{worker.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024


def main() -> None:
    print(f"Memory: open watches, each of an import of its own, with two destinations; claims of {ROOM}")
    with stage() as our_stage:
        asyncio.run(fill(our_stage, 1))
        empty = our_stage.info("memory")["used_memory"]
        there, claims = 1, []
        for count in STEPS:
            asyncio.run(fill(our_stage, count, already=there, notify=NOTIFY))
            there = count
            claims.append(asyncio.run(claim_time(our_stage)))
            row(f"a claim, ms, among {count:,} imports", f"{claims[-1]:.1f}")
        each = (our_stage.info("memory")["used_memory"] - empty) / there
        row("a claim among the most / among the least", f"{claims[-1] / claims[0]:.2f}", "flat")
        row(f"Redis, KB for each of {there:,} open watches", f"{each / 1024:.2f}", "goal ≤ 3")
        row("a worker, MB at most", f"{worker_memory(our_stage):.0f}", "goal ≤ 100")


if __name__ == "__main__":
    main()
