"""A Slack workspace in which two people may read failed records."""

import pytest

from tests.support.slack_requests import COLLEAGUE, SLACK_CLIENT, USER


@pytest.fixture
def slack_config() -> str:
    return f'{SLACK_CLIENT}[slack]\nrecords_users = ["{USER}", "{COLLEAGUE}"]\n'
