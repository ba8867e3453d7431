"""`python -m tests.faults.soak`: half an hour without faults; afterwards memory must be flat and the logs clean.

The processes, clients and checker are those of the fault runs. Records are kept for only two minutes, so all must be
gone at the end: Redis' keys are counted before and after, and every family that remains must be expected.
"""

import argparse
import asyncio
import json
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import SystemRandom
from time import monotonic

import psutil
from redis.asyncio import Redis
from rich.console import Console
from rich.table import Table

from .checker import check
from .fleet import Fleet
from .generator import Lengths
from .history import Window
from .pair import PRIMARY as REDIS
from .report import show
from .stage import Stage, staged

WINDOW = Window(limit=3000, seconds=10)
"""Generous: a soak is about leftovers, not about the limit."""
HOOKS = 20
LENGTHS = Lengths(longest=180.0, expiry=(5, 180))
ROUND = 15.0
"""Seconds between two reads of a watch; well within its retention."""
SETTLE_PATIENCE = 300.0
FORGET_PATIENCE = 120.0
MEBI = 2**20
MARKS = (0.0, 1 / 6, 1 / 2, 5 / 6, 1.0)
"""The fractions of the run at which memory is measured: minutes 5, 15, 25 and the end of thirty."""

PARTS: Mapping[str, str] = {
    "Redis: used": "total.allocated",
    "its data": "dataset.bytes",
    "its lines": "clients.normal",
}
"""Redis counts connection buffers as used memory and never shrinks them."""
STAYING: Mapping[str, str] = {
    "rb:store_key": "the store's own key",
    "rb:clock": "the latest moment noted",
    "rb:schema": "the version of the layout",
    "rb:fence": "a counter",
    "rb:budget:…": "what Rally's limit allows, one for each account",
    "rb:push:proof:…": "which ends of imports had a push, one for each account",
    "rb:calls:…": "the calls of a client in this minute",
    "rb:check": "what /readyz wrote",
    "rb:queue:health-check": "the sign of life of the workers",
    "rb:workers": "the heartbeat of each worker",
    "rb:apis": "the heartbeat of each process of the API",
    "arq:in-progress:…": "arq's marks of the jobs of its last minute; they expire",
}
EXPLAINED: Mapping[str, str] = {
    f"{REDIS} # oO0OoO0OoO0Oo Redis is starting": "says that it starts",
    f"{REDIS} # Redis version": "says that it starts",
    f"{REDIS} # Configuration loaded": "says that it starts",
    f"{REDIS} # Server initialized": "says that it starts",
    f"{REDIS} # WARNING Memory overcommit": "the machine's, not ours: a fork may fail where memory is short",
    f"{REDIS} # WARNING you have Transparent Huge Pages": "the machine's, not ours",
    f"{REDIS} # User requested shutdown": "our SIGTERM at the end",
    f"{REDIS} # Redis is now ready to exit": "our SIGTERM at the end",
}
"""The beginnings of log lines that are expected, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemSnapshot:
    """Memory at one moment: resident bytes by process, Redis' statistics, and its keys by family."""

    name: str
    resident: Mapping[str, int]
    redis: Mapping[str, int]
    keys: Mapping[str, int]


@dataclass
class Soak:
    """The snapshots, and the faults that were found."""

    looks: list[SystemSnapshot] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def family(key: str) -> str:
    """Return the family of a key: the key without the parts that differ between records."""
    head, *rest = key.split(":")
    return ":".join([head, *("…" if re.search(r"\d|^(default|faults)$", part) else part for part in rest)])


def complaints(name: str, lines: Sequence[str]) -> Iterator[str]:
    """Yield the warnings of a log, prefixed with the process; a line that isn't JSON counts as well."""
    for line in lines:
        if name == REDIS:
            if said := re.match(r"\d+:\w \d.*? \d\d:\d\d:\d\d\.\d+ # (.*)", line):
                yield f"{REDIS} # {said[1]}"
            continue
        try:
            entry = json.loads(line)
        except ValueError:
            yield f"{name} {line.strip()}"
            continue
        if entry.get("level") not in {"debug", "info"}:
            yield f"{name} {entry.get('level')} {entry.get('event')} {entry.get('text', '')}".strip()


def why(complaint: str) -> str | None:
    return next((reason for beginning, reason in EXPLAINED.items() if complaint.startswith(beginning)), None)


async def look(name: str, fleet: Fleet) -> SystemSnapshot:
    resident = {
        program.name: psutil.Process(program.running.pid).memory_info().rss
        for program in fleet.programs.values()
        if program.running is not None
    }
    redis = Redis(unix_socket_path=str(fleet.redis.socket), decode_responses=True)
    try:
        stats = await redis.memory_stats()
        keys = Counter([family(key) async for key in redis.scan_iter(count=1000)])
    finally:
        await redis.aclose()
    return SystemSnapshot(
        name=name, resident=resident, redis={part: stats[name] for part, name in PARTS.items()}, keys=keys
    )


