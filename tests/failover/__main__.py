"""`python -m tests.failover`: lose the primary again and again; exit code 1 if a promise was broken."""

import argparse
import asyncio
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.table import Table

from .findings import RECOVERY, Trial, breaches
from .outside import outside
from .programs import bridge
from .servers import RedisSet
from .trial import KINDS, run_trial

EXAMPLES = 5


async def run(home: Path, options: argparse.Namespace, console: Console) -> list[Trial]:
    redis = RedisSet(home, replicas=options.replicas)
    try:
        await redis.open()
        async with (
            outside() as around,
            bridge(home, redis.url, around.host, REDIS_MIN_REPLICAS=str(options.required)) as api,
        ):
            trials = []
            for number in range(options.runs):
                for kind in options.only or KINDS:
                    trial = await run_trial(kind, number, redis, api, around, required=options.required)
                    trials.append(trial)
                    _report(trial, options.recovery, console)
            return trials
    finally:
        await redis.aclose()


def _report(trial: Trial, recovery: float, console: Console) -> None:
    broken = list(breaches(trial, recovery=recovery))
    console.print(
        f"{trial.kind}: another primary after {trial.named_after:.1f} s, with replicas after"
        f" {trial.followed_after:.1f} s; accepted {_text(trial.accepted_after)}, told {_text(trial.told_after)} later;"
        f" {len(trial.accepted)} watches, {trial.refused} refused at first, {len(trial.pushed)} pushes,"
        f" {len(trial.messages)} messages; {len(broken)} breaches",
        highlight=False,
        style="red" if broken else None,
    )
    for kind, count in Counter(each.split(":")[0] for each in broken).items():
        console.print(f"  {kind}: {count}", style="red", highlight=False)
    for each in broken[:EXAMPLES]:
        console.print(f"  {each}", style="red", highlight=False, markup=False)


def _text(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds:.1f} s"


def summary(trials: list[Trial], recovery: float) -> Table:
    table = Table("fault", "trials", "watches", "pushes", "breaches", "longest failover s", "longest recovery s")
    for kind in KINDS:
        of_kind = [trial for trial in trials if trial.kind == kind]
        if of_kind:
            table.add_row(
                kind,
                str(len(of_kind)),
                str(sum(len(trial.accepted) for trial in of_kind)),
                str(sum(len(trial.pushed) for trial in of_kind)),
                str(sum(len(list(breaches(trial, recovery=recovery))) for trial in of_kind)),
                f"{max(trial.followed_after for trial in of_kind):.1f}",
                _text(
                    max(
                        (each for trial in of_kind for each in (trial.accepted_after, trial.told_after) if each),
                        default=None,
                    )
                ),
            )
    return table


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.failover", description=__doc__)
    parser.add_argument("--runs", type=int, default=20, help="how often each failover is caused")
    parser.add_argument("--only", action="append", choices=KINDS, help="cause only these")
    parser.add_argument("--replicas", type=int, default=1, help="the number of replicas")
    parser.add_argument("--required", type=int, default=1, help="REDIS_MIN_REPLICAS; 0 shows what is lost without it")
    parser.add_argument("--recovery", type=float, default=RECOVERY, help="the longest recovery in seconds")
    options = parser.parse_args()
    console = Console(width=160)
    home = Path(tempfile.mkdtemp(prefix="rb-failover-"))
    trials = asyncio.run(run(home, options, console))
    console.print(summary(trials, options.recovery))
    if any(True for trial in trials for _ in breaches(trial, recovery=options.recovery)):
        console.print(f"The logs are in {home}.", highlight=False)
        return 1
    shutil.rmtree(home)
    return 0


if __name__ == "__main__":
    sys.exit(main())
