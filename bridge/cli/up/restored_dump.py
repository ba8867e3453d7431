"""A dump.rdb that was put into the data directory: Redis reads it only where it keeps no append-only log.

`up` has Redis keep one, so that a restored backup would be overlooked: the bridge would start empty, or with old data.
A dump without a log is imported; of a dump and a log that is older, the operator has to say which one counts.
"""

import time
from collections.abc import Iterator
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from bridge.cli.errors import CannotStart, ChildFailed
from bridge.cli.up.child import STOP_PATIENCE, Child
from bridge.cli.up.data_dir import DataDir
from bridge.cli.up.embedded_redis import RedisBinary, ask, program, socket_for
from bridge.cli.up.pidfile import PidRecords
from bridge.cli.up.signals import Signals
from bridge.cli.up.supervisor import Say, StopRequested

PATIENCE = 600.0
"""Seconds for loading a dump and writing the log; a gigabyte takes some ten of each."""
TICK = 0.1


def refuse_newer_dump(data: DataDir) -> None:
    """Raise CannotStart where a dump lies beside an older log, from which alone Redis would start."""
    dump, log = _dump(data), list(_log(data))
    if log and dump.exists() and dump.stat().st_mtime > max(file.stat().st_mtime for file in log):
        place = log[0].relative_to(data.redis).parts[0]
        raise CannotStart(
            f"{dump} is newer than {place} beside it, and Redis reads the latter alone."
            f" To restore the dump, move {place} away; to go on without it, move {dump.name} away."
        )


def import_dump(data: DataDir, binary: RedisBinary, *, signals: Signals, say: Say) -> None:
    """Write what a dump without a log holds into a log, and leave the dump as it is; without such a dump do nothing.

    Raises ChildFailed when Redis can't read the dump or write the log, StopRequested on a signal.
    """
    dump = _dump(data)
    if not dump.exists() or any(_log(data)):
        return
    say(f"importing {dump}")
    records, socket = PidRecords(data.pids), socket_for(data)
    server = Child(program(binary, data, socket, keep_log=False), data.logs / "redis.log")
    deadline = time.monotonic() + PATIENCE
    pid = server.start(records)
    try:
        while not _log_is_complete(socket, pid):
            if signals.wait(TICK):
                raise StopRequested
            if server.process is None or server.process.poll() is not None or time.monotonic() > deadline:
                raise ChildFailed(f"{dump} can't be imported:\n{server.last_lines()}\nThe log of Redis: {server.log}")
    finally:
        server.stop(signals, patience=STOP_PATIENCE)
        records.clear()


def _dump(data: DataDir) -> Path:
    return data.redis / "dump.rdb"


def _log(data: DataDir) -> Iterator[Path]:
    """Find the files of a complete log: one file as Redis 6.2 wrote it, or a manifest and the files that it names."""
    single = data.redis / "appendonly.aof"
    if single.exists() and single.stat().st_size:  # an empty one is left by a server that was killed at its start
        yield single
    if (data.redis / "appendonlydir" / "appendonly.aof.manifest").exists():
        yield from (data.redis / "appendonlydir").iterdir()


def _log_is_complete(socket: Path, pid: int) -> bool:
    """Have the server keep a log once it has loaded the dump; return whether the log holds all of it."""
    info = ask(socket)
    if info.get("process_id") != pid or info.get("loading", 1):
        return False
    if not info["aof_enabled"]:
        _keep_log(socket)
        return False
    under_way = info["aof_rewrite_in_progress"] or info["aof_rewrite_scheduled"]
    return not under_way and info["aof_last_bgrewrite_status"] == "ok"


def _keep_log(socket: Path) -> None:
    try:
        with Redis(unix_socket_path=str(socket)) as redis:
            redis.config_set("appendonly", "yes")
    except (RedisError, OSError):
        return  # the next look asks again
