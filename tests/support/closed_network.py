"""A network namespace without any way out: loopback alone. The kernel counts every attempt to leave it.

Run as a program inside `unshare --net`: it starts the sandbox, sends to hosts of every kind, and prints what it saw.
"""

import fcntl
import json
import os
import socket
import struct
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.support.processes import Journey, free_ports, up, wait_for

ROOT = os.geteuid() == 0
UNSHARE = ("unshare", "--net", "--") if ROOT else ("unshare", "--user", "--map-root-user", "--net", "--")
"""The command that runs another one in such a namespace."""
SIOCSIFFLAGS = 0x8914
FLAGS_UP = 0x1 | 0x40
"""IFF_UP and IFF_RUNNING."""
HOSTS = [
    {"type": "slack_webhook", "url": "https://hooks.slack.com/services/T000/B000/XXXX"},
    {"type": "slack", "channel": "C0123ABCD"},
    {"type": "callback", "url": "https://crm.example.com/hooks/rally"},
    {"type": "callback", "url": "http://1.1.1.1/hooks/rally"},
    {"type": "callback", "url": "http://10.0.0.5:8443/hooks/rally"},
    {"type": "callback", "url": "http://localhost:3000/hooks/rally"},
    {"type": "slack_webhook", "url": "https://chat.internal/hooks/rally"},
    {"type": "named", "name": "ops"},
]
CONFIGURATION = """\
[workspaces.eu]
key = "key-of-a-real-account"
base_url = "https://eu.example.com/v1"

[destinations.ops]
type = "callback"
url = "https://ops.example.com/hooks/rally"
"""
"""A user's own `bridge.toml`, whose addresses must not be reached either."""


def start_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh", b"lo", FLAGS_UP))


def attempts() -> int:
    """Return how often any process of this namespace addressed a host that is not on loopback."""
    names, values = (line.split() for line in Path("/proc/net/snmp").read_text().splitlines()[:2])
    six = dict(line.split() for line in Path("/proc/net/snmp6").read_text().splitlines())
    return int(dict(zip(names, values, strict=True))["OutNoRoutes"]) + int(six["Ip6OutNoRoutes"])


def tested(journey: Journey, destination: dict[str, str]) -> str:
    answer = journey.http.post(
        f"http://127.0.0.1:{journey.port}/v1/destinations/test",
        json={"destination": destination},
        headers={"Authorization": f"Bearer {journey.key}"},
    )
    return str(answer.json().get("verdict", answer.text))


def watched(journey: Journey, workspace: str) -> list[str]:
    """Watch an import that ends at once; return the addresses of its messages."""
    url = f"http://127.0.0.1:{journey.port + 1}/control/imports/ended"
    journey.http.put(url, json={"statuses": [{"status": "COMPLETED", "after": 0}]}).raise_for_status()
    before = len(journey.messages())
    journey.http.post(
        f"http://127.0.0.1:{journey.port}/v1/watches",
        json={"importId": "ended", "workspace": workspace, "notify": HOSTS},
        headers={"Authorization": f"Bearer {journey.key}"},
    ).raise_for_status()
    wait_for(lambda: len(journey.messages()) >= before + len(HOSTS), "all messages")
    return [message["url"] for message in journey.messages()[before:]]


def observe(data: Path) -> dict[str, Any]:
    start_loopback()
    data.mkdir(mode=0o700)
    (data / "bridge.toml").write_text(CONFIGURATION)
    with up(data, free_ports()) as journey:
        verdicts = [tested(journey, destination) for destination in HOSTS]
        addresses = watched(journey, "eu")
    inside = attempts()
    with suppress(OSError):
        socket.getaddrinfo("crm.example.com", 443)
    return {"verdicts": verdicts, "addresses": sorted(addresses), "attempts": inside, "with_one": attempts()}


if __name__ == "__main__":
    json.dump(observe(Path(sys.argv[1])), sys.stdout)
