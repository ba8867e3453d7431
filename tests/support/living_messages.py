"""Imports with living messages, in a world whose Slack is a stand-in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bridge.domain.times import MINUTE, SECOND
from tests.support.samples import only
from tests.support.slack_requests import CHANNEL, SIGNING_SECRET, SLACK_CLIENT, SlackStandIn
from tests.support.world import World, opened, reopened

LIVE = {"type": "slack", "channel": CHANNEL, "live": True}
TS = "1800000000.000001"
"""The time stamp of the first message."""
END_LOOKED_AFTER = 3 * SECOND


@dataclass(frozen=True)
class Living:
    """A world with its Slack."""

    world: World
    slack: SlackStandIn
    addresses: tuple[str, str]
    settings: dict[str, str]

    def posts(self) -> list[dict[str, Any]]:
        return self.slack.of("chat.postMessage")

    def edits(self) -> list[dict[str, Any]]:
        return self.slack.of("chat.update")

    async def phase(self) -> str | None:
        """Return the phase of the living message of the import `imp`; None if there is none."""
        store = self.world.resources.store
        keys = await store.call("KEYS", "rb:living:*:default:imp")
        found: str | None = await store.call("HGET", only(keys), "phase") if keys else None
        return found

    @asynccontextmanager
    async def reopened(self, config: str, **changes: str) -> AsyncIterator["Living"]:
        """Restart with another configuration file, and with other settings."""
        async with reopened(*self.addresses, config, **self.settings | changes) as world:
            world.pass_time(self.world.resources.store.offset)
            yield Living(world, self.slack, self.addresses, self.settings)


@asynccontextmanager
async def living_world(
    redis_url: str, sandbox_url: str, slack: SlackStandIn, config: str = SLACK_CLIENT, **changes: str
) -> AsyncIterator[Living]:
    """Open a world whose Slack is a stand-in."""
    settings = {
        "SLACK_SIGNING_SECRET": SIGNING_SECRET,
        "SLACK_API_URL": f"{slack.url}/api",
        "EGRESS_ALLOW": f"{sandbox_url.removeprefix('http://')},{slack.host}",
        **changes,
    }
    async with opened(redis_url, sandbox_url, config, **settings) as world:
        yield Living(world, slack, (redis_url, sandbox_url), settings)


async def show_living(world: World, *, notify: dict[str, str] | None = None, **destination: Any) -> dict[str, Any]:
    """Watch an import that runs, until its living message is shown; return the watch."""
    await world.sandbox.set_import("imp", ("UPLOADING", 0))
    watch = await world.watch(notify=[notify or {**LIVE, **destination}], label="Q4 panel")
    await world.poll()
    world.pass_time(MINUTE)
    await world.live()
    return watch


async def progress(world: World, people: int) -> None:
    """Let the import go on, and read it."""
    await world.sandbox.set_import("imp", ("UPLOADING", 0), people=people)
    world.pass_time(MINUTE)
    await world.poll()


async def end(world: World) -> None:
    """End the import, and tell it."""
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    world.pass_time(MINUTE)
    await world.poll()
    await world.deliver()


async def end_living(world: World) -> None:
    """Let the living message end, after its import."""
    world.pass_time(END_LOOKED_AFTER)
    await world.live()
