"""Living messages: 500 at once, while imports end; a stand-in for Slack counts what is over its tiers.

The ends are compared with those of the same imports without living messages.
"""

import asyncio
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from time import monotonic, sleep, time

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bridge.domain.destinations import SlackChannel
from bridge.domain.living.end_place import EndPlace
from bridge.resources import Resources, open_resources
from bridge.startup import check_store
from bridge.store.slack.living_messages import LivingQueue
from bridge.store.watches.acceptance_call import NewWatch
from tests.benchmarks.latency import p99
from tests.benchmarks.stage import RUNS, Stage, row, stage
from tests.support.world import serving

IMPORTS, CHANNELS = 500, 100
BY_SECOND = 20
EDITS_A_MINUTE = 50
"""What Slack allows an app at least: https://docs.slack.dev/reference/methods/chat.update"""
POSTS_A_SECOND = 2
"""In one channel: one on average, and short bursts: https://docs.slack.dev/apis/web-api/rate-limits"""
POSTED_WITHIN = 420
ENDS_WITHIN = 300
FOLLOWED = 60
"""The seconds for which edits are counted before and after the ends."""
MINUTE = 60
_ID = re.compile(r"imp\d+")


@dataclass
class CountingSlack:
    """Slack's API: takes everything, and notes when."""

    edits: list[float] = field(default_factory=list)
    posts: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    shown: set[str] = field(default_factory=set)
    ends: Counter[str] = field(default_factory=Counter)
    told: dict[str, float] = field(default_factory=dict)
    replies: int = 0

    async def edit(self, _: Request) -> Response:
        self.edits.append(time())
        return JSONResponse({"ok": True})

    async def post(self, request: Request) -> Response:
        body = await request.json()
        (import_id, *_) = _ID.findall(body["text"])
        channel = self.posts[body["channel"]]
        channel.append(time())
        if body["text"].startswith("⏳"):
            self.shown.add(import_id)
        else:
            self.ends[import_id] += 1
            self.told.setdefault(import_id, time())
            self.replies += "thread_ts" in body
        return JSONResponse({"ok": True, "channel": body["channel"], "ts": f"18000.{len(self.shown):06}"})

    def over(self) -> int:
        """Return the number of calls over a tier."""
        posts = sum(_over(sorted(times), POSTS_A_SECOND, 1.0) for times in self.posts.values())
        return posts + _over(sorted(self.edits), EDITS_A_MINUTE, MINUTE)


def _over(times: Sequence[float], most: int, window: float) -> int:
    """Return how many calls came within `window` seconds after `most` others."""
    return sum(times[number] - times[number - most] < window for number in range(most, len(times)))


@contextmanager
def counting() -> Iterator[tuple[CountingSlack, str]]:
    slack = CountingSlack()
    routes = [
        Route("/api/chat.update", slack.edit, methods=["POST"]),
        Route("/api/chat.postMessage", slack.post, methods=["POST"]),
    ]
    with serving(Starlette(routes=routes), keep_alive=60) as url:
        yield slack, url


async def fill(our_stage: Stage, *, live: bool) -> None:
    """Watch all imports; their living messages are due at once."""
    async with open_resources(our_stage.settings(SLACK_BOT_TOKEN="xoxb-1")) as resources:
        await check_store(resources)
        for first in range(0, IMPORTS, 100):
            await asyncio.gather(*(_accept(resources, number, live=live) for number in range(first, first + 100)))
        await resources.store.call("ZUNIONSTORE", LivingQueue.WAITING, 1, LivingQueue.WAITING, "WEIGHTS", 0)


async def _accept(resources: Resources, number: int, *, live: bool) -> None:
    notify = (SlackChannel(channel=f"C0{number % CHANNELS:06}", live=EndPlace.BROADCAST if live else None),)
    new = NewWatch(
        id=f"wat_{number:026d}",
        client="bench",
        workspace="default",
        import_id=f"imp{number}",
        notify=notify,
        label=None,
        metadata={},
        expires_in=86_400_000,
        living=resources.living_places(notify),
    )
    await resources.watches.accept(new, grace=600_000, reuse=300_000)


@dataclass(frozen=True)
class RunResult:
    """The ms from each final answer of Rally to its end in Slack, and what Slack was asked for."""

    late: list[float]
    slack: CountingSlack
    seconds: float


def run(*, live: bool) -> RunResult:
    schedule = {"POLL_FLOOR": "5s", "POLL_CEILING": "5s"}
    with stage() as our_stage, counting() as (slack, url):
        asyncio.run(fill(our_stage, live=live))
        began = monotonic()
        with our_stage.process(
            "-m", "bridge.cli", "worker", SLACK_BOT_TOKEN="xoxb-1", SLACK_API_URL=f"{url}/api", **schedule
        ):
            if live:
                _await(lambda: len(slack.shown) == IMPORTS, POSTED_WITHIN)
                sleep(FOLLOWED)
            else:
                sleep(5)
            our_stage.end_imports(BY_SECOND)
            _await(lambda: len(slack.told) == IMPORTS, ENDS_WITHIN)
            sleep(FOLLOWED if live else 0)
        ended = our_stage.record()["ended"]
        late = [(told - ended[each]) * 1000 for each, told in slack.told.items()]
        return RunResult(late, slack, monotonic() - began)


def _await(condition: Callable[[], bool], seconds: float) -> None:
    until = monotonic() + seconds
    while not condition():
        assert monotonic() < until, "the messages did not come in time"
        sleep(0.2)


def main() -> None:
    pairs = [(run(live=True), run(live=False)) for _ in range(min(RUNS, 3))]
    print(f"Living messages: {IMPORTS} in {CHANNELS} channels, {BY_SECOND} ends a second; {len(pairs)} runs")
    lives = [live for live, _ in pairs]
    row("calls over Slack's tiers", f"{max(each.slack.over() for each in lives)}", "goal 0")
    row("most edits in one minute", f"{max(_most(each.slack.edits) for each in lives)}", f"≤ {EDITS_A_MINUTE}")
    row("living messages posted twice", f"{max(_repeated(each.slack) for each in lives)}", "goal 0")
    row("ends told, as replies", ", ".join(f"{sum(each.slack.ends.values())}, {each.slack.replies}" for each in lives))
    row("p50 of the ends, with and without, ms", _both(pairs, median))
    row("p99 of the ends, with and without, ms", _both(pairs, p99))
    row("p99: with / without", f"{median(p99(w.late) / p99(wo.late) for w, wo in pairs):.2f}", "goal ≤ 1.3")


def _most(times: Sequence[float]) -> int:
    return max((sum(at <= each < at + MINUTE for each in times) for at in times), default=0)


def _repeated(slack: CountingSlack) -> int:
    posts = sum(map(len, slack.posts.values()))
    return posts - len(slack.shown) - sum(slack.ends.values())


def _both(pairs: Sequence[tuple[RunResult, RunResult]], figure: Callable[[list[float]], float]) -> str:
    return ", ".join(f"{median(figure(each.late) for each in side):.0f}" for side in zip(*pairs, strict=True))


if __name__ == "__main__":
    main()
