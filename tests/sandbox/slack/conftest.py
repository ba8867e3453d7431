"""A simulated Slack: by itself, and over HTTP."""

from collections.abc import AsyncIterator

import pytest

from tests.support.sandbox_slack import SimulatedSlack, SlackOverHttp, slack_over_http


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def slack() -> SimulatedSlack:
    return SimulatedSlack()


@pytest.fixture
async def served() -> AsyncIterator[SlackOverHttp]:
    async with slack_over_http() as served:
        yield served
