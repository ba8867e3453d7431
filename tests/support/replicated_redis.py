"""A primary and its replica, which a test suspends."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from redis import Redis

from tests.faults.wire import LOOPBACK
from tests.support.processes import wait_for
from tests.support.redis_server import port_of, redis_server


def link_of(replica: Redis) -> str:
    info: Any = replica.info("replication")
    return str(info["master_link_status"])


@contextmanager
def replicated_redis(home: Path) -> Iterator[tuple[Redis, Redis]]:
    """Yield a primary and its replica, which is in step."""
    with ExitStack() as stack:
        primary = stack.enter_context(redis_server(home / "a", "--repl-diskless-sync-delay", "0"))
        replica = stack.enter_context(redis_server(home / "b"))
        replica.replicaof(LOOPBACK, port_of(primary))
        wait_for(lambda: link_of(replica) == "up", "the replica is in step")
        yield primary, replica


@contextmanager
def suspended(redis: Redis) -> Iterator[None]:
    """Suspend a server's process, which we started: it confirms nothing until it continues."""
    info: Any = redis.info("server")
    os.kill(info["process_id"], signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(info["process_id"], signal.SIGCONT)
