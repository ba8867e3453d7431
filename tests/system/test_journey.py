"""End to end: the real processes, from POST to both messages, through kill -9 and a restart."""

from pathlib import Path

import psutil
import pytest

from tests.support.processes import free_ports, up, wait_for


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.mark.slow  # starts the whole service twice, and waits as long as the demo import takes
def test_both_messages_of_an_import_arrive_despite_kills_and_a_restart(data: Path) -> None:
    port = free_ports()
    with up(data, port) as journey:
        first = journey.post("demo-partial-1")
        wait_for(lambda: journey.get(first)["polls"], "the first poll")
        journey.child("worker").kill()
        journey.child("redis.sock").kill()

        wait_for(lambda: len(journey.messages()) >= 2, "both messages")
        seen = wait_for(lambda: (now := journey.get(first))["settledAt"] and now, "the outcome")
        assert seen["outcome"] == "completed_with_failures"
        delivered = ["delivered", "delivered"]
        wait_for(lambda: [each["state"] for each in journey.get(first)["deliveries"]] == delivered, "the deliveries")
        kinds = {message["kind"] for message in journey.messages() if message["verified"]}
        assert kinds == {"slack", "callback"}
        second = journey.post("demo-slow-1")

    assert not [
        child for child in psutil.process_iter(["cmdline"]) if str(data) in " ".join(child.info["cmdline"] or [])
    ]
    with up(data, port) as journey:
        assert journey.get(first)["outcome"] == "completed_with_failures"
        assert journey.get(second)["state"] == "watching"

    logged = "".join(log.read_text() for log in (data / "logs").glob("*.log"))
    assert "watch.settled" in logged
    for private in (journey.key, "participant", "XXXX"):
        assert private not in logged
