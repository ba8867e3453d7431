"""The real processes, as a user starts them: `rally-bridge up --sandbox`."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import psutil

from tests.support.plain_http import plain_client

PATIENCE = 40.0
OURS = (sys.executable, "-m", "bridge.cli")
"""The command from the source that is tested."""


@dataclass
class Journey:
    """A running `rally-bridge up --sandbox`."""

    process: "subprocess.Popen[str]"
    port: int
    data: Path
    key: str = ""
    http: httpx.Client = field(default_factory=plain_client)

    @property
    def inbox(self) -> str:
        return f"http://127.0.0.1:{self.port + 1}/inbox"

    def post(self, import_id: str) -> dict[str, Any]:
        inbox = self.inbox
        notify = [
            {"type": "slack_webhook", "url": f"{inbox}/services/T000/B000/XXXX"},
            {"type": "callback", "url": f"{inbox}/callbacks/{import_id}"},
        ]
        return self.watch(import_id, *notify)

    def watch(self, import_id: str, *notify: dict[str, Any]) -> dict[str, Any]:
        """Post a watch with these destinations; return it."""
        answer = self.http.post(
            f"http://127.0.0.1:{self.port}/v1/watches",
            json={"importId": import_id, "label": import_id, "notify": list(notify)},
            headers={"Authorization": f"Bearer {self.key}"},
        )
        assert answer.status_code == 202, answer.text
        watch: dict[str, Any] = answer.json()
        return watch

    def get(self, watch: dict[str, Any]) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.port}/v1/watches/{watch['id']}"
        answer = self.http.get(url, headers={"Authorization": f"Bearer {self.key}"})
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def messages(self, **query: str) -> list[dict[str, Any]]:
        url = f"http://127.0.0.1:{self.port + 1}/inbox/messages"
        found: list[dict[str, Any]] = self.http.get(url, params=query).json()
        return found

    def child(self, mark: str) -> psutil.Process:
        """Return the child whose command line contains `mark`."""
        (found,) = [child for child in psutil.Process(self.process.pid).children() if mark in command_line(child)]
        return found


def command_line(process: psutil.Process) -> str:
    """Return the command line of a process; empty for one that has ended, as a child of `up` may at any moment."""
    try:
        return " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return ""


def wait_for(condition: Callable[[], Any], what: str, *, patience: float = PATIENCE) -> Any:
    """Poll until a condition is true, and return its value."""
    until = monotonic() + patience
    while monotonic() < until:
        try:
            if found := condition():
                return found
        except (httpx.HTTPError, ValueError):
            pass
        signal.sigtimedwait([], 0.05)
    raise AssertionError(f"not within {patience} s: {what}")


def free_ports() -> int:
    """Return a free port whose successor is free as well."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port


@contextmanager
def up(data: Path, port: int, *, program: Sequence[str] = OURS, **settings: str) -> Iterator[Journey]:
    """Run `up --sandbox`, and stop it with SIGINT."""
    log = data.with_suffix(".out")
    command = [*program, "up", "--sandbox", "--data-dir", str(data), "--port", str(port)]
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    environment |= settings
    with log.open("w") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, text=True, cwd=data.parent, env=environment
        )
    journey = Journey(process=process, port=port, data=data)
    try:
        wait_for(lambda: process.poll() is not None or "Ctrl-C stops everything" in log.read_text(), "the banner")
        assert process.poll() is None, log.read_text()
        found = re.search(r"rbk_[\w-]+", log.read_text())
        assert found, log.read_text()
        journey.key = found[0]
        yield journey
    finally:
        journey.http.close()
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0, log.read_text()
