"""A sandbox with a clock of its own, for tests without sockets."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from bridge.sandbox.app import create_app
from bridge.sandbox.settings import SandboxSettings

KEY = {"Authorization": "Bearer rally-key"}
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
START = 1_800_000_000.0
IMPORTS = "/rally/api/public/v1/imports"


@dataclass
class Clock:
    now: float = START

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def running_sandbox(clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client of a new sandbox."""
    settings = SandboxSettings(
        rally_key="rally-key", callback_secrets=(SECRET,), slack_token="xoxb-1", rate_limit=3, rate_window=60
    )
    transport = httpx.ASGITransport(create_app(settings, clock))
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as client:
        yield client
