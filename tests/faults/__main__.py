"""`python -m tests.faults --seconds 120 --seed N`: run, record, check; exit code 1 where a promise was broken."""

import argparse
import asyncio
import json
import shutil
import socket
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from random import Random, SystemRandom
from time import monotonic

from rich.console import Console

from .checker import check
from .faults import Storm
from .fleet import APIS, SKEWS, Fleet, secret
from .generator import Generator
from .history import History, Window
from .rally import Rally
from .receivers import Receiver
from .report import show
from .wire import LOOPBACK

WINDOW = Window(limit=60, seconds=5)
RATE = 4.0
READS = 5.0
CALM = 45.0
"""Seconds of a run in which all faults are lifted: a delivery whose worker was killed waits for 30 of them."""
SHORTEST_STORM = 15.0
CALM_PATIENCE = 90.0
LINGER = 3.0
"""Seconds after everything has settled, in which nothing more may come."""
FAREWELL = 0.2
"""Seconds for the servers' lines to notice that they were cut."""
LONGEST_RUN = 24 * 3600
CALLBACKS = ("crm", "panel", "ops", "lab")


async def run(seconds: float, seed: int, home: Path, console: Console) -> History:
    """Let it all happen; give the history."""
    rally = Rally(WINDOW, Random(f"rally's answers {seed}"))
    receivers = [Receiver(name, secret(), Random(f"{name} {seed}")) for name in CALLBACKS]
    receivers.append(Receiver("slack", secret(), Random(f"slack {seed}"), slack=True))
    for server in (rally.server, *(receiver.server for receiver in receivers)):
        await server.open()
    places = [receiver.place for receiver in receivers]
    fleet = Fleet(
        home,
        rally=f"http://{LOOPBACK}:{rally.server.port}",
        egress=[f"{LOOPBACK}:{receiver.server.port}" for receiver in receivers],
        ports=[_free_port() for _ in APIS],
        skew=SKEWS[seed % len(SKEWS)],
    )
    generator = Generator(fleet.urls, rally, places, Random(f"posts {seed}"))
    storm = Storm(fleet, rally, receivers, seed)
    try:
        await fleet.start()
        said = len(fleet.notes)
        console.print("\n".join(fleet.notes), style="bold yellow")
        await _happen(seconds, fleet, generator, storm, console)
    finally:
        await generator.aclose()
        await asyncio.to_thread(fleet.end)
        for server in (rally.server, *(receiver.server for receiver in receivers)):
            server.close()
        await asyncio.sleep(FAREWELL)
    for note in fleet.notes[said:]:
        console.print(note, highlight=False)
    return History(
        window=WINDOW,
        posts=tuple(generator.posts),
        seen=tuple(generator.seen),
        asked=tuple(rally.asked),
        attempts=tuple(attempt for receiver in receivers for attempt in receiver.attempts),
        faults=tuple(sorted(storm.faults, key=lambda fault: fault.since)),
        deaths=tuple(fleet.deaths),
        strays=tuple(stray for receiver in receivers for stray in receiver.strays),
    )


async def _happen(seconds: float, fleet: Fleet, generator: Generator, storm: Storm, console: Console) -> None:
    """Rage, then be quiet until everything has settled."""
    keeping = asyncio.create_task(fleet.keep(seconds + CALM_PATIENCE + LONGEST_RUN))
    raging = max(SHORTEST_STORM, seconds - CALM)
    async with asyncio.TaskGroup() as together:
        together.create_task(storm.rage(raging))
        together.create_task(generator.post_for(raging, rate=RATE))
        together.create_task(generator.read_for(raging, rate=READS))
    console.print(f"all faults lifted after {raging:.0f} s; {len(generator.posts)} posts", highlight=False)
    took = await generator.settle(CALM_PATIENCE)
    console.print(f"settled {took:.0f} s later", highlight=False)
    await asyncio.sleep(LINGER)
    await generator.read_all()
    keeping.cancel()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind((LOOPBACK, 0))
        port: int = free.getsockname()[1]
        return port


def main() -> int:
    words = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    words.add_argument("--seconds", type=float, default=120.0, help="length of the run, the calm at its end included")
    words.add_argument("--seed", type=int, default=SystemRandom().randrange(10**6), help="default: a random one")
    words.add_argument("--keep", action="store_true", help="keep logs and history also where everything was sound")
    given = words.parse_args()
    console = Console(soft_wrap=True)
    home = Path(tempfile.mkdtemp(prefix="rb-faults-"))
    began = monotonic()
    console.print(f"seed {given.seed}, {given.seconds:g} s, logs in {home}", highlight=False)
    history = asyncio.run(run(min(given.seconds, LONGEST_RUN), given.seed, home, console))
    verdict = check(history)
    show(history, verdict, console)
    console.print(f"seed {given.seed}, {monotonic() - began:.0f} s: {'sound' if verdict.sound else 'NOT SOUND'}")
    if verdict.sound and not given.keep:
        shutil.rmtree(home)
    else:
        (home / "history.json").write_text(json.dumps(asdict(history), default=sorted, indent=1))
        console.print(f"logs and history.json are in {home}", highlight=False)
    return 0 if verdict.sound else 1


if __name__ == "__main__":
    sys.exit(main())
