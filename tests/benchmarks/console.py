"""The console: its pages with 100,000 watches and a month of figures; the median and the 99th of 100 answers."""

import asyncio
import re
from html import unescape
from statistics import median
from time import monotonic

import httpx

from bridge.domain.figures import ABANDONED, DELIVERED, DELIVERY, DETECTION, ENDED, LIMIT, OPEN, POLLS
from bridge.domain.outcomes import Outcome
from bridge.domain.times import DAY, HOUR, MINUTE, SECOND
from bridge.metrics.catalogue import DELIVERY_DELAY, DETECTION_DELAY
from bridge.resources import open_resources
from bridge.startup import check_store
from bridge.store import keys
from tests.benchmarks.listing import SHARED, WATCHES, fill, wait_for
from tests.benchmarks.stage import Stage, free_port, row, stage

KEY = "key-of-the-benchmark"
CLIENTS = f"ops:{KEY}:admin,bench:another-key-of-the-benchmark"
ANSWERS = 100
PAGES = {
    "overview, 1 h": "/console?period=1+h",
    "overview, 24 h": "/console?period=24+h",
    "overview, 7 d": "/console?period=7+d",
    "watches": "/console/watches",
    "watches of one import": f"/console/watches?importId={SHARED}",
    "watches with a label": "/console/watches?label=q4+panel+upload,+part+4711",
    "workspaces": "/console/workspaces",
}
BUSY = {
    **{f"{ENDED}{each.value}": 9 for each in Outcome},
    **{f"{DETECTION}{bound:g}": 9 for bound in DETECTION_DELAY.buckets},
    **{f"{DELIVERY}{bound:g}": 9 for bound in DELIVERY_DELAY.buckets},
    POLLS: 540,
    DELIVERED: 99,
    ABANDONED: 1,
    OPEN: WATCHES,
    LIMIT: 600,
}
"""The figures of a minute in which everything happened."""


async def fill_figures(our_stage: Stage) -> None:
    """Store the figures of every minute of a day, and of every hour of 30 days."""
    async with open_resources(our_stage.settings()) as resources:
        await check_store(resources)
        now = await resources.store.now()
        async with resources.store.redis.pipeline(transaction=False) as pipe:
            for at in range(now - now % MINUTE - DAY, now, MINUTE):
                pipe.hset(keys.figures_of_minute(at), mapping=BUSY)
            for at in range(now - now % HOUR - 30 * DAY, now, HOUR):
                pipe.hset(keys.figures_of_hour(at), mapping=BUSY)
            await pipe.execute()


def sign_in(http: httpx.Client) -> None:
    form = http.get("/console/sign-in").raise_for_status().text
    token = re.findall(r'name="csrf" value="([^"]+)"', form)[0]
    signed_in = http.post("/console/sign-in", data={"csrf": unescape(token), "key": KEY})
    assert signed_in.status_code == 303, signed_in.text


def measure(http: httpx.Client, path: str) -> list[float]:
    """Return how long each answer took, in ms."""
    took = []
    for _ in range(ANSWERS):
        began = monotonic()
        http.get(path).raise_for_status()
        took.append((monotonic() - began) * SECOND)
    return sorted(took)


def main() -> None:
    print(f"Console: {WATCHES:,} open watches, and the figures of 30 days")
    with stage() as our_stage:
        asyncio.run(fill(our_stage))
        before = our_stage.info("memory")["used_memory"]
        asyncio.run(fill_figures(our_stage))
        grown = our_stage.info("memory")["used_memory"] - before
        row("figures of 30 days, in which everything happened, MB", f"{grown / 2**20:.2f}", "goal ≤ 2")
        port = free_port()
        serving = ("-m", "bridge.cli", "serve", "--port", str(port))
        with (
            our_stage.process(*serving, CLIENT_RATE_LIMIT="1000000", BRIDGE_API_KEYS=CLIENTS),
            httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as http,
        ):
            wait_for(http)
            sign_in(http)
            for name, path in PAGES.items():
                took = measure(http, path)
                row(f"{name}: the median answer, the 99th of 100, ms", f"{median(took):.0f}, {took[98]:.0f}")


if __name__ == "__main__":
    main()
