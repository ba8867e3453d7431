"""Delivery: messages per second of one worker and of a bare signed loop; delays by hanging receivers."""

import asyncio
import ssl
import sys
from itertools import count
from pathlib import Path
from statistics import median, quantiles
from time import monotonic, sleep, time

import httpx

from bridge.destinations.callback_signing import sign
from bridge.domain.conclusions import Conclusion
from bridge.domain.destinations import Callback
from bridge.domain.import_state import ImportState
from bridge.domain.imports import Reading
from bridge.domain.outcomes import Outcome
from bridge.domain.secret import Secret
from bridge.queue import Job
from bridge.resources import Resources, open_resources
from bridge.startup import check_store
from bridge.store.watches.acceptance_call import AcceptedWatch, NewWatch
from tests.benchmarks.stage import RUNS, Stage, row, stage
from workers.delivery_slots import SLOTS
from workers.settle import settlement_of

MESSAGES = 4_000
HOSTS = 100
PACE = 100
"""Messages per second while receivers hang."""
PACED = 1_000
SECRET = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
BODY = (
    '{"type":"import.completed","timestamp":"2026-11-24T00:00:00.000Z","data":{"watchId":"wat_1","workspace":"default",'
    '"importId":"imp%d","label":"Q4 panel upload","metadata":{"ticket":"RES-12"},"outcome":"completed","reason":null,'
    '"import":{"importId":"imp%d","type":"CSV","status":"COMPLETED","personCount":7,"failedRecordCount":0,'
    '"failedRecords":[],"updatedAt":"2026-11-24T00:00:00Z"}}}'
)


async def create_delivery(
    resources: Resources, port: int, number: int, *, hosts: int = HOSTS, path: str = "hooks/rally"
) -> None:
    """Settle a watch with one callback, each to the next of the hosts."""
    url = f"http://127.0.0.{number % hosts + 1}:{port}/{path}"
    reading = Reading(import_id=f"imp{number}", type="CSV", status="COMPLETED", person_count=7)
    accepted = await resources.watches.accept(
        NewWatch(
            id=f"wat_{number:026d}",
            client="bench",
            workspace="default",
            import_id=reading.import_id,
            notify=(Callback(url=Secret(url), secret=SECRET),),
            label="Q4 panel upload",
            metadata={"ticket": "RES-12"},
            expires_in=86_400_000,
        ),
        grace=600_000,
        reuse=300_000,
    )
    assert isinstance(accepted, AcceptedWatch)
    known = ImportState(reading=reading)
    conclusion, now = Conclusion(Outcome.COMPLETED), accepted.watch.created_at
    settlement = settlement_of(accepted.watch, conclusion, known, now, lane=resources.lane, show_emails=False)
    await resources.endings.settle(settlement)


async def create_many(stage: Stage, number: int) -> None:
    async with open_resources(stage.settings()) as resources:
        await check_store(resources)
        for first in range(0, number, 200):
            await asyncio.gather(*(create_delivery(resources, stage.port, each) for each in range(first, first + 200)))


async def bare(port: int) -> None:
    """Sign and post as fast as httpx can, with as many one-connection clients as our worker has slots."""
    numbers = count()
    tls = ssl.create_default_context()

    async def loop() -> None:
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1)
        async with httpx.AsyncClient(verify=tls, limits=limits, trust_env=False) as client:
            while (number := next(numbers)) < MESSAGES:
                body = (BODY % (number, number)).encode()
                headers = {
                    "content-type": "application/json",
                    "webhook-id": f"ntf_{number}",
                    "webhook-timestamp": str(int(time())),
                    "webhook-signature": sign(f"ntf_{number}", int(time()), body, [SECRET]),
                }
                url = f"http://127.0.0.{number % HOSTS + 1}:{port}/hooks/rally"
                (await client.post(url, content=body, headers=headers)).raise_for_status()

    await asyncio.gather(*(loop() for _ in range(SLOTS)))


def rate(our_stage: Stage, *command: str) -> float:
    """Return messages per second between the first and the last arrival."""
    with our_stage.process(*command):
        before = our_stage.record()["received"]
        until = monotonic() + 60
        while our_stage.record()["received"] < before + MESSAGES and monotonic() < until:
            sleep(0.2)
        arrived: list[float] = list(our_stage.record()["arrived"].values())
        return (len(arrived) - 1) / (max(arrived) - min(arrived))


def throughput() -> tuple[float, float]:
    """Return messages per second of a worker, and of the bare loop."""
    with stage(hosts=HOSTS) as our_stage:
        asyncio.run(create_many(our_stage, MESSAGES))
        ours = rate(our_stage, "-m", "bridge.cli", "worker")
    with stage(hosts=HOSTS) as other:
        return ours, rate(other, str(Path(__file__)), str(other.port))


async def create_at_a_pace(stage: Stage, *, hosts: int, hanging: int) -> dict[str, float]:
    """Create deliveries at a pace; return when each one to a host that doesn't hang was created.

    Every host answers its first message, which is not measured; after that, `hanging` of them hang, evenly spread.
    """
    created_at: dict[str, float] = {}
    async with open_resources(stage.settings()) as resources:
        await check_store(resources)
        for number in range(-hosts, 0):
            await create_delivery(resources, stage.port, number + 10 * hosts + PACED, hosts=hosts)
        resources.bell.ring(Job.DELIVER)
        await asyncio.sleep(3)
        began = monotonic()
        for number in range(PACED):
            await asyncio.sleep(max(0.0, began + number / PACE - monotonic()))
            hangs = number * hanging % hosts < hanging
            if not hangs:
                created_at[f"imp{number}"] = time()
            await create_delivery(resources, stage.port, number, hosts=hosts, path="hang" if hangs else "hooks/rally")
            resources.bell.ring(Job.DELIVER)
        await asyncio.sleep(1)  # the last ring is still pending, and leaving would cancel it
    return created_at


def waits(*, hosts: int, hanging: int) -> tuple[float, float]:
    """Return median and p99 of the times to the other receivers, in ms."""
    with stage(hosts=hosts) as our_stage, our_stage.process("-m", "bridge.cli", "worker"):
        sleep(4)
        created_at = asyncio.run(create_at_a_pace(our_stage, hosts=hosts, hanging=hanging))
        sleep(3)
        arrived = our_stage.record()["arrived"]
        took = [(arrived[each] - at) * 1000 for each, at in created_at.items() if each in arrived]
        assert len(took) == len(created_at), f"{len(took)} of {len(created_at)} arrived"
        return median(took), quantiles(took, n=100)[98]


def hanging_rows(hanging: int, hosts: int) -> None:
    pairs = [(waits(hosts=hosts, hanging=hanging), waits(hosts=hosts, hanging=0)) for _ in range(RUNS)]
    for place, name in enumerate(("median", "p99")):
        ratio = median(hung[place] / free[place] for hung, free in pairs)
        row(f"{hanging} of {hosts} begin to hang: {name} / without", f"{ratio:.2f}", "goal ≤ 1.3")


def main() -> None:
    print(f"Delivery: {MESSAGES} signed callbacks to {HOSTS} receivers; medians of {RUNS} runs")
    rates = [throughput() for _ in range(RUNS)]
    row("messages per second: one worker", f"{median(ours for ours, _ in rates):.0f}")
    row("messages per second: bare signed loop", f"{median(loop for _, loop in rates):.0f}")
    row("one worker / bare signed loop", f"{median(ours / loop for ours, loop in rates):.2f}", "goal ≥ 0.8")
    hanging_rows(1, 100)
    hanging_rows(100, 200)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(bare(int(sys.argv[1])))
    else:
        main()
