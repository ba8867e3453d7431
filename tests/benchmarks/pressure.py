"""Pressure: 500 imports at once, under a limit of one call per import in half a minute; and imports that end."""

import asyncio
from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import median
from time import sleep
from typing import Any

from tests.benchmarks import ending
from tests.benchmarks.polling import fill
from tests.benchmarks.stage import RUNS, Stage, row, stage

IMPORTS = 500
LIMIT = 100
WINDOW = 5
"""Seconds; a minute would make the run twelve times as long."""
OTHERS = 20
ROUND = IMPORTS / (LIMIT - OTHERS) * WINDOW
"""Seconds until each import was polled once; as all have the same age, this becomes each one's interval."""


def run(others: int, seconds: float) -> Any:
    """Return the record of the server."""
    with stage(limit=LIMIT, window=WINDOW, others=others) as our_stage:
        asyncio.run(fill(our_stage, IMPORTS))
        with worker(our_stage):
            sleep(seconds)
            return our_stage.record()


def worker(our_stage: Stage) -> Any:
    return our_stage.process("-m", "bridge.cli", "worker", POLL_FLOOR="3s", POLL_CEILING="60s")


def used(taken: Mapping[str, int], allowed: int) -> float:
    """Return the share of the allowed calls that was used in complete windows."""
    whole = [taken[end] for end in sorted(taken, key=int)][1:-1]
    return sum(whole) / (allowed * len(whole))


def lateness(polled: Mapping[str, Sequence[float]]) -> float:
    """Return the largest lateness after the first round, as a fraction of the interval that the limit allows."""
    gaps = [later - earlier for times in polled.values() for earlier, later in pairwise(times)]
    return max(gaps) / ROUND - 1


def main() -> None:
    shares, refusals, lates = [], [], []
    for _ in range(RUNS):
        record = run(OTHERS, 2.5 * ROUND)
        shares.append(used(record["taken"], LIMIT - OTHERS))
        refusals.append(max(record["refused"].values(), default=0))
        lates.append(lateness(record["polled"]))
    alone = run(0, 6 * WINDOW)
    print(f"Pressure: {IMPORTS} imports, {LIMIT} calls in {WINDOW} s, of which another consumer spends {OTHERS}")
    row("refused (429) in a window, at most", f"{max(refusals)}", "goal ≤ 1")
    row("refused when alone, in all", f"{sum(alone['refused'].values())}", "goal 0")
    row("used of the calls that are left", f"{median(shares):.2f}", "goal ≥ 0.90")
    row("largest lateness / interval that the limit allows", f"{median(lates):.2f}", "goal ≤ 3")
    ending.main()


if __name__ == "__main__":
    main()
