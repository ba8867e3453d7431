"""Redis servers with replicas, and the sentinels that watch them. Each server is reached through a forwarder."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

from redis.asyncio import Redis
from redis.exceptions import RedisError

from tests.conftest import redis_server_path
from tests.faults.forwarder import Forwarder
from tests.faults.pair import DURABLE
from tests.faults.programs import Program
from tests.faults.stage import free_ports
from tests.faults.wire import LOOPBACK

MASTER = "bridge"
SENTINELS = 3
DOWN_AFTER_MS, FAILOVER_TIMEOUT_MS = 3000, 5000
PATIENCE = 60.0
PAUSE = 0.1
"""Seconds between two looks at the servers; each takes time from the forwarders, which run in the same process."""
STOP_PATIENCE = 10.0

FoundT = TypeVar("FoundT")


@dataclass
class Server:
    """A Redis server. Clients, replicas and sentinels reach it through its forwarder only."""

    program: Program
    port: int
    forwarder: Forwarder = field(init=False)
    client: Redis = field(init=False)

    def __post_init__(self) -> None:
        self.forwarder = Forwarder(self.port)
        self.client = _client(self.port)

    def start(self, *, replica_of: "Server | None" = None) -> None:
        """Start it; as the image of a Redis with sentinels does, as a replica if another server is the primary."""
        flags = () if replica_of is None else ("--replicaof", f"{LOOPBACK} {replica_of.forwarder.port}")
        announced = ("--replica-announce-ip", LOOPBACK, "--replica-announce-port", str(self.forwarder.port))
        self.program.argv = (*_command(self), *announced, *flags)
        self.program.start()

    def kill(self) -> None:
        running = self.program.running
        if running is not None:
            running.kill()
            running.wait(STOP_PATIENCE)

    async def ask(self, *command: str) -> Any:
        """Return the reply to a command, sent without the forwarder."""
        return await self.client.execute_command(*command)  # type: ignore[no-untyped-call]  # redis-py's


def _client(port: int) -> Redis:
    return Redis(host=LOOPBACK, port=port, decode_responses=True, socket_timeout=2)


def _command(server: Server) -> Sequence[str]:
    place = ("--bind", LOOPBACK, "--port", str(server.port), "--dir", str(server.program.log.parent))
    return (redis_server_path(), *place, "--repl-diskless-sync-delay", "0", *DURABLE)


class RedisSet:
    """A primary, its replicas and the sentinels."""

    def __init__(self, home: Path, *, replicas: int) -> None:
        ports = free_ports(1 + replicas + SENTINELS)
        self.servers = [_server(home, port) for port in ports[: 1 + replicas]]
        self._sentinels = {port: _client(port) for port in ports[1 + replicas :]}
        self._home = home
        self._programs: list[Program] = []

    @property
    def url(self) -> str:
        hosts = ",".join(f"{LOOPBACK}:{port}" for port in self._sentinels)
        return f"redis+sentinel://{hosts}/0?master={MASTER}"

    async def open(self) -> None:
        for server in self.servers:
            await server.forwarder.open()
        first, *others = self.servers
        first.start()
        for server in others:
            server.start(replica_of=first)
        for port in self._sentinels:
            self._start_sentinel(port, first)
        await self.until_ready(len(others))

    def _start_sentinel(self, port: int, primary: Server) -> None:
        home = self._home / f"sentinel-{port}"
        home.mkdir()
        config = home / "sentinel.conf"
        quorum = SENTINELS // 2 + 1
        config.write_text(
            f"port {port}\nbind {LOOPBACK}\ndir {home}\n"
            f"sentinel monitor {MASTER} {LOOPBACK} {primary.forwarder.port} {quorum}\n"
            f"sentinel down-after-milliseconds {MASTER} {DOWN_AFTER_MS}\n"
            f"sentinel failover-timeout {MASTER} {FAILOVER_TIMEOUT_MS}\n"
        )
        argv = (redis_server_path(), str(config), "--sentinel")
        program = Program(name=home.name, argv=argv, env={}, log=home / "sentinel.log")
        program.start()
        self._programs.append(program)

    async def aclose(self) -> None:
        for program in (*self._programs, *(server.program for server in self.servers)):
            if program.running is not None and program.running.poll() is None:
                program.signal(signal.SIGKILL)
                program.running.wait(STOP_PATIENCE)
        for server in self.servers:
            await server.forwarder.aclose()
        for client in (*self._sentinels.values(), *(server.client for server in self.servers)):
            await client.aclose()

    async def ask_sentinel(self, port: int, *command: str) -> Any:
        return await self._sentinels[port].execute_command(*command)  # type: ignore[no-untyped-call]  # redis-py's

    async def primary(self) -> Server | None:
        """Return the server that all sentinels name as the master, if it is one; None while they disagree."""
        named = {(await self._master_of(port))["port"] for port in self._sentinels}
        found = [server for server in self.servers if named == {str(server.forwarder.port)}]
        if not found or (await found[0].ask("ROLE"))[0] != "master":
            return None
        return found[0]

    async def _master_of(self, port: int) -> Any:
        """Return what a sentinel knows about the master."""
        return _named(await self.ask_sentinel(port, "SENTINEL", "MASTER", MASTER))

    async def until_named(self, other_than: Server) -> Server:
        """Wait until all sentinels name another server."""

        async def named() -> Server | None:
            primary = await self.primary()
            return None if primary is other_than else primary

        return await _until(named, "another primary")

    async def until_followed(self, replicas: int) -> Server:
        """Wait until the primary has this number of replicas in step."""

        async def followed() -> Server | None:
            primary = await self.primary()
            if primary is None:
                return None
            replication = await primary.ask("INFO", "replication")
            online = sum(isinstance(each, dict) and each["state"] == "online" for each in replication.values())
            return primary if online >= replicas else None

        return await _until(followed, f"a primary with {replicas} replicas")

    async def until_ready(self, replicas: int) -> Server:
        """Wait until the sentinels can start a failover as well."""
        primary = await self.until_followed(replicas)

        async def known() -> bool:
            return all([await self._knows(port, replicas) for port in self._sentinels])

        await _until(known, "sentinels that know each other")
        return primary

    async def _knows(self, port: int, replicas: int) -> bool:
        """Return whether a sentinel knows the other ones, and replicas that it could promote."""
        master = await self._master_of(port)
        named = map(_named, await self.ask_sentinel(port, "SENTINEL", "REPLICAS", MASTER))
        up = sum(each["flags"] == "slave" and each["master-link-status"] == "ok" for each in named)
        others = int(master["num-other-sentinels"])
        return master["flags"] == "master" and others == SENTINELS - 1 and up >= replicas

    async def fail_over(self) -> None:
        await self.ask_sentinel(min(self._sentinels), "SENTINEL", "FAILOVER", MASTER)


def _named(flat: Sequence[str]) -> Mapping[str, str]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _server(home: Path, port: int) -> Server:
    place = home / f"redis-{port}"
    place.mkdir()
    return Server(program=Program(name=place.name, argv=(), env={}, log=place / "redis.log"), port=port)


async def _until(condition: Callable[[], Awaitable[FoundT | None]], what: str) -> FoundT:
    until = monotonic() + PATIENCE
    while monotonic() < until:
        try:
            if found := await condition():
                return found
        except (RedisError, OSError):
            pass  # a server that is down, or restarts
        await asyncio.sleep(PAUSE)
    raise TimeoutError(f"not within {PATIENCE:g} s: {what}")
