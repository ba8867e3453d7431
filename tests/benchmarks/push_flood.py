"""Push flood: 500 pushes at once, under a limit of 100 calls in a window of five seconds.

Half of the pushes are about imports that a tool watches, half about imports that only a rule tells.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass
from statistics import median
from time import time

from bridge.domain.destinations import Callback
from bridge.domain.polling.budget import RULES_SHARE
from bridge.domain.secret import Secret
from tests.benchmarks.polling import fill
from tests.benchmarks.push_latency import await_record, bridge, hook, rule, watched
from tests.benchmarks.receiving import Sender
from tests.benchmarks.stage import RUNS, row, stage

WATCHED, UPLOADED = 250, 250
LIMIT, WINDOW = 100, 5
FOR_RULES = LIMIT // RULES_SHARE
"""The polls of a window that imports which only rules watch may get."""
UPLOAD = "upload"
TOLD_WITHIN = 180
"""Seconds; under this limit, the polls for the rule take 50."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flood:
    """What Rally saw from the moment of the pushes on, and when the last messages came, in seconds."""

    refused: int
    polls_for_rules: int
    """The most in one window."""
    used: float
    """The calls of the windows in which all imports that tools watch were polled / those allowed."""
    last_watched: float
    last_uploaded: float


async def push_at_once(port: int, import_ids: list[str]) -> None:
    sender = Sender(port)
    await sender.open()
    await asyncio.gather(*map(sender.push, import_ids))


def window_of(at: float) -> int:
    """Return the end of a window, which names it."""
    return (int(at) // WINDOW + 1) * WINDOW


def run() -> Flood:
    by_tools, by_rule = watched(WATCHED), [f"{UPLOAD}{each}" for each in range(UPLOADED)]
    with stage(limit=LIMIT, window=WINDOW) as our_stage, rule(our_stage) as setting:
        asyncio.run(fill(our_stage, WATCHED, notify=(Callback(url=Secret(hook(our_stage))),)))
        with bridge(our_stage, WATCHED, **setting) as port:
            our_stage.be("COMPLETED")
            pushed_at = time()
            asyncio.run(push_at_once(port, [each for pair in zip(by_tools, by_rule, strict=True) for each in pair]))
            record = await_record(our_stage, "received", WATCHED + UPLOADED, seconds=TOLD_WITHIN)
    arrived: dict[str, float] = record["arrived"]
    assert arrived.keys() == {*by_tools, *by_rule}, "an import was told twice, and another one was not"
    for_rules = Counter(window_of(at) for each in by_rule for at in record["polled"].get(each, ()))
    last_poll = max(at for each in by_tools for at in record["polled"][each])
    whole = range(window_of(pushed_at) + WINDOW, window_of(last_poll), WINDOW)
    return Flood(
        refused=sum(record["refused"].values()),
        polls_for_rules=max(for_rules.values()),
        used=sum(record["taken"][str(each)] for each in whole) / (LIMIT * len(whole)),
        last_watched=max(arrived[each] for each in by_tools) - pushed_at,
        last_uploaded=max(arrived[each] for each in by_rule) - pushed_at,
    )


def main() -> None:
    runs = [run() for _ in range(RUNS)]
    print(f"Push flood: {WATCHED + UPLOADED} pushes at once, {LIMIT} calls in {WINDOW} s; half are for a rule alone")
    row("refused (429) in all", f"{sum(each.refused for each in runs)}", "goal 0")
    most = max(each.polls_for_rules for each in runs)
    row("polls for the rule in a window, at most", f"{most}", f"goal ≤ {FOR_RULES}")
    row("used of the calls while tools wait", f"{median(each.used for each in runs):.2f}", "goal ≥ 0.90")
    row("the last message to tools, s", f"{max(each.last_watched for each in runs):.0f}")
    row("the last message of the rule, s", f"{max(each.last_uploaded for each in runs):.0f}")


if __name__ == "__main__":
    main()
