"""A stand-in for Slack that the tests of workers share."""

from collections.abc import Iterator

import pytest

from tests.support.slack_requests import SlackStandIn, slack_serving


@pytest.fixture(scope="session")
def slack_server() -> Iterator[SlackStandIn]:
    with slack_serving() as slack:
        yield slack


@pytest.fixture
def slack(slack_server: SlackStandIn) -> SlackStandIn:
    slack_server.reset()
    return slack_server
