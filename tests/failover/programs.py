"""The bridge's processes of a run: an API and a worker."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.faults.programs import Program
from tests.faults.wire import LOOPBACK
from tests.support.api_process import answers
from tests.support.processes import OURS, free_ports, wait_for
from tests.support.push_messages import PUSH_SECRET
from tests.support.world import ADMIN_KEY, CLIENT_KEY, FERNET, RALLY_KEY, SERVICE_SECRET

ROOT = Path(__file__).parents[2]
STOP_PATIENCE = 30.0


@asynccontextmanager
async def bridge(home: Path, redis_url: str, outside: str, **settings: str) -> AsyncIterator[str]:
    """Run an API and a worker; yield the URL of the API. `outside` is the host of Rally and the receiver."""
    port = free_ports()
    env = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ} | {
        "PYTHONPATH": str(ROOT),
        "REDIS_URL": redis_url,
        "RALLY_API_KEY": RALLY_KEY,
        "RALLY_BASE_URL": f"http://{outside}/v1",
        "RALLY_BUDGET_SHARE": "1",
        "RALLY_WEBHOOK_SECRETS": PUSH_SECRET,
        "POLL_FLOOR": "500ms",
        "POLL_CEILING": "2s",
        "POLL_LEASE": "4s",
        "BRIDGE_API_KEYS": f"crm:{CLIENT_KEY},ops:{ADMIN_KEY}:admin",
        "BRIDGE_ENCRYPTION_KEYS": FERNET,
        "CALLBACK_SECRETS": SERVICE_SECRET,
        "CLIENT_RATE_LIMIT": "10000000",
        "EGRESS_ALLOW": outside,
        **settings,
    }
    commands = {"api": ("serve", "--host", LOOPBACK, "--port", str(port)), "worker": ("worker",)}
    programs = [
        Program(name=name, argv=(sys.executable, *OURS[1:], *words), env=env, log=home / f"{name}.log")
        for name, words in commands.items()
    ]
    try:
        for program in programs:
            program.start()
        url = f"http://{LOOPBACK}:{port}"
        api = programs[0].running
        assert api is not None
        await asyncio.to_thread(wait_for, lambda: answers(url, api), "the API answers")
        yield url
    finally:
        for program in programs:
            program.signal(signal.SIGTERM)
        for program in programs:
            if program.running is not None:
                await asyncio.to_thread(program.running.wait, STOP_PATIENCE)
