"""A world whose Slack is a stand-in, with a Slack workspace as a client."""

from collections.abc import AsyncIterator

import pytest

from tests.support.slack_requests import SIGNING_SECRET, SLACK_CLIENT, SlackStandIn
from tests.support.world import World, opened


@pytest.fixture
def slack_config() -> str:
    return SLACK_CLIENT


@pytest.fixture
async def world(redis_url: str, sandbox_url: str, slack: SlackStandIn, slack_config: str) -> AsyncIterator[World]:
    changes = {
        "SLACK_SIGNING_SECRET": SIGNING_SECRET,
        "SLACK_API_URL": f"{slack.url}/api",
        "EGRESS_ALLOW": f"{sandbox_url.removeprefix('http://')},{slack.host}",
    }
    async with opened(redis_url, sandbox_url, slack_config, **changes) as world:
        yield world
