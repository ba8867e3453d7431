"""A real sentinel that names a master; it is told which, so that a test need not wait for a failover."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis

from tests.conftest import redis_server_path, wait_until_it_answers
from tests.faults.wire import LOOPBACK
from tests.support.processes import free_ports
from tests.support.redis_server import port_of

MASTER = "bridge"


@contextmanager
def sentinel_server(home: Path) -> Iterator[Redis]:
    home.mkdir()
    socket, port = home / "s.sock", free_ports()
    config = home / "sentinel.conf"
    config.write_text(f"port {port}\nunixsocket {socket}\ndir {home}\n")
    with (home / "sentinel.log").open("wb") as log:
        process = subprocess.Popen([redis_server_path(), str(config), "--sentinel"], stdout=log, stderr=log)
    try:
        wait_until_it_answers(socket, process)
        with Redis(unix_socket_path=str(socket), decode_responses=True) as sentinel:
            yield sentinel
    finally:
        process.kill()
        process.wait(10)


def name_master(sentinel: Redis, redis: Redis) -> None:
    """Make the sentinel name a server as the master, from now on."""
    name_address(sentinel, LOOPBACK, port_of(redis))


def name_address(sentinel: Redis, host: str, port: int) -> None:
    """Do the same for an address, which the sentinel itself need not reach."""
    known: list[object] = sentinel.execute_command("SENTINEL", "MASTERS")  # type: ignore[no-untyped-call]  # redis-py's
    if known:
        sentinel.execute_command("SENTINEL", "REMOVE", MASTER)  # type: ignore[no-untyped-call]  # redis-py's
    sentinel.execute_command("SENTINEL", "MONITOR", MASTER, host, port, 1)  # type: ignore[no-untyped-call]  # redis-py's


def sentinel_url_of(*sentinels: Redis, login: str = "", more: str = "") -> str:
    hosts = ",".join(f"{LOOPBACK}:{port_of_sentinel(each)}" for each in sentinels)
    return f"redis+sentinel://{login}{hosts}/0?master={MASTER}{more}"


def port_of_sentinel(sentinel: Redis) -> int:
    info = sentinel.info("server")
    assert isinstance(info, dict)
    return int(info["tcp_port"])
