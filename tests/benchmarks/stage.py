"""The environment of the benchmarks: Redis with our configuration, the fake Rally, and workers, each in a process."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx
from cryptography.fernet import Fernet
from redis import Redis

from bridge.cli.up.embedded_redis import find_binary
from bridge.settings import Settings, load_settings

ROOT = Path(__file__).parents[2]
RUNS = int(os.environ.get("RUNS", "5"))
"""Fewer for a quick look."""
PATIENCE = 20.0
DURABLE = ("--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction", "--save", "")


@dataclass(frozen=True)
class Stage:
    """The addresses of Redis and the fake Rally."""

    redis_url: str
    rally_url: str

    @property
    def port(self) -> int:
        return int(self.rally_url.rpartition(":")[2])

    def environment(self, **changes: str) -> dict[str, str]:
        return {
            "REDIS_URL": self.redis_url,
            "RALLY_API_KEY": "key-of-the-benchmark",
            "RALLY_BASE_URL": f"{self.rally_url}/v1",
            "RALLY_BUDGET_SHARE": "1",
            "BRIDGE_API_KEYS": "bench:key-of-the-benchmark",
            "BRIDGE_ENCRYPTION_KEYS": KEY,
            "CALLBACK_SECRETS": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "EGRESS_ALLOW": "127.0.0.0/8",
            "LOG_LEVEL": "WARNING",
            **changes,
        }

    def settings(self, **changes: str) -> Settings:
        return load_settings(self.environment(**changes), env_file=None)

    def redis(self) -> "Redis":
        return Redis.from_url(self.redis_url, decode_responses=True)

    def info(self, section: str) -> Any:
        return self.redis().info(section)

    def record(self) -> Any:
        return httpx.get(f"{self.rally_url}/record", trust_env=False).json()

    def be(self, status: str) -> None:
        httpx.get(f"{self.rally_url}/status/{status}", trust_env=False)

    def end_imports(self, by_second: float) -> None:
        """Let imports end from now on, one after another."""
        httpx.get(f"{self.rally_url}/ending/{by_second}", trust_env=False)

    @contextmanager
    def process(self, *command: str, **changes: str) -> Iterator["subprocess.Popen[bytes]"]:
        """Run one of our programs in the background, and end it."""
        environment = {**os.environ, **self.environment(**changes), "PYTHONPATH": str(ROOT)}
        running = subprocess.Popen([sys.executable, *command], env=environment, stdout=subprocess.DEVNULL)
        try:
            yield running
        finally:
            running.terminate()
            running.wait(PATIENCE)


KEY = Fernet.generate_key().decode()


@contextmanager
def stage(
    *, limit: int = 100_000_000, window: int = 3600, others: int = 0, hosts: int = 1, delay: int = 0
) -> Iterator[Stage]:
    """Start Redis and the fake Rally, both empty. Rally answers after `delay` milliseconds."""
    home = Path(tempfile.mkdtemp(prefix="rb-bench-"))
    place = home / "r.sock"
    flags = ["--port", "0", "--unixsocket", str(place), "--dir", str(home), *DURABLE]
    redis = subprocess.Popen([str(find_binary().path), *flags], stdout=subprocess.DEVNULL)
    port = free_port()
    words = [str(number) for number in (port, limit, window, others, hosts, delay)]
    rally = subprocess.Popen([sys.executable, "-m", "tests.benchmarks.server", *words], cwd=ROOT)
    found = Stage(f"unix://{place}", f"http://127.0.0.1:{port}")
    try:
        _wait(lambda: found.redis().ping() and found.record())
        yield found
    finally:
        for process in (rally, redis):
            process.terminate()
            process.wait(PATIENCE)
        shutil.rmtree(home)


def _wait(condition: Any) -> None:
    until = monotonic() + PATIENCE
    while True:
        try:
            if condition():
                return
        except Exception:
            if monotonic() > until:
                raise
        sleep(0.05)


def row(name: str, value: str, goal: str = "") -> None:
    print(f"  {name:<58} {value:>16}   {goal}")


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
