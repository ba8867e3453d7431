"""Push latency: from a push of Rally to the first byte at the destination, beside a Rally that answers in 5 ms.

Next to it, with the same Rally, receiver and Redis: a bare pipeline in one process, which checks the signature, asks
Rally, writes once durably and sends one signed message. It keeps none of our promises; the ratio is their cost.
"""

import asyncio
import json
import os
import ssl
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import monotonic, sleep, time
from typing import Any

import httpx
from redis.asyncio import Redis
from standardwebhooks import Webhook
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bridge.destinations.callback_signing import sign
from bridge.domain.destinations import Callback
from bridge.domain.secret import Secret
from bridge.rally.workspaces import POLL_SLOTS
from tests.benchmarks.accepting import OURS, await_server
from tests.benchmarks.polling import fill
from tests.benchmarks.receiving import BY_SECOND, PATH, Sender, evenly, p50, p99
from tests.benchmarks.stage import RUNS, Stage, free_port, row, stage
from tests.support.push_messages import PUSH_SECRET

WATCHED, UNWATCHED = 500, 250
RALLY_ANSWERS_IN = 5
"""Milliseconds."""
LONGEST = 45
"""Seconds after the last push until each message must have arrived; those of rules are held for 30 s."""
SCHEDULE = {"POLL_FLOOR": "60s", "POLL_CEILING": "60s"}
"""Imports that have been under way for an hour: almost every end is noticed by its push."""
RULE = """\
[destinations.hook]
type = "callback"
url = "{url}"

[[rules]]
name = "all"
outcomes = "always"
notify = ["hook"]
"""
SECRET = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
HOOK = "/hooks/rally"
FIGURES = (("p50", p50, 60), ("p99", p99, 400))
"""Name, how it is calculated, and the goal in ms."""


class Bare:
    """The bare pipeline. Its connections are as many as our worker's."""

    def __init__(self, redis_url: str, base_url: str) -> None:
        self._redis, self._base_url = Redis.from_url(redis_url), base_url
        self._tls = ssl.create_default_context()
        self._idle: asyncio.Queue[httpx.AsyncClient] = asyncio.Queue()
        for _ in range(POLL_SLOTS):
            self._idle.put_nowait(httpx.AsyncClient(verify=self._tls, trust_env=False))

    async def receive(self, request: Request) -> Response:
        """Check the signature, and remember the message."""
        body = await request.body()
        named = {name.replace("svix", "webhook"): value for name, value in request.headers.items()}
        Webhook(PUSH_SECRET).verify(body, named)
        await self._redis.set(f"seen:{named['webhook-id']}", 1, nx=True, ex=172_800)
        return Response(status_code=204, background=BackgroundTask(self._follow, json.loads(body)["importId"]))

    async def _follow(self, import_id: str) -> None:
        http = await self._idle.get()
        reading = (await http.get(f"{self._base_url}/imports/{import_id}")).text
        await self._redis.hset(f"bare:{import_id}", "reading", reading)
        body = json.dumps({"type": "import.completed", "data": {"importId": import_id, "reading": reading}}).encode()
        message_id, now = f"ntf_{import_id}", int(time())
        headers = {
            "webhook-id": message_id,
            "webhook-timestamp": str(now),
            "webhook-signature": sign(message_id, now, body, [SECRET]),
        }
        await http.post(self._base_url.replace("/v1", HOOK), content=body, headers=headers)
        self._idle.put_nowait(http)


def bare() -> Starlette:
    """Build the app of the bare pipeline."""
    pipeline = Bare(os.environ["REDIS_URL"], os.environ["RALLY_BASE_URL"])
    return Starlette(routes=[Route(PATH, pipeline.receive, methods=["POST"])])


def await_record(our_stage: Stage, what: str, number: int, *, seconds: float = LONGEST) -> Any:
    """Wait until the server has recorded a number of polls or messages; return its record."""
    until = monotonic() + seconds
    while (record := our_stage.record())[what] < number and monotonic() < until:
        sleep(0.5)
    assert record[what] >= number, f"{what}: {record[what]} of {number}"
    return record


async def push_ends(our_stage: Stage, port: int, import_ids: Sequence[str]) -> dict[str, float]:
    """Let imports end at an even rate, each with its push; return when each push was sent."""
    sender = Sender(port)
    await sender.open()
    async with httpx.AsyncClient(trust_env=False) as rally:

        async def end(number: int) -> float:
            import_id = import_ids[number]
            await rally.get(f"{our_stage.rally_url}/ended/{import_id}")
            pushed_at = time()
            await sender.push(import_id)
            return pushed_at

        return dict(zip(import_ids, await evenly(len(import_ids), end), strict=True))


