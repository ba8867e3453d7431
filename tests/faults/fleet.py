"""The processes of a run: two Redis servers, two API processes and three workers, restarted like `up` does."""

import asyncio
import base64
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from time import monotonic, time

import httpx

from tests.support.plain_http import plain_async_client

from . import crowd
from .history import Death
from .pair import PRIMARY, RedisPair
from .programs import Program
from .wire import LOOPBACK

ROOT = Path(__file__).parents[2]
KEY = "key-of-the-fault-harness"
PUSH_SECRET = "whsec_" + base64.b64encode(b"the secret of Rally's pushes").decode()
APIS = ("api0", "api1")
WORKERS = ("worker0", "worker1", "worker2")
SHORT: Mapping[str, str] = {
    "RALLY_BUDGET_SHARE": "1",
    "POLL_FLOOR": "300ms",
    "POLL_CEILING": "3s",
    "POLL_LEASE": "4s",
    "NOT_FOUND_GRACE": "4s",
    "CLIENT_RATE_LIMIT": "1000000",
    "DELIVERY_SCHEDULE": ",".join(["1s", "1s", "2s", "2s", *["3s"] * 60]),
}
"""The budget is the whole limit, so that one request too many is a breach; pauses are short to keep runs short."""
SKEWS = ("+7m", "-7m")
"""More than the five minutes that a receiver tolerates in a signature's timestamp."""
START_PATIENCE = 90.0
END_PATIENCE = 30.0
"""Longer than a worker's drain: a process that has not ended by then is killed, with a note."""
KEEP_PAUSE = 0.1


class Fleet:
    """All processes, by name."""

    def __init__(
        self,
        home: Path,
        *,
        rally: str,
        egress: Sequence[str],
        redis: RedisPair,
        ports: Sequence[int],
        settings: Mapping[str, str],
        skew: str | None = None,
        forwarded: bool = True,
        config: str = "",
    ) -> None:
        """Take a directory, Rally's URL, the receivers as host:port, Redis, the APIs' ports, and a clock's error.

        Without `forwarded` there is one Redis, which is reached without a forwarder. `config` is bridge.toml.
        """
        self.home = home
        file = home / "bridge.toml"
        file.write_text(config)
        self.urls = {name: f"http://{LOOPBACK}:{port}" for name, port in zip(APIS, ports, strict=True)}
        self.notes: list[str] = []
        self.deaths: list[Death] = []
        self.redis = redis
        self._env = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ} | {
            **settings,
            "PYTHONPATH": str(ROOT),
            "REDIS_URL": self.redis.url if forwarded else f"unix://{self.redis.socket}",
            "RALLY_API_KEY": "key-of-rally",
            "BRIDGE_API_KEYS": f"faults:{KEY},crowd:{crowd.KEY}",
            "BRIDGE_ENCRYPTION_KEYS": base64.urlsafe_b64encode(os.urandom(32)).decode(),
            "CALLBACK_SECRETS": secret(),
            "EGRESS_ALLOW": ",".join(egress),
            "RALLY_WEBHOOK_SECRETS": PUSH_SECRET,
            "BRIDGE_CONFIG_FILE": str(file),
        }
        self._servers = dict(self.redis.programs) if forwarded else {PRIMARY: self.redis.programs[PRIMARY]}
        self.programs = dict(self._servers)
        for name, port in zip(APIS, ports, strict=True):
            self.programs[name] = self._ours(name, "serve", "--port", str(port), RALLY_BASE_URL=rally)
        for name in WORKERS:
            # A separate path for each, so that Rally's record shows which process sent a request.
            self.programs[name] = self._ours(name, "worker", RALLY_BASE_URL=f"{rally}/{name}/v1")
        if skew is not None:
            self._skew(self.programs[WORKERS[-1]], skew)

    def program(self, target: str) -> Program | None:
        """Return the process of a target, for Redis the primary; None if the target is no process."""
        return self.programs.get(self.redis.primary if target == "redis" else target)

    def _ours(self, name: str, *words: str, **settings: str) -> Program:
        argv = (sys.executable, "-m", "bridge.cli", *words)
        return Program(name=name, argv=argv, env=self._env | settings, log=self.home / f"{name}.log")

    def _skew(self, program: Program, skew: str) -> None:
        library = _faketime()
        if library is None:
            self.notes.append("SKIPPED: the clock that is minutes off (libfaketime is not installed)")
            return
        wrong = {"LD_PRELOAD": str(library), "FAKETIME": skew, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        program.env = {**program.env, **wrong, "DONT_FAKE_MONOTONIC": "1"}
        self.notes.append(f"the clock of {program.name} is off by {skew}")

    async def start(self) -> None:
        """Start everything in order, and wait until it is ready."""
        for server in self._servers.values():
            server.start()
        await self._until(partial(self.redis.answers, self._servers), "Redis")
        for name in (*APIS, *WORKERS):
            self.programs[name].start()
        for name in APIS:
            await self._until(partial(_is_ready, self.urls[name]), name)

    async def keep(self, seconds: float) -> None:
        """Restart processes that ended, for `seconds`."""
        until = monotonic() + seconds
        while monotonic() < until:
            for program in self.programs.values():
                if (code := program.died_with()) is not None:
                    self.deaths.append(Death(at=time(), target=program.name, code=code))
                    program.start()
            await asyncio.sleep(KEEP_PAUSE)

    def end(self) -> None:
        """End everything, Redis last, because the others commit their work in progress."""
        ours = [program for name, program in self.programs.items() if name not in self._servers]
        for programs in (ours, list(self._servers.values())):
            for program in programs:
                program.held = True
                program.signal(signal.SIGCONT)
                program.signal(signal.SIGTERM)
            for program in programs:
                self._see_end(program)

    def _see_end(self, program: Program) -> None:
        if program.running is not None:
            try:
                program.running.wait(END_PATIENCE)
            except subprocess.TimeoutExpired:
                self.notes.append(f"{program.name} did not end within {END_PATIENCE:g} s of SIGTERM, and was killed")
                program.running.kill()
                program.running.wait(END_PATIENCE)

    async def _until(self, condition: Callable[[], Awaitable[bool]], what: str) -> None:
        until = monotonic() + START_PATIENCE
        while monotonic() < until:
            if await condition():
                return
            await asyncio.sleep(0.1)
        raise TimeoutError(f"{what} did not start within {START_PATIENCE} s; see {self.home}")


async def _is_ready(url: str) -> bool:
    async with plain_async_client() as http:
        try:
            return (await http.get(f"{url}/readyz")).is_success
        except httpx.HTTPError:
            return False


def secret() -> str:
    return "whsec_" + base64.b64encode(os.urandom(32)).decode()


def _faketime() -> Path | None:
    """Find libfaketime: Debian's, the one beside the `faketime` command, or the one in the PyPI package."""
    places = [*Path("/usr/lib").glob("*/faketime/libfaketime.so.1")]
    if command := shutil.which("faketime"):
        places += Path(command).parent.parent.glob("lib/faketime/libfaketime.so.1")
    if (package := find_spec("libfaketime")) and package.origin:
        places += Path(package.origin).parent.rglob("libfaketime.so.1")
    return next((place for place in places if place.exists()), None)
