"""Imports with living messages, in a world whose Slack is a stand-in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bridge.domain.times import MINUTE, SECOND
from tests.support.slack_requests import CHANNEL, SIGNING_SECRET, SLACK_CLIENT, SlackStandIn, slack_serving
from tests.support.world import World, opened

LIVE = {"type": "slack", "channel": CHANNEL, "live": True}
TS = "1800000000.000001"
"""The time stamp of the first message."""
END_LOOKED_AFTER = 3 * SECOND


@asynccontextmanager
async def living_world(
    redis_url: str, sandbox_url: str, config: str = SLACK_CLIENT, **changes: str
) -> AsyncIterator[tuple[World, SlackStandIn]]:
    """Open a world whose Slack is a stand-in."""
    with slack_serving() as slack:
        settings = {
            "SLACK_SIGNING_SECRET": SIGNING_SECRET,
            "SLACK_API_URL": f"{slack.url}/api",
            "EGRESS_ALLOW": f"{sandbox_url.removeprefix('http://')},{slack.host}",
        }
        async with opened(redis_url, sandbox_url, config, **settings, **changes) as world:
            yield world, slack


async def show_living(world: World, **destination: Any) -> dict[str, Any]:
    """Watch an import that runs, until its living message is shown; return the watch."""
    await world.sandbox.set_import("imp", ("UPLOADING", 0))
    watch = await world.watch(notify=[{**LIVE, **destination}], label="Q4 panel")
    await world.poll()
    world.pass_time(MINUTE)
    await world.live()
    return watch


async def progress(world: World, people: int, status: str = "UPLOADING") -> None:
    """Let the import go on, and read it."""
    await world.sandbox.set_import("imp", (status, 0), people=people)
    world.pass_time(MINUTE)
    await world.poll()


async def end(world: World, status: str = "COMPLETED", **facts: Any) -> None:
    """End the import, and tell it."""
    await world.sandbox.set_import("imp", (status, 0), **facts)
    world.pass_time(MINUTE)
    await world.poll()
    await world.deliver()


async def end_living(world: World) -> None:
    """Let the living message end, after its import."""
    world.pass_time(END_LOOKED_AFTER)
    await world.live()