async def soak(soaked: Soak, stage: Stage, *, seconds: float, watches: int, retention: float) -> None:
    """Post for `seconds`, wait until everything has ended and is deleted, and measure memory meanwhile."""
    keeping = asyncio.create_task(stage.fleet.keep(2 * seconds + SETTLE_PATIENCE + FORGET_PATIENCE + retention))
    posting = asyncio.create_task(stage.generator.post_for(seconds, rate=watches / seconds))
    looking = asyncio.create_task(_look_on(soaked, stage.fleet, seconds))
    never = await stage.generator.follow(posting, pause=min(ROUND, retention / 4), patience=SETTLE_PATIENCE)
    if never:
        soaked.faults.append(f"{never} watches had not ended {SETTLE_PATIENCE:g} s after the last post")
    await looking
    soaked.looks.append(await look("all ended", stage.fleet))
    soaked.looks.append(await _forgotten(stage.fleet, retention + FORGET_PATIENCE))
    soaked.faults += [
        f"{count} keys {kind} stay" for kind, count in soaked.looks[-1].keys.items() if kind not in STAYING
    ]
    keeping.cancel()
    soaked.faults += [f"{death.target} ended by itself, exit code {death.code}" for death in stage.fleet.deaths]


async def _look_on(soaked: Soak, fleet: Fleet, seconds: float) -> None:
    began = monotonic()
    for part in MARKS:
        await asyncio.sleep(began + part * seconds - monotonic())
        soaked.looks.append(await look(f"{part * seconds / 60:.1f} min", fleet))


async def _forgotten(fleet: Fleet, patience: float) -> SystemSnapshot:
    """Take snapshots until only permanent keys remain."""
    until = monotonic() + patience
    while True:
        seen = await look("all forgotten", fleet)
        if seen.keys.keys() <= STAYING.keys() or monotonic() > until:
            return seen
        await asyncio.sleep(1.0)


def tell(soaked: Soak, home: Path, console: Console) -> None:
    """Print memory, keys and warnings; an unexpected warning is a fault."""
    memory = Table("MB", *(each.name for each in soaked.looks), title="Memory")
    for name in soaked.looks[0].resident:
        memory.add_row(name, *(f"{each.resident.get(name, 0) / MEBI:.1f}" for each in soaked.looks))
    for part in PARTS:
        memory.add_row(part, *(f"{each.redis[part] / MEBI:.1f}" for each in soaked.looks))
    memory.add_row("its keys", *(str(sum(each.keys.values())) for each in soaked.looks))
    staying = Table("keys that stay", "", "why", title="Keys")
    for kind, count in sorted(soaked.looks[-1].keys.items()):
        staying.add_row(kind, str(count), STAYING.get(kind, "NOTHING EXPLAINS IT"))
    found = Counter(
        complaint
        for log in sorted(home.glob("*.log"))
        for complaint in complaints(log.stem, log.read_text(errors="replace").splitlines())
    )
    logs = Table("warnings and worse", "times", "why", title="Logs")
    for complaint, times in sorted(found.items()):
        logs.add_row(complaint[:100], str(times), why(complaint) or "NOTHING EXPLAINS IT")
    soaked.faults += [f"{times} x {complaint}" for complaint, times in found.items() if why(complaint) is None]
    console.print(memory, staying, logs)
    for fault in soaked.faults[:50]:
        console.print(fault, style="red", highlight=False, markup=False)


async def run(soaked: Soak, home: Path, seed: int, *, seconds: float, watches: int, retention: float) -> Stage:
    settings = {
        "BRIDGE_RETENTION": f"{retention:.0f}s",
        "READING_REUSE": "10s",
        "NOT_FOUND_GRACE": "60s",
        "CLIENT_RATE_LIMIT": "1000000",
    }
    async with staged(
        home, seed, window=WINDOW, settings=settings, lengths=LENGTHS, hooks=HOOKS, forwarded=False
    ) as stage:
        await soak(soaked, stage, seconds=seconds, watches=watches, retention=retention)
    return stage


def main() -> int:
    words = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    words.add_argument("--minutes", type=float, default=30.0, help="for so long watches are posted")
    words.add_argument("--watches", type=int, default=20_000, help="so many, more or less")
    words.add_argument("--retention", type=float, default=120.0, help="seconds for which what ended is kept")
    words.add_argument("--seed", type=int, default=SystemRandom().randrange(10**6), help="default: a random one")
    options = words.parse_args()
    console = Console(soft_wrap=True)
    home = Path(tempfile.mkdtemp(prefix="rb-soak-"))
    console.print(f"seed {options.seed}, {options.minutes:g} min, logs in {home}", highlight=False)
    soaked, seconds = Soak(), options.minutes * 60
    stage = asyncio.run(
        run(soaked, home, options.seed, seconds=seconds, watches=options.watches, retention=options.retention)
    )
    history = stage.history()
    verdict = check(history)
    show(history, verdict, console)
    tell(soaked, home, console)
    sound = verdict.sound and not soaked.faults
    console.print(f"seed {options.seed}: {'sound' if sound else 'NOT SOUND'}")
    if sound:
        shutil.rmtree(home)
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
