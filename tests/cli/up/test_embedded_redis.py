"""Whether the Redis that `up` starts is durable, private and really its own."""

import os
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from redis import Redis

from bridge.cli.errors import CannotStart
from bridge.cli.up import embedded_redis
from bridge.cli.up.child import Child
from bridge.cli.up.data_dir import DataDir, opened
from bridge.cli.up.embedded_redis import RedisBinary
from bridge.cli.up.pidfile import PidRecords
from bridge.cli.up.signals import Signals


def eventually(look: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def data(tmp_path: Path) -> Iterator[DataDir]:
    with opened(tmp_path / "data") as data:
        yield data


@pytest.fixture
def socket(data: DataDir) -> Path:
    return embedded_redis.socket_for(data)


@pytest.fixture
def server(data: DataDir, socket: Path) -> Iterator[Child]:
    program = embedded_redis.program(embedded_redis.find_binary(), data, socket)
    child = Child(program, data.logs / "redis.log")
    _start(child, data, socket)
    yield child
    with Signals() as signals:
        child.stop(signals, patience=5)


def _start(child: Child, data: DataDir, socket: Path) -> int:
    pid = child.start(PidRecords(data.pids))
    eventually(lambda: embedded_redis.answers_as(socket, pid))
    return pid


def test_what_was_written_survives_a_kill(server: Child, data: DataDir, socket: Path) -> None:
    with Redis.from_url(embedded_redis.url(socket)) as redis:
        redis.set("watch", "accepted")
    assert server.process is not None
    server.process.send_signal(signal.SIGKILL)
    server.process.wait(5)

    _start(server, data, socket)

    with Redis.from_url(embedded_redis.url(socket)) as redis:
        assert redis.get("watch") == b"accepted"


def test_it_promises_what_the_bridge_rests_on(server: Child, socket: Path) -> None:
    assert server.process is not None
    with Redis.from_url(embedded_redis.url(socket)) as redis:
        settings = [redis.config_get(name) for name in ("appendfsync", "maxmemory-policy", "port", "save")]

    assert settings == [{"appendfsync": "always"}, {"maxmemory-policy": "noeviction"}, {"port": "0"}, {"save": ""}]
    assert stat.S_IMODE(socket.stat().st_mode) == 0o700


def test_only_a_server_that_is_our_child_counts(server: Child, socket: Path) -> None:
    assert server.process is not None

    assert embedded_redis.answers_as(socket, server.process.pid)
    assert not embedded_redis.answers_as(socket, os.getpid())


def test_a_stranger_on_the_socket_is_in_the_way(server: Child, data: DataDir, socket: Path) -> None:
    assert server.process is not None

    with pytest.raises(CannotStart, match=rf"not ours \(pid {server.process.pid}\)"):
        embedded_redis.refuse_misfits(embedded_redis.find_binary(), data, socket)


def test_a_server_too_old_for_the_data_is_refused_before_it_starts_empty(data: DataDir, socket: Path) -> None:
    (data.redis / "appendonlydir").mkdir()

    with pytest.raises(CannotStart, match="written by Redis 7 or later"):
        embedded_redis.refuse_misfits(RedisBinary(Path("/usr/bin/redis-server"), (6, 2)), data, socket)
    embedded_redis.refuse_misfits(RedisBinary(Path("/usr/bin/redis-server"), (7, 0)), data, socket)


def test_data_that_it_cannot_read_is_told_by_its_last_lines(data: DataDir, socket: Path) -> None:
    binary = embedded_redis.find_binary()
    broken = data.redis / "appendonly.aof"
    if binary.version >= embedded_redis.SPLIT_LOG:
        broken = data.redis / "appendonlydir" / "appendonly.aof.manifest"
        broken.parent.mkdir()
    broken.write_text("not a log of Redis\n")
    child = Child(embedded_redis.program(binary, data, socket), data.logs / "redis.log")

    child.start(PidRecords(data.pids))

    assert child.process is not None
    assert child.process.wait(5) != 0
    assert "aof" in child.last_lines().lower()


def test_a_long_data_directory_gets_a_short_private_socket_and_keeps_it(tmp_path: Path) -> None:
    with opened(tmp_path / ("long" * 30)) as data:
        socket = embedded_redis.socket_for(data)

        assert len(os.fsencode(socket)) <= embedded_redis.LONGEST_SOCKET_PATH
        assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
        assert embedded_redis.socket_for(data) == socket

        socket.parent.chmod(0o755)
        elsewhere = embedded_redis.socket_for(data)
        assert elsewhere != socket
        for made in (socket, elsewhere):
            made.parent.rmdir()


def test_it_is_told_none_of_our_secrets(data: DataDir, socket: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RALLY_API_KEY", "a-real-key")

    program = embedded_redis.program(embedded_redis.find_binary(), data, socket)

    assert dict(program.env) == {}
    assert "a-real-key" not in repr(replace(program, env=os.environ))


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("Redis server v=6.2.14 sha=40305114:0 malloc=libc bits=64 build=dff95a8e7a99d269", (6, 2)),
        ("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64", (7, 0)),
        ("Valkey server v=8.1.1 sha=00000000:0 malloc=jemalloc bits=64", (8, 1)),
        ("command not found", None),
    ],
)
def test_versions_are_read_from_what_servers_say(said: str, version: tuple[int, int] | None) -> None:
    assert embedded_redis.parse_version(said) == version


def test_an_old_server_on_the_path_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, valkey = tmp_path / "redis-server", tmp_path / "valkey-server"
    old.write_text("#!/bin/sh\necho Redis server v=5.0.3 sha=0\n")
    valkey.write_text("#!/bin/sh\necho Valkey server v=8.1.1 sha=0\n")
    for binary in (old, valkey):
        binary.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert embedded_redis.find_binary() == RedisBinary(valkey, (8, 1))


def test_the_binary_answers_to_its_version() -> None:
    binary = embedded_redis.find_binary()

    said = subprocess.run([binary.path, "--version"], capture_output=True, text=True, check=True).stdout

    assert embedded_redis.parse_version(said) == binary.version >= (6, 2)
