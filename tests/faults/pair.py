"""Two Redis servers with our configuration behind one address: a primary and a standby."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from time import monotonic, time
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from bridge.cli.up.embedded_redis import find_binary

from .forwarder import Forwarder
from .programs import Program
from .wire import LOOPBACK

DURABLE = ("--save", "", "--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction")
NAMES = PRIMARY, STANDBY = "redis0", "redis1"
"""The roles at the start; a failover swaps them."""
STEP_PATIENCE = 10.0
ANSWER_PATIENCE = 2.0
IN_STEP: Mapping[str, Any] = {
    "master_link_status": "up",
    "master_sync_in_progress": 0,
    "aof_rewrite_in_progress": 0,
    "aof_rewrite_scheduled": 0,
}
"""The state of a replica that has all data on disk."""


class RedisPair:
    """Both servers; `primary` is the name of the one to which new connections lead."""

    def __init__(self, home: Path, ports: Sequence[int]) -> None:
        self.primary, self._standby = PRIMARY, STANDBY
        self.notes: list[str] = []
        self._ports = dict(zip(NAMES, ports, strict=True))
        self._sockets = {name: home / f"{name}.sock" for name in NAMES}
        self.programs = {name: self._program(name, home) for name in NAMES}
        self.forwarder = Forwarder(self._ports[self.primary])

    @property
    def socket(self) -> Path:
        return self._sockets[self.primary]

    @property
    def url(self) -> str:
        """The address through the forwarder, once that is open."""
        return f"redis://{LOOPBACK}:{self.forwarder.port}"

    def _program(self, name: str, home: Path) -> Program:
        data = home / name
        data.mkdir()
        place = ("--bind", LOOPBACK, "--port", str(self._ports[name]), "--unixsocket", str(self._sockets[name]))
        flags = (*place, "--dir", str(data), "--repl-diskless-sync-delay", "0", *DURABLE)
        return Program(name=name, argv=(str(find_binary().path), *flags), env={}, log=home / f"{name}.log")

    async def tell(self, *command: str) -> None:
        """Run a command on the primary; ignore it if the primary doesn't answer."""
        try:
            await self._ask(self.primary, *command)
        except (RedisError, OSError) as error:
            self.notes.append(f"Redis did not take {command[0]}: {type(error).__name__}")

    async def answers(self, names: Iterable[str] = NAMES) -> bool:
        try:
            return all([await self._ask(name, "PING") for name in names])
        except (RedisError, OSError):
            return False

    async def fail_over(self) -> float | None:
        """Promote the standby; return the moment, or None if it did not catch up.

        The primary pauses writes until the standby has everything acknowledged, so that nothing is lost.
        It becomes a replica, which keeps its connections and refuses writes; only new connections reach its successor.
        """
        old, new = self.primary, self._standby
        host, port = LOOPBACK, str(self._ports[new])
        try:
            await self._ask(new, "REPLICAOF", LOOPBACK, str(self._ports[old]))
            await self._until(lambda: self._is_in_step(new))
            since = time()
            await self._ask(old, "FAILOVER", "TO", host, port)
            await self._until(lambda: self._has_role(new, "master"))
            self.forwarder.target = self._ports[new]
            self.primary, self._standby = new, old
            await self._until(lambda: self._has_role(old, "slave"))
        except (RedisError, OSError) as error:
            self.notes.append(f"Redis did not fail over: {type(error).__name__}: {error}")
            return None
        return since

    async def _until(self, condition: Callable[[], Awaitable[bool]]) -> None:
        until = monotonic() + STEP_PATIENCE
        while not await condition():
            if monotonic() > until:
                raise TimeoutError(f"not within {STEP_PATIENCE:g} s")
            await asyncio.sleep(0.02)

    async def _is_in_step(self, name: str) -> bool:
        info = await self._ask(name, "INFO", "replication") | await self._ask(name, "INFO", "persistence")
        return all(info[name] == value for name, value in IN_STEP.items())

    async def _has_role(self, name: str, role: str) -> bool:
        return bool((await self._ask(name, "INFO", "replication"))["role"] == role)

    async def _ask(self, name: str, *command: str) -> Any:
        redis = Redis(
            unix_socket_path=str(self._sockets[name]),
            socket_timeout=ANSWER_PATIENCE,
            socket_connect_timeout=ANSWER_PATIENCE,
            decode_responses=True,
        )
        try:
            return await redis.execute_command(*command)  # type: ignore[no-untyped-call]  # redis-py's
        finally:
            await redis.aclose()