def latencies(our_stage: Stage, port: int, import_ids: Sequence[str]) -> dict[str, float]:
    """Push the ends of imports; return the ms from each push to its message."""
    await_server(port)
    pushed = asyncio.run(push_ends(our_stage, port, import_ids))
    record = await_record(our_stage, "received", len(import_ids))
    assert record["arrived"].keys() == pushed.keys(), "an import was told twice, and another one was not"
    return {each: (record["arrived"][each] - at) * 1000 for each, at in pushed.items()}


@contextmanager
def api(our_stage: Stage, *app: str, **changes: str) -> Iterator[int]:
    """Serve an app in one process; yield its port."""
    port = free_port()
    words = ("-m", "uvicorn", *app, "--port", str(port), "--no-access-log", "--log-level", "warning")
    with our_stage.process(*words, RALLY_WEBHOOK_SECRETS=PUSH_SECRET, **changes):
        yield port


@contextmanager
def bridge(our_stage: Stage, imports: int, **changes: str) -> Iterator[int]:
    """Run the API and a worker; yield the port of the API when the worker has polled all imports once."""
    changes = {**SCHEDULE, **changes}
    with (
        api(our_stage, "bridge.web.app:app", "--http", OURS, **changes) as port,
        our_stage.process("-m", "bridge.cli", "worker", RALLY_WEBHOOK_SECRETS=PUSH_SECRET, **changes),
    ):
        await_record(our_stage, "polls", imports)
        yield port


def watched(number: int) -> list[str]:
    """Return the ids of the imports that `fill` watches."""
    return [f"imp{each}" for each in range(number)]


def hook(our_stage: Stage) -> str:
    return f"{our_stage.rally_url}{HOOK}"


@contextmanager
def rule(our_stage: Stage) -> Iterator[dict[str, str]]:
    """Yield the setting of a file with one rule, which covers every import and tells the same destination."""
    with tempfile.TemporaryDirectory(prefix="rb-bench-") as home:
        file = Path(home) / "bridge.toml"
        file.write_text(RULE.format(url=hook(our_stage)))
        yield {"BRIDGE_CONFIG_FILE": str(file)}


def of_watched() -> tuple[list[float], list[float]]:
    """Return the latencies of our pipeline and of the bare one, for watched imports."""
    with stage(delay=RALLY_ANSWERS_IN) as our_stage:
        asyncio.run(fill(our_stage, WATCHED, notify=(Callback(url=Secret(hook(our_stage))),)))
        with bridge(our_stage, WATCHED) as port:
            ours = latencies(our_stage, port, watched(WATCHED))
    with stage(delay=RALLY_ANSWERS_IN) as other, api(other, "--factory", f"{__name__}:bare") as port:
        return list(ours.values()), list(latencies(other, port, watched(WATCHED)).values())


def beside_rules() -> tuple[list[float], list[float]]:
    """Return the latencies for watched imports, and for as many that only a rule tells."""
    with stage(delay=RALLY_ANSWERS_IN) as our_stage, rule(our_stage) as setting:
        asyncio.run(fill(our_stage, UNWATCHED, notify=(Callback(url=Secret(hook(our_stage))),)))
        by_tools = watched(UNWATCHED)
        pairs = [(each, f"upload{number}") for number, each in enumerate(by_tools)]
        with bridge(our_stage, UNWATCHED, **setting) as port:
            ours = latencies(our_stage, port, [each for pair in pairs for each in pair])
    return [ours[each] for each, _ in pairs], [ours[each] for _, each in pairs]


def main() -> None:
    watched_only = [of_watched() for _ in range(RUNS)]
    beside = [beside_rules() for _ in range(RUNS)]
    print(f"Push latency: {BY_SECOND} pushes a second, from Rally's push to the receiver; Rally answers in 5 ms")
    for name, figure, goal in FIGURES:
        ours, theirs = (median(map(figure, each)) for each in zip(*watched_only, strict=True))
        row(f"{name} of our pipeline, of a bare one, ms", f"{ours:.1f}, {theirs:.1f}", f"goal ≤ {goal}")
    for name, figure, _ in FIGURES:
        row(f"{name}: ours / bare", f"{median(figure(ours) / figure(theirs) for ours, theirs in watched_only):.1f}")
    for name, figure, goal in FIGURES:
        ours = median(figure(explicit) for explicit, _ in beside)
        row(f"{name} if a rule covers these and as many others, ms", f"{ours:.1f}", f"goal ≤ {goal}")
    slowest = max(max(by_rule) for _, by_rule in beside) / 1000
    row("the slowest message of the rule, s", f"{slowest:.1f}", "goal ≤ 32")


if __name__ == "__main__":
    main()
