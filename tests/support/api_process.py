"""The API in a process of its own, started like `rally-bridge serve`."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.support.processes import OURS, free_ports, wait_for
from tests.support.world import ADMIN_KEY, CLIENT_KEY, FERNET, SERVICE_SECRET

STOP_PATIENCE = 20.0
"""Seconds; shorter than the longest request of a test still takes."""


@contextmanager
def served(redis_url: str, **settings: str) -> Iterator[str]:
    """Serve the API and yield its URL. Its egress proxy does not exist, so nothing is sent."""
    port = free_ports()
    nowhere = port + 1
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
        **settings,
    }
    with subprocess.Popen([*OURS, "serve", "--port", str(port)], env=env) as server:
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for(lambda: answers(url, server), "the API answers")
            yield url
        finally:
            stop(server)


def stop(server: "subprocess.Popen[bytes]") -> None:
    """Stop the server; fail if it waits for requests that are still open."""
    server.terminate()
    try:
        server.wait(STOP_PATIENCE)
    except subprocess.TimeoutExpired:
        server.kill()
        raise


def answers(url: str, server: "subprocess.Popen[bytes]") -> bool:
    assert server.poll() is None, "the API did not start"
    return httpx.get(f"{url}/healthz", trust_env=False).is_success
