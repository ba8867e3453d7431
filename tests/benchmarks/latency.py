"""Latency: from the arrival of the answer that ends an import to the first byte at its destination."""

import asyncio
from statistics import median, quantiles
from time import monotonic, sleep

from polling import fill
from stage import RUNS, row, stage

from bridge.domain.deliveries import Callback
from bridge.domain.secret import Secret

IMPORTS = 500
BY_SECOND = 50
SCHEDULE = {"POLL_FLOOR": "500ms", "POLL_CEILING": "500ms"}


def run() -> list[float]:
    """Give the latencies of one run, in ms."""
    with stage() as our_stage:
        notify = (Callback(url=Secret(f"{our_stage.rally_url}/hooks/rally")),)
        asyncio.run(fill(our_stage, IMPORTS, notify=notify))
        with our_stage.process("-m", "bridge.cli", "worker", **SCHEDULE):
            sleep(4)
            our_stage.end_imports(BY_SECOND)
            until = monotonic() + 6 * IMPORTS / BY_SECOND
            while len((told := our_stage.told())["arrived"]) < IMPORTS and monotonic() < until:
                sleep(0.5)
    assert len(told["arrived"]) == IMPORTS, f"{len(told['arrived'])} of {IMPORTS} arrived"
    return [(told["arrived"][each] - ended) * 1000 for each, ended in told["ended"].items()]


def main() -> None:
    runs = [run() for _ in range(RUNS)]
    print(f"Latency: {IMPORTS} imports, {BY_SECOND} outcomes a second, from Rally's answer to the receiver")
    row("p50, ms", f"{median(median(run) for run in runs):.0f}", "goal ≤ 30")
    row("p99, ms", f"{median(quantiles(run, n=100)[98] for run in runs):.0f}", "goal ≤ 200")


if __name__ == "__main__":
    main()
