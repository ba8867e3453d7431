"""What a type checker says of scripts that use the client."""

import subprocess
import sys
from pathlib import Path

import pytest

GOOD = """
from http.server import BaseHTTPRequestHandler

from bridge.client import AsyncBridge, Bridge, Delivery, Event, Watch, WatchRequest, verify_callback


def wait(bridge: Bridge) -> int:
    watch = bridge.watch(
        "imp",
        notify=[
            {"type": "slack", "channel": "C0123ABCD", "on": "problems", "mention": {"users": ["U0123ABCD"]}},
            {"type": "slack", "channel": "C0123ABCE", "live": True, "end": "reply"},
            {"type": "slack_webhook", "url": "https://hooks.slack.com/x", "on": "always"},
            {"type": "callback", "url": "https://crm.example.com", "secret": "whsec_x", "headers": {"X": "y"}},
            {"type": "named", "name": "research-ops", "on": ["failed", "timed_out"]},
        ],
    )
    watch = bridge.wait(watch, timeout=60, until="delivered")
    deliveries: list[Delivery] = list(bridge.deliveries(state="abandoned"))
    made = [each.id for each in bridge.batch([WatchRequest("imp")]) if isinstance(each, Watch)]
    if watch.outcome == "completed" and watch.state == "settled":
        return watch.failed_record_count + len(watch.failed_records) + len(deliveries) + len(made)
    return 0


async def stream(bridge: AsyncBridge) -> list[Event]:
    watch: Watch = await bridge.watch("imp")
    return [event async for event in bridge.events(watch.id)]


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        verify_callback(b"", self.headers, "whsec_x")
        verify_callback("", {"webhook-id": "1"}, ["whsec_x"], client="crm")
"""
WRONG = {
    'bridge.wait("wat_1").outcome == "complete"': "comparison-overlap",
    'bridge.get("wat_1").state == "done"': "comparison-overlap",
    'bridge.list(outcome="complete")': "arg-type",
    'bridge.deliveries(state="lost")': "arg-type",
    'bridge.wait("wat_1", until="forever")': "arg-type",
    'bridge.watch("imp", lable="x")': "call-arg",
    'bridge.watch("imp", notify=[{"type": "slakc", "channel": "C0"}])': "typeddict-item",
    'bridge.watch("imp", notify=[{"type": "slack", "url": "x"}])': "list-item",
    'bridge.watch("imp", notify=[{"type": "slack", "channel": "C0", "on": "problem"}])': "typeddict-item",
    'bridge.watch("imp", notify=[{"type": "slack", "channel": "C0", "on": ["complete"]}])': "list-item",
    'bridge.test({"type": "callback"})': "arg-type",
    "bridge.signing_secrets().sort()": "attr-defined",
}


@pytest.mark.slow  # mypy reads the client and the libraries beneath it
def test_mypy_accepts_what_works_and_refuses_what_does_not(tmp_path: Path) -> None:
    wrong = "".join(f"{line}  # line {number}\n" for number, line in enumerate(WRONG))
    (tmp_path / "good.py").write_text(GOOD)
    (tmp_path / "wrong.py").write_text(f"from bridge.client import Bridge\nbridge = Bridge()\n{wrong}")
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--cache-dir", "cache"]
    ran = subprocess.run(
        [*command, "good.py", "wrong.py"], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )

    said = ran.stdout.splitlines()
    assert [line for line in said if line.startswith("good.py")] == []
    for number, (line, code) in enumerate(WRONG.items(), start=3):
        found = [each for each in said if each.startswith(f"wrong.py:{number}: error: ")]
        assert any(each.endswith(f"[{code}]") for each in found), (line, found)
