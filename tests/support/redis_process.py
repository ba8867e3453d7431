"""A Redis that a test starts, kills and suspends."""

import signal
import subprocess
from pathlib import Path

from redis import Redis

from bridge.cli.up.embedded_redis import find_binary
from tests.support.processes import wait_for


class RedisProcess:
    """A Redis that the test starts and kills, with our own durability settings."""

    def __init__(self, home: Path) -> None:
        self.socket = home / "r.sock"
        self._home = home
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def start(self) -> None:
        flags = ["--port", "0", "--unixsocket", str(self.socket), "--dir", str(self._home), "--save", ""]
        durable = ["--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction"]
        with (self._home / "redis.log").open("ab") as log:
            self._server = subprocess.Popen([str(find_binary().path), *flags, *durable], stdout=log, stderr=log)
        with self.client() as redis:
            wait_for(lambda: self._answers(redis), "the test's Redis")

    def client(self) -> "Redis":
        return Redis(unix_socket_path=str(self.socket), decode_responses=True)

    @staticmethod
    def _answers(redis: "Redis") -> bool:
        try:
            return bool(redis.ping())
        except Exception as error:
            if type(error).__name__ in {"ConnectionError", "BusyLoadingError"}:
                return False
            raise

    def kill(self) -> None:
        if self._server is not None:
            self._server.kill()
            self._server.wait(10)
            self._server = None

    def limit(self, size: int) -> None:
        with self.client() as redis:
            redis.config_set("maxmemory", size)

    def send_signal(self, number: signal.Signals) -> None:
        """Suspend the process with SIGSTOP, or let it continue with SIGCONT."""
        assert self._server is not None
        self._server.send_signal(number)
