"""A dump.rdb that was restored into the data directory of `up`: imported or refused, never ignored."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis

from bridge.cli.errors import CannotStart, ChildFailed
from bridge.cli.up import embedded_redis
from bridge.cli.up.child import Child
from bridge.cli.up.data_dir import DataDir, open_data_dir
from bridge.cli.up.pidfile import PidRecords
from bridge.cli.up.restored_dump import import_dump, refuse_newer_dump
from bridge.cli.up.signals import Signals
from tests.cli.up.test_embedded_redis import eventually


@pytest.fixture
def data(tmp_path: Path) -> Iterator[DataDir]:
    with open_data_dir(tmp_path / "data") as data:
        yield data


@contextmanager
def served(data: DataDir, *, aof: bool) -> Iterator[Redis]:
    socket = embedded_redis.socket_for(data)
    program = embedded_redis.program(embedded_redis.find_binary(), data, socket, aof=aof)
    server = Child(program, data.logs / "redis.log")
    pid = server.start(PidRecords(data.pids))
    try:
        eventually(lambda: embedded_redis.is_ready(socket, pid))
        with Redis.from_url(embedded_redis.url(socket)) as redis:
            yield redis
    finally:
        with Signals() as signals:
            server.stop(signals, patience=5)


def leave_a_dump(data: DataDir, value: str) -> None:
    with served(data, aof=False) as redis:
        redis.set("watch", value)
        redis.save()


def imported(data: DataDir) -> list[str]:
    """Import a dump if there is one; return the output."""
    output: list[str] = []
    with Signals() as signals:
        import_dump(data, embedded_redis.find_binary(), signals=signals, echo=output.append)
    return output


def test_a_dump_without_a_log_is_imported_once(data: DataDir) -> None:
    leave_a_dump(data, "of the backup")
    dump = data.redis / "dump.rdb"
    before = dump.read_bytes()

    refuse_newer_dump(data)
    assert imported(data) == [f"importing {dump}"]
    with served(data, aof=True) as redis:
        assert redis.get("watch") == b"of the backup"
        redis.set("watch", "changed since")
    refuse_newer_dump(data)
    assert imported(data) == []
    with served(data, aof=True) as redis:
        assert redis.get("watch") == b"changed since"
    assert dump.read_bytes() == before


def test_a_killed_import_is_repeated(data: DataDir) -> None:
    leave_a_dump(data, "of the backup")
    (data.redis / "appendonly.aof").touch()  # as Redis 6.2 left it
    (data.redis / "appendonlydir").mkdir()  # as later ones do

    imported(data)

    with served(data, aof=True) as redis:
        assert redis.get("watch") == b"of the backup"


def test_a_dump_newer_than_the_log_is_refused_with_both_alternatives(data: DataDir) -> None:
    with served(data, aof=True) as redis:
        redis.set("watch", "of the log")
    log = next(data.redis.glob("appendonly*"))
    written = max(file.stat().st_mtime for file in (log, *log.glob("*")))
    dump = data.redis / "dump.rdb"
    dump.write_bytes(b"a backup")

    os.utime(dump, (written + 1, written + 1))
    with pytest.raises(CannotStart, match=f"move {log.name} away; to go on without it, move dump.rdb away"):
        refuse_newer_dump(data)

    os.utime(dump, (written - 1, written - 1))
    refuse_newer_dump(data)


def test_a_dump_that_redis_cannot_read_is_reported_and_kept(data: DataDir) -> None:
    dump = data.redis / "dump.rdb"
    dump.write_bytes(b"REDIS0079 of a later version")

    with pytest.raises(ChildFailed, match=r"dump\.rdb can't be imported:\n(.*\n)*.*RDB format version"):
        imported(data)
    assert dump.read_bytes() == b"REDIS0079 of a later version"
    assert not PidRecords(data.pids).leftover()
