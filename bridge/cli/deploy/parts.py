"""The parts that run in production. A test compares these names and values with docker-compose.yml."""

from collections.abc import Sequence
from dataclasses import dataclass

CONFIG_FOLDER = "/etc/rally-bridge"
CONFIG_FILE = f"{CONFIG_FOLDER}/bridge.toml"
SECRETS_FOLDER = f"{CONFIG_FOLDER}/secrets"
ALIVE_FILE = "/tmp/worker-alive"  # noqa: S108 - in a container, whose /tmp is its own
ALIVE_CHECK = f"test $(($(date +%s) - $(stat -c %Y {ALIVE_FILE}))) -lt 30"
"""Fails once the worker has not touched its file for 30 seconds; starts no program of ours."""
API_PORT = 8080
METRICS_PORT = 8082
USER = 10001
"""The user of the image."""
REQUIRED_SECRETS = ("REDIS_URL", "RALLY_API_KEY", "BRIDGE_ENCRYPTION_KEYS", "CALLBACK_SECRETS")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A program that runs in any number of processes."""

    name: str
    purpose: str
    command: Sequence[str]
    memory: int
    """The limit in MiB."""
    stop_seconds: int
    """How long it may take to stop."""


WEB = Part(
    name="web",
    purpose="API of rally-bridge",
    command=("serve", "--host", "0.0.0.0", "--port", str(API_PORT)),  # noqa: S104 - the address within a container
    memory=768,
    stop_seconds=20,
)
WORKER = Part(name="worker", purpose="Worker of rally-bridge", command=("worker",), memory=512, stop_seconds=30)
PARTS = {part.name: part for part in (WEB, WORKER)}


def secret_file(name: str) -> str:
    return f"{SECRETS_FOLDER}/{name}"
