"""The Slack app: the time from a request of Slack to our answer, while a slow stand-in answers for Slack."""

import asyncio
import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from urllib.parse import urlencode

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bridge.domain.destinations import SlackChannel
from bridge.resources import Resources, open_resources
from bridge.startup import check_store
from bridge.store.watches.acceptance_call import NewWatch
from tests.benchmarks.accepting import await_server
from tests.benchmarks.stage import RUNS, Stage, free_port, row, stage
from tests.support.slack_requests import (
    CHANNEL,
    SIGNING_SECRET,
    SLACK_CLIENT,
    TEAM,
    USER,
    SlackStandIn,
    click,
    command_form,
    signed_headers,
)
from tests.support.world import serving

WATCHES, PROCESSES = 1_000, 2
IN_ONE_CHANNEL = 10
"""Every tenth watch is for the channel in which the commands are typed."""
REQUESTS, BY_SECOND, WARM_UP = 400, 20, 40
SLACK_TAKES = 0.3
"""The seconds after which Slack answers us."""


async def answer(_: Request) -> Response:
    await asyncio.sleep(SLACK_TAKES)
    return JSONResponse({"ok": True, "team_id": TEAM})


slack = Starlette(routes=[Route("/{path:path}", answer, methods=["POST"])])


def new_watch(number: int) -> NewWatch:
    channel = CHANNEL if number % IN_ONE_CHANNEL == 0 else f"C0OTHER{number % 40}"
    return NewWatch(
        id=f"wat_{number:026d}",
        client=f"slack:U0USER{number % 50}",
        workspace="default",
        import_id=f"imp-{number}",
        notify=(SlackChannel(channel=channel, on=None),),
        label=f"Q4 panel upload, part {number}",
        metadata={},
        expires_in=86_400_000,
    )


async def fill(our_stage: Stage) -> None:
    async with open_resources(our_stage.settings(SLACK_BOT_TOKEN="xoxb-1")) as resources:
        await check_store(resources)
        for first in range(0, WATCHES, 100):
            await asyncio.gather(*(accept(resources, number) for number in range(first, first + 100)))


async def accept(resources: Resources, number: int) -> None:
    await resources.slack_wishes.fulfil(new_watch(number), grace=600_000, reuse=300_000)


def request(number: int, url: str) -> tuple[str, bytes]:
    """Return the path and the body of a request; the kinds take turns."""
    stand_in = SlackStandIn(url=url)
    if number % 5 == 4:
        payload = click(stand_in, "stop_watching", f"wat_{number * IN_ONE_CHANNEL % WATCHES:026d}")
        return "/slack/interactions", urlencode({"payload": json.dumps(payload)}).encode()
    text = (f"watch new-{number} a label", "list", f"stop new-{number - 2}", "help")[number % 5]
    form = command_form(text, response_url=stand_in.response_url, user_id=f"{USER}{number % 7}")
    return "/slack/commands", urlencode(form).encode()


async def send_evenly(ports: list[int], url: str, first: int, count: int) -> list[float]:
    """Send requests at an even rate, whatever the answers take; return the ms until each answer."""
    limits = httpx.Limits(max_connections=100)
    async with httpx.AsyncClient(trust_env=False, limits=limits, timeout=30) as http:
        begin = perf_counter()

        async def at_its_time(each: int) -> float:
            await asyncio.sleep(begin + each / BY_SECOND - perf_counter())
            path, body = request(first + each, url)
            headers = signed_headers(body)
            began = perf_counter()
            sent = await http.post(f"http://127.0.0.1:{ports[each % PROCESSES]}{path}", content=body, headers=headers)
            assert sent.status_code == 200, sent.text
            return (perf_counter() - began) * 1000

        return list(await asyncio.gather(*map(at_its_time, range(count))))


@contextmanager
def app(our_stage: Stage, url: str) -> Iterator[list[int]]:
    """Run the API in processes, and yield their ports."""
    changes = {
        "SLACK_SIGNING_SECRET": SIGNING_SECRET,
        "SLACK_BOT_TOKEN": "xoxb-1",
        "SLACK_API_URL": f"{url}/api",
    }
    with tempfile.TemporaryDirectory() as folder, ExitStack() as processes:
        config = Path(folder, "bridge.toml")
        config.write_text(SLACK_CLIENT)
        ports = [free_port() for _ in range(PROCESSES)]
        for port in ports:
            words = ("-m", "bridge.cli", "serve", "--port", str(port))
            processes.enter_context(our_stage.process(*words, BRIDGE_CONFIG_FILE=str(config), **changes))
        for port in ports:
            await_server(port)
        yield ports


def run() -> list[float]:
    with stage() as our_stage, serving(slack) as url:
        asyncio.run(fill(our_stage))
        with app(our_stage, url) as ports:
            asyncio.run(send_evenly(ports, url, 0, WARM_UP))
            return asyncio.run(send_evenly(ports, url, WARM_UP, REQUESTS))


def main() -> None:
    print(
        f"The Slack app: {BY_SECOND} commands and clicks a second to {PROCESSES} API processes, with {WATCHES:,} open "
        f"watches; Slack takes {SLACK_TAKES * 1000:.0f} ms"
    )
    runs = [run() for _ in range(RUNS)]
    row("until our answer, the median of all runs, ms", f"{median(map(median, runs)):.0f}")
    row(
        "until our answer, p99 in the worst run, ms",
        f"{max(quantiles(each, n=100)[98] for each in runs):.0f}",
        "goal ≤ 300",
    )


if __name__ == "__main__":
    main()
