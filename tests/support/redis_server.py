"""A separate Redis for a test, on a Unix socket and a loopback port."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from redis import Redis

from tests.conftest import redis_server_path, wait_until_it_answers
from tests.support.processes import free_ports


@contextmanager
def redis_server(home: Path, *more: str) -> Iterator[Redis]:
    home.mkdir()
    socket, port = home / "r.sock", free_ports()
    flags = ["--port", str(port), "--unixsocket", str(socket), "--dir", str(home), "--save", "", *more]
    with (home / "redis.log").open("wb") as log:
        process = subprocess.Popen([redis_server_path(), *flags], stdout=log, stderr=log)
    try:
        wait_until_it_answers(socket, process)
        with Redis(unix_socket_path=str(socket), decode_responses=True) as redis:
            yield redis
    finally:
        process.kill()
        process.wait(10)


def port_of(redis: Redis) -> int:
    known: Any = redis.config_get("port")
    return int(known["port"])


def set_user(redis: Redis, name: str, *rules: str) -> None:
    redis.execute_command("ACL", "SETUSER", name, *rules)  # type: ignore[no-untyped-call]  # redis-py's
