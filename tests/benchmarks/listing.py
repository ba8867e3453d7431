"""Listing: every page of 100,000 watches, by each filter; the median and the slowest page."""

import asyncio
from statistics import median
from time import monotonic

import httpx

from bridge.resources import Resources, open_resources
from bridge.startup import check_store
from bridge.store.watches.acceptance_call import NewWatch
from tests.benchmarks.stage import Stage, free_port, row, stage

WATCHES = 100_000
PAGE = 100
OF_ONE_IMPORT = 10_000
"""Every tenth watch is about one import that all clients watch; only the oldest of those are ours."""
SHARED = "imp-shared"
HEADERS = {"Authorization": "Bearer key-of-the-benchmark"}
CLIENTS = "bench:key-of-the-benchmark,other:another-key-of-the-benchmark"


async def accept(resources: Resources, number: int) -> None:
    shared = number % (WATCHES // OF_ONE_IMPORT) == 0
    ours = not shared or number < WATCHES // 10
    new = NewWatch(
        id=f"wat_{number:026d}",
        client="bench" if ours else "other",
        workspace="default",
        import_id=SHARED if shared else f"imp-{number}",
        notify=(),
        label=f"Q4 panel upload, part {number}",
        metadata={"ticket": "RES-12", "part": number},
        expires_in=86_400_000,
    )
    await resources.watches.accept(new, grace=600_000, reuse=300_000)


async def fill(our_stage: Stage) -> None:
    async with open_resources(our_stage.settings()) as resources:
        await check_store(resources)
        for first in range(0, WATCHES, 500):
            await asyncio.gather(*(accept(resources, number) for number in range(first, first + 500)))


def page_through(http: httpx.Client, **query: str) -> tuple[int, list[float]]:
    """Return the number of watches on all pages, and the time of each page in ms."""
    found, took = 0, list[float]()
    cursor: dict[str, str] = {}
    while True:
        began = monotonic()
        page = http.get("/v1/watches", params={"limit": str(PAGE), **query, **cursor}).raise_for_status().json()
        took.append((monotonic() - began) * 1000)
        found += len(page["data"])
        if page["nextCursor"] is None:
            return found, took
        cursor = {"cursor": page["nextCursor"]}


def main() -> None:
    print(f"Listing: {WATCHES:,} open watches of two clients in pages of {PAGE}, {OF_ONE_IMPORT:,} about one import")
    with stage() as our_stage:
        asyncio.run(fill(our_stage))
        port = free_port()
        serving = ("-m", "bridge.cli", "serve", "--port", str(port))
        with (
            our_stage.process(*serving, CLIENT_RATE_LIMIT="1000000", BRIDGE_API_KEYS=CLIENTS),
            httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=HEADERS, trust_env=False, timeout=60) as http,
        ):
            wait_for(http)
            for name, query in (("all", {}), ("watching", {"state": "watching"}), ("one import", {"importId": SHARED})):
                found, took = page_through(http, **query)
                row(f"{name}: {found:,} in {len(took):,} pages; the median page, ms", f"{median(took):.1f}")
                slow = sorted(took)[int(0.99 * len(took))]
                row(
                    f"{name}: the 99th of 100 pages, the slowest page / the median one",
                    f"{slow / median(took):.1f}, {max(took) / median(took):.1f}",
                )
            began = monotonic()
            http.get("/v1/watches", params={"importId": SHARED, "state": "cancelled"}).raise_for_status()
            row("a page of one import that nothing is on, ms", f"{(monotonic() - began) * 1000:.0f}")


def wait_for(http: httpx.Client) -> None:
    for _ in range(200):
        try:
            http.get("/healthz")
        except httpx.ConnectError:
            asyncio.run(asyncio.sleep(0.1))
        else:
            return
    raise AssertionError("the API did not answer")


if __name__ == "__main__":
    main()
