"""Schemathesis against the running API: its responses match its OpenAPI document."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.support.world import ADMIN_KEY, CLIENT_KEY, FERNET, SERVICE_SECRET

HOME = Path(__file__).parents[2]
SUPPORT = HOME / "tests" / "support"
EXAMPLES = "200"


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@contextmanager
def served(redis_url: str) -> Iterator[str]:
    """Serve the API like `rally-bridge serve`. Its egress proxy does not exist, so nothing is sent."""
    port, nowhere = free_port(), free_port()
    env = {
        "PATH": os.environ["PATH"],
        "REDIS_URL": redis_url,
        "RALLY_API_KEY": "rally",
        "RALLY_BASE_URL": f"http://127.0.0.1:{nowhere}",
        "BRIDGE_API_KEYS": f"crm:{CLIENT_KEY},ops:{ADMIN_KEY}:admin",
        "BRIDGE_ENCRYPTION_KEYS": FERNET,
        "CALLBACK_SECRETS": SERVICE_SECRET,
        "CLIENT_RATE_LIMIT": "10000000",
        "SLACK_BOT_TOKEN": "xoxb-none",
        "SLACK_API_URL": f"http://127.0.0.1:{nowhere}",
        "EGRESS_PROXY": f"http://127.0.0.1:{nowhere}",
        "LOG_LEVEL": "WARNING",
    }
    command = [sys.executable, "-m", "bridge.cli", "serve", "--port", str(port)]
    with subprocess.Popen(command, env=env) as server:
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for(url, server)
            yield url
        finally:
            server.terminate()


def wait_for(url: str, server: "subprocess.Popen[bytes]") -> None:
    for _ in range(200):
        assert server.poll() is None, "the API did not start"
        try:
            httpx.get(f"{url}/healthz", trust_env=False)
        except httpx.ConnectError:
            try:
                server.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
        else:
            return
    raise AssertionError("the API did not answer")


@pytest.mark.slow
def test_the_api_does_what_its_description_says(redis_url: str, tmp_path: Path) -> None:
    """`/events` is excluded, because no watch ends here; tests/web/test_events.py tests it."""
    with served(redis_url) as url:
        command = [
            *(
                str(Path(sys.executable).parent / "schemathesis"),
                "--config-file",
                str(SUPPORT / "schemathesis.toml"),
                "run",
                f"{url}/openapi.json",
            ),
            *("--header", f"Authorization: Bearer {CLIENT_KEY}"),
            *("--checks", "all", "--continue-on-failure", "--max-examples", EXAMPLES, "--seed", "7"),
            *("--exclude-path", "/v1/watches/{watch_id}/events", "--request-timeout", "10"),
        ]
        hooks = {"SCHEMATHESIS_HOOKS": "tests.support.contract_rules", "PYTHONPATH": str(HOME)}
        env = {**os.environ, **hooks, "NO_PROXY": "127.0.0.1"}
        ran = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False)
        assert ran.returncode == 0, ran.stdout[-20_000:] + ran.stderr[-5_000:]
