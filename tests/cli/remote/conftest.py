"""A shell in front of a bridge that runs in this process."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.configuration import destination
from tests.support.live_bridge import live_bridge
from tests.support.shell import Shell


@pytest.fixture(scope="module")
def shell(redis_url: str, sandbox_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    named = [
        destination("ops", "slack_webhook", f"{sandbox_url}/inbox/services/T000/B000/XXXX"),
        destination("crm", "callback", f"{sandbox_url}/inbox/callbacks/crm"),
    ]
    changes = {"POLL_FLOOR": "200ms", "DELIVERY_SCHEDULE": "300ms,10m", "CLIENT_RATE_LIMIT": "100000"}
    with live_bridge(redis_url, sandbox_url, "\n".join(named), **changes) as bridge:
        yield Shell(bridge, Path(tmp_path_factory.mktemp("shell")))
