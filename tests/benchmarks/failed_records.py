"""Failed records: the CSV of 10,000 of them from a running API, and what they cost a poll."""

import asyncio
from dataclasses import dataclass
from json import dumps
from pathlib import Path
from random import Random
from statistics import median
from string import ascii_lowercase, digits
from time import monotonic, process_time

import httpx

from bridge.domain.imports import Read
from bridge.domain.polling.budget import Grant
from bridge.domain.polling.poll_results import ImportUpdate
from bridge.rally.fields import read_import
from bridge.resources import Resources, open_resources
from bridge.startup import check_store
from bridge.store.imports.imports import PollCommit
from bridge.store.watches.acceptance_call import NewWatch
from tests.benchmarks.listing import HEADERS, wait_for
from tests.benchmarks.stage import RUNS, free_port, row, stage

RECORDS = 10_000
MB = 1024
FEW, MANY = 0, RECORDS
DOWNLOADS = 20
RANDOM, CHARACTERS = Random(7), ascii_lowercase + digits
"""For ids that compress as badly as real ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """One CSV: seconds until its first byte and its last, and the number of its lines."""

    first: float
    last: float
    lines: int


def body(records: int, import_id: str) -> bytes:
    names = ("".join(RANDOM.choices(CHARACTERS, k=22)) for _ in range(records))
    named = [{"personId": f"cm1{name}", "email": f"{name[:12]}@example.com"} for name in names]
    facts = {"importId": import_id, "type": "CSV", "status": "COMPLETED", "personCount": 7, "updatedAt": None}
    return dumps({**facts, "failedRecords": named}).encode()


async def end_import(resources: Resources, records: int, import_id: str) -> float:
    """Accept a watch and end its import; return the seconds of CPU that reading and committing the answer took."""
    watch = NewWatch(
        id=f"wat_{import_id}",
        client="bench",
        workspace="default",
        import_id=import_id,
        notify=(),
        label=None,
        metadata={},
        expires_in=86_400_000,
    )
    await resources.watches.accept(watch, grace=600_000, reuse=300_000)
    snapshot = await resources.budgets.read("default")
    grant = Grant(count=1, again_at=0)
    claims = await resources.imports.claim("default", snapshot.budget, grant, room=1, lease=15_000, now=snapshot.now)
    assert claims is not None
    answer = body(records, import_id)
    began = process_time()
    read, _ = read_import(answer, import_id)
    assert isinstance(read, Read)
    update = ImportUpdate(due=None, reading=read.reading, record_set=read.record_set)
    commits = [PollCommit(claim=claims[0], update=update, at=snapshot.now)]
    assert await resources.imports.commit("default", commits, settle_by=snapshot.now) == [True]
    return process_time() - began


async def end_imports(resources: Resources) -> tuple[float, float]:
    """Return the CPU that the end of an import takes in ms: without failed records, and with many."""
    few = [await end_import(resources, FEW, f"few{number}") for number in range(10 * RUNS)]
    many = [await end_import(resources, MANY, f"many{number}") for number in range(RUNS)]
    return median(few) * 1000, median(many) * 1000


def download(http: httpx.Client, watch_id: str) -> Download:
    began, first, lines = monotonic(), 0.0, 0
    with http.stream("GET", f"/v1/watches/{watch_id}/failed-records.csv") as answer:
        answer.raise_for_status()
        for chunk in answer.iter_raw():
            first = first or monotonic() - began
            lines += chunk.count(b"\n")
    return Download(first=first, last=monotonic() - began, lines=lines)


def watch_time(http: httpx.Client, watch_id: str) -> float:
    began = monotonic()
    http.get(f"/v1/watches/{watch_id}").raise_for_status()
    return monotonic() - began


def memory(pid: int, kind: str) -> float:
    """Return the memory of a process in MB: now (VmRSS), or at most (VmHWM)."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split(f"{kind}:")[1].split()[0]) / MB


def main() -> None:
    print(f"Failed records: the CSV of {RECORDS:,} of them, {DOWNLOADS} times")
    with stage() as our_stage:

        async def prepare() -> tuple[float, float]:
            async with open_resources(our_stage.settings()) as resources:
                await check_store(resources)
                return await end_imports(resources)

        few, many = asyncio.run(prepare())
        with our_stage.redis() as redis:
            stored = max(int(redis.strlen(key)) for key in redis.keys("rb:record_set:*"))
        port = free_port()
        with (
            our_stage.process("-m", "bridge.cli", "serve", "--port", str(port)) as api,
            httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=HEADERS, trust_env=False, timeout=60) as http,
        ):
            wait_for(http)
            watches = [watch_time(http, "wat_many0") for _ in range(DOWNLOADS)]
            before = memory(api.pid, "VmRSS")
            found = [download(http, "wat_many0") for _ in range(DOWNLOADS)]
            most = memory(api.pid, "VmHWM")
        assert {each.lines for each in found} == {RECORDS + 1}
        firsts = sorted(each.first * 1000 for each in found)
        row("the first byte, ms: the median, the slowest", f"{median(firsts):.0f}, {firsts[-1]:.0f}", "goal ≤ 300")
        row("the first byte / the answer with the watch", f"{median(firsts) / median(watches) / 1000:.1f}")
        row("the last byte, ms", f"{median(each.last for each in found) * 1000:.0f}")
        row("memory of the API, MB more at most", f"{most - before:.1f}", "goal ≤ 20")
        row("memory of Redis for them, MB", f"{stored / MB / MB:.2f}")
        row("CPU for the end of an import without failed records, ms", f"{few:.1f}")
        row(f"CPU for the end of an import with {RECORDS:,}, ms", f"{many:.0f}")


if __name__ == "__main__":
    main()
