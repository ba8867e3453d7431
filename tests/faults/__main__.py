"""`python -m tests.faults --seconds 120 --seed N`: run, record and check; exit code 1 if a promise was broken."""

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from random import SystemRandom
from time import monotonic

from rich.console import Console

from .checker import check
from .faults import KINDS, ON_REQUEST, Storm
from .fleet import SHORT, SKEWS
from .generator import Lengths
from .history import History, Window
from .report import show
from .rules_told import still_owed
from .slack_acts_told import owed_again, owed_of_batches
from .slack_told import owed, unsaid
from .stage import Stage, staged

WINDOW = Window(limit=60, seconds=5)
RATE = 4.0
READS = 5.0
PUSHES = 1.5
CALM = 45.0
"""Seconds at the end of a run without faults: a delivery whose worker was killed waits for 30 of them."""
SHORTEST_STORM = 15.0
CALM_PATIENCE = 90.0
RULES_PATIENCE = 150.0
"""A message of a rule is held for 30 s, and a digest collects for 60 s."""
LINGER = 3.0
"""Seconds after everything has settled, in which nothing more may arrive."""
LONGEST_RUN = 24 * 3600


async def run(seconds: float, seed: int, kinds: frozenset[str], home: Path, console: Console) -> History:
    """Run clients and faults; return the history."""
    skew = SKEWS[seed % len(SKEWS)]
    async with staged(home, seed, window=WINDOW, settings=SHORT, lengths=Lengths(), skew=skew) as stage:
        noted = len(stage.fleet.notes)
        console.print("\n".join(stage.fleet.notes), style="bold yellow")
        storm = Storm(stage, seed, kinds)
        await _happen(seconds, stage, storm, console)
    for note in (*stage.fleet.notes[noted:], *stage.fleet.redis.notes, *stage.crowd.notes):
        console.print(note, highlight=False)
    return stage.history(storm.faults)


async def _happen(seconds: float, stage: Stage, storm: Storm, console: Console) -> None:
    """Inject faults, then wait without them until everything has settled."""
    fleet, generator = stage.fleet, stage.generator
    keeping = asyncio.create_task(fleet.keep(seconds + CALM_PATIENCE + LONGEST_RUN))
    raging = max(SHORTEST_STORM, seconds - CALM)
    listening = asyncio.create_task(stage.listeners.listen_for(raging))
    async with asyncio.TaskGroup() as together:
        together.create_task(storm.rage(raging))
        together.create_task(generator.post_for(raging, rate=RATE))
        together.create_task(generator.read_for(raging, rate=READS))
        together.create_task(stage.people.ask_for(raging))
        together.create_task(stage.clients.post_for(raging))
        together.create_task(stage.pusher.push_for(raging, rate=PUSHES, patience=CALM_PATIENCE))
    console.print(f"all faults lifted after {raging:.0f} s; {len(generator.posts)} posts", highlight=False)
    took = await generator.settle(CALM_PATIENCE)
    console.print(f"settled {took:.0f} s later", highlight=False)
    took = await _told(stage, RULES_PATIENCE)
    console.print(f"told by rules and in Slack {took:.0f} s later", highlight=False)
    await asyncio.gather(asyncio.sleep(LINGER), listening)
    await generator.read_all()
    keeping.cancel()


async def _told(stage: Stage, patience: float) -> float:
    """Wait until rules have told every pushed import, and Slack every import that people watch; return the seconds."""
    began = monotonic()
    for _ in range(int(patience)):
        if not still_owed(stage.pusher.posts, stage.told()) and not _owed_in_slack(stage):
            break
        await asyncio.sleep(1.0)
    return monotonic() - began


def _owed_in_slack(stage: Stage) -> bool:
    acts, attempts = stage.acts.acts, stage.slack.attempts
    return bool(
        owed(stage.people.asked, attempts, acts)
        or unsaid(stage.asked())
        or owed_of_batches(stage.clients.batches, attempts)
        or owed_again(acts, stage.again.attempts)
    )


def main() -> int:
    words = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    words.add_argument("--seconds", type=float, default=120.0, help="length of the run, the calm at its end included")
    words.add_argument("--seed", type=int, default=SystemRandom().randrange(10**6), help="default: a random one")
    words.add_argument(
        "--only",
        action="append",
        choices=sorted(KINDS),
        metavar="KIND",
        help=f"no other fault: {', '.join(sorted(KINDS))}",
    )
    words.add_argument("--keep", action="store_true", help="keep logs and history also where everything was sound")
    options = words.parse_args()
    console = Console(soft_wrap=True)
    home = Path(tempfile.mkdtemp(prefix="rb-faults-"))
    began = monotonic()
    console.print(f"seed {options.seed}, {options.seconds:g} s, logs in {home}", highlight=False)
    kinds = frozenset(options.only or KINDS - ON_REQUEST)
    history = asyncio.run(run(min(options.seconds, LONGEST_RUN), options.seed, kinds, home, console))
    verdict = check(history)
    show(history, verdict, console)
    console.print(f"seed {options.seed}, {monotonic() - began:.0f} s: {'sound' if verdict.sound else 'NOT SOUND'}")
    if verdict.sound and not options.keep:
        shutil.rmtree(home)
    else:
        (home / "history.json").write_text(json.dumps(asdict(history), default=sorted, indent=1))
        console.print(f"logs and history.json are in {home}", highlight=False)
    return 0 if verdict.sound else 1


if __name__ == "__main__":
    sys.exit(main())
