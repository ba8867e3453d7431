"""Import of a dump.rdb that was put into the data directory: Redis reads it only without an append-only file (AOF).

`up` runs Redis with an AOF, so a restored backup would be ignored: the bridge would start empty, or with old data.
A dump without an AOF is imported. If there is an older AOF beside a dump, the operator has to decide.
"""

import time
from collections.abc import Iterator
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from bridge.cli.errors import CannotStart, ChildFailed
from bridge.cli.up.child import STOP_PATIENCE, Child
from bridge.cli.up.data_dir import DataDir
from bridge.cli.up.embedded_redis import RedisBinary, program, server_info, socket_for
from bridge.cli.up.pidfile import PidRecords
from bridge.cli.up.signals import Signals
from bridge.cli.up.supervisor import Echo, StopRequested

PATIENCE = 600.0
"""Seconds for loading a dump and writing the AOF; a gigabyte takes about ten for each."""
TICK = 0.1


def refuse_newer_dump(data: DataDir) -> None:
    """Raise CannotStart if there is a dump beside an older AOF, as Redis would read the AOF only."""
    dump, log = _dump(data), list(_log(data))
    if log and dump.exists() and dump.stat().st_mtime > max(file.stat().st_mtime for file in log):
        place = log[0].relative_to(data.redis).parts[0]
        raise CannotStart(
            f"{dump} is newer than {place} beside it, and Redis reads the latter only."
            f" To restore the dump, move {place} away; to go on without it, move {dump.name} away."
        )


def import_dump(data: DataDir, binary: RedisBinary, *, signals: Signals, echo: Echo) -> None:
    """Write the data of a dump that has no AOF beside it into an AOF; the dump stays. Otherwise do nothing.

    Raises ChildFailed if Redis can't read the dump or write the AOF, StopRequested on a signal.
    """
    dump = _dump(data)
    if not dump.exists() or any(_log(data)):
        return
    echo(f"importing {dump}")
    records, socket = PidRecords(data.pids), socket_for(data)
    server = Child(program(binary, data, socket, aof=False), data.logs / "redis.log")
    deadline = time.monotonic() + PATIENCE
    pid = server.start(records)
    try:
        while not _aof_is_complete(socket, pid):
            if signals.wait(TICK):
                raise StopRequested
            if server.process is None or server.process.poll() is not None or time.monotonic() > deadline:
                raise ChildFailed(f"{dump} can't be imported:\n{server.log_tail()}\nThe log of Redis: {server.log}")
    finally:
        server.stop(signals, patience=STOP_PATIENCE)
        records.clear()


def _dump(data: DataDir) -> Path:
    return data.redis / "dump.rdb"


def _log(data: DataDir) -> Iterator[Path]:
    """Yield the files of a complete AOF: a single one of Redis 6.2, or a manifest and its files."""
    single = data.redis / "appendonly.aof"
    if single.exists() and single.stat().st_size:  # a server killed during its start leaves an empty one
        yield single
    if (data.redis / "appendonlydir" / "appendonly.aof.manifest").exists():
        yield from (data.redis / "appendonlydir").iterdir()


def _aof_is_complete(socket: Path, pid: int) -> bool:
    """Enable the AOF once the dump is loaded. Return whether the AOF is complete."""
    info = server_info(socket)
    if info.get("process_id") != pid or info.get("loading", 1):
        return False
    if not info["aof_enabled"]:
        _enable_aof(socket)
        return False
    under_way = info["aof_rewrite_in_progress"] or info["aof_rewrite_scheduled"]
    return not under_way and info["aof_last_bgrewrite_status"] == "ok"


def _enable_aof(socket: Path) -> None:
    try:
        with Redis(unix_socket_path=str(socket)) as redis:
            redis.config_set("appendonly", "yes")
    except (RedisError, OSError):
        return  # the next check tries again
