"""Start and stop of the real processes: what they wait for, what they log meanwhile, and how they exit."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import cast

import httpx
import psutil
import pytest
from arq.constants import retry_key_prefix
from cryptography.fernet import Fernet
from redis import Redis

from bridge.cli.up.child import STOP_PATIENCE
from bridge.cli.up.embedded_redis import find_binary
from tests.conftest import wait_until_it_answers
from tests.support.command_line import run_here
from tests.support.plain_http import plain_client
from tests.support.processes import free_ports, wait_for
from tests.support.world import FERNET, SERVICE_SECRET, bearer, reopened
from workers.worker import SHIFT_LENGTH

CODE = str(Path(__file__).parents[2])
SLOW = pytest.mark.slow
"""For a further variant, since each starts a process; one of each kind is in the default run."""
EXIT_TIMEOUT = 30.0
"""Seconds within which a process must exit: much less than it would wait for Redis, and enough on a busy machine."""


@dataclass
class Started:
    """A process of the service, and its log so far."""

    process: "subprocess.Popen[bytes]"
    log: Path
    port: int

    def logged(self, event: str) -> bool:
        return f'"event": "{event}"' in self.log.read_text()


@pytest.fixture
def environ(tmp_path: Path) -> Mapping[str, str]:
    return environment_at(tmp_path)


def environment_at(home: Path) -> Mapping[str, str]:
    """Return good settings, with a Redis in this folder."""
    return {
        "PATH": os.environ["PATH"],
        "REDIS_URL": f"unix://{home}/r.sock",
        "RALLY_API_KEY": "key-of-rally",
        "BRIDGE_API_KEYS": f"crm:{'k' * 20}",
        "BRIDGE_ENCRYPTION_KEYS": FERNET,
        "CALLBACK_SECRETS": SERVICE_SECRET,
    }


@contextmanager
def started(program: str, home: Path, environ: Mapping[str, str]) -> Iterator[Started]:
    port = free_ports()
    module = {
        "arq": ["arq", "workers.settings.WorkerSettings"],
        "uvicorn": [*UVICORN, "--port", str(port), "--timeout-keep-alive", "1", "--no-access-log"],
        "serve": ["bridge.cli", "serve", "--port", str(port)],
    }.get(program, ["bridge.cli", program])
    with (home / "log").open("wb") as log:
        command = [sys.executable, "-m", *module]
        process = subprocess.Popen(command, cwd=home, env={**environ, "PYTHONPATH": CODE}, stdout=log, stderr=log)
    try:
        yield Started(process, home / "log", port)
    finally:
        process.kill()
        process.wait(10)


@contextmanager
def redis_at(home: Path, *more: str) -> Iterator[Redis]:
    flags = ["--port", "0", "--unixsocket", str(home / "r.sock"), "--dir", str(home), "--save", "", *more]
    with (home / "redis.log").open("wb") as log:
        server = subprocess.Popen([str(find_binary().path), *flags], stdout=log, stderr=log)
    try:
        wait_until_it_answers(home / "r.sock", server)
        with Redis(unix_socket_path=str(home / "r.sock")) as redis:
            yield redis
    finally:
        server.kill()
        server.wait(10)


EVENTS = {"serve": ("redis.waiting", "api.started"), "worker": ("queue.unavailable", "worker.started")}
"""The events with which each logs that it waits, and that it has started."""


@pytest.mark.parametrize("program", [pytest.param("serve", marks=SLOW), "worker"])
def test_a_start_without_redis_logs_that_it_waits_and_continues_when_redis_is_available(
    program: str, tmp_path: Path, environ: Mapping[str, str]
) -> None:
    awaits, starts = EVENTS[program]
    with started(program, tmp_path, environ) as service:
        wait_for(lambda: service.logged(awaits), awaits)
        assert service.process.poll() is None
        with redis_at(tmp_path):
            wait_for(lambda: service.logged(starts), starts)


@SLOW
@pytest.mark.parametrize("program", EVENTS)
def test_a_start_that_waits_for_redis_exits_on_sigterm_without_a_traceback(
    program: str, tmp_path: Path, environ: Mapping[str, str]
) -> None:
    awaits, starts = EVENTS[program]
    with started(program, tmp_path, environ) as service:
        wait_for(lambda: service.logged(awaits), awaits)
        service.process.send_signal(signal.SIGTERM)

        service.process.wait(EXIT_TIMEOUT)
        assert not service.logged(starts)
        assert "Traceback" not in service.log.read_text()


@SLOW
@pytest.mark.parametrize("program", EVENTS)
def test_a_start_with_a_full_redis_waits_for_room(program: str, tmp_path: Path, environ: Mapping[str, str]) -> None:
    with redis_at(tmp_path, "--maxmemory", "1") as redis, started(program, tmp_path, environ) as service:
        wait_for(lambda: service.logged("redis.waiting"), "the wait")
        redis.config_set("maxmemory", 0)
        wait_for(lambda: service.logged(EVENTS[program][1]), "the start")


HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


UVICORN = ["uvicorn", "--ws", "none", "--http", "bridge.web.http_protocol:Connection", "bridge.web.app:app"]
"""The command in the operations guide."""


@pytest.fixture(scope="module", params=["serve", pytest.param("uvicorn", marks=SLOW)])
def api(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    """The API in a process of its own, which closes idle connections after a second."""
    home = tmp_path_factory.mktemp("api")
    environ = {**environment_at(home), "HTTP_KEEP_ALIVE": "1s"}
    with redis_at(home), started(request.param, home, environ) as service:
        wait_for(lambda: service.logged("api.started"), "the start")
        with plain_client(f"http://127.0.0.1:{service.port}") as client:
            wait_for(lambda: answers(client), "the server")
            yield client


def test_a_websocket_handshake_is_answered_like_a_plain_get(api: httpx.Client) -> None:
    refused = api.get("/v1/watches", headers=HANDSHAKE)
    listed = api.get("/v1/watches", headers=HANDSHAKE | bearer("k" * 20))

    assert (refused.status_code, refused.headers["content-type"]) == (401, "application/problem+json")
    assert refused.headers["x-request-id"]
    assert (listed.status_code, listed.json()["data"]) == (200, [])


def test_what_config_init_writes_starts_the_service(tmp_path: Path) -> None:
    env = {"PATH": os.environ["PATH"], "REDIS_URL": f"unix://{tmp_path}/r.sock", "RALLY_API_KEY": "key-of-rally"}
    key = run_here("config", "init", env=env, cwd=tmp_path).stdout.removeprefix("export RALLY_BRIDGE_KEY=").strip()
    with redis_at(tmp_path), started("serve", tmp_path, {"PATH": env["PATH"]}) as service:
        wait_for(lambda: service.logged("api.started"), "the start")
        with plain_client(f"http://127.0.0.1:{service.port}") as client:
            wait_for(lambda: answers(client), "the server")
            assert client.get("/v1/watches", headers=bearer(key)).status_code == 200


def test_a_taken_port_is_a_sentence_and_nothing_is_started(tmp_path: Path, environ: Mapping[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "bridge.cli", "serve", "--port", str(port)]
        ran = subprocess.run(command, cwd=tmp_path, env=environ, check=False, capture_output=True, timeout=EXIT_TIMEOUT)

    reason = f"The API can't listen on port {port} of 127.0.0.1: Address already in use."
    sentence = f"{reason} Choose another port with --port."
    words = json.loads(ran.stdout)
    assert (ran.returncode, ran.stderr.decode()) == (2, f"{sentence}\n")
    assert (words["event"], words["error"], words["process"]) == ("process.failed", sentence, "api")


def test_the_operations_guide_shows_how_to_start_uvicorn_by_hand() -> None:
    assert " ".join(UVICORN) in (Path(CODE) / "bridge" / "docs" / "operations.md").read_text()


def test_the_served_api_limits_heads_and_closes_idle_connections(api: httpx.Client) -> None:
    refused = api.get("/healthz", headers={"X-Long": "x" * 65_536})
    with socket.create_connection((api.base_url.host, api.base_url.port), timeout=EXIT_TIMEOUT) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: bridge\r\n\r\n")
        received = b"".join(iter(lambda: connection.recv(4096), b""))

    assert (refused.status_code, refused.json()["type"]) == (431, "/docs#headers-too-large")
    assert b'"alive"' in received, "and then the server has closed the connection"


def answers(client: httpx.Client) -> bool:
    with suppress(httpx.ConnectError):
        return client.get("/healthz").is_success
    return False


async def with_a_watch(redis_url: str) -> None:
    """Create a watch whose polls fail, because there is no Rally."""
    async with reopened(redis_url, "http://127.0.0.1:1") as world:
        await world.watch()


def job_in_flight(redis: Redis) -> bool:
    """Return whether a job has been running for half a second, by the TTL of the count of tries that arq keeps."""
    return any(cast("int", redis.ttl(key)) < 88_400 for key in redis.scan_iter(f"{retry_key_prefix}*"))


@SLOW
@pytest.mark.parametrize("program", ["worker", "arq"])
@pytest.mark.parametrize("seconds", [SHIFT_LENGTH / 2, SHIFT_LENGTH + 2])
def test_a_worker_exits_on_sigterm_without_waiting_for_redis(
    seconds: float, program: str, tmp_path: Path, environ: Mapping[str, str]
) -> None:
    """At first a job waits for its shift; later the shift has ended, and the job waits to record that in Redis."""
    polling = {**environ, "RALLY_BASE_URL": "http://127.0.0.1:1", "POLL_CEILING": "1s", "POLL_FLOOR": "1s"}
    with ExitStack() as outage, started(program, tmp_path, polling) as service:
        redis = outage.enter_context(redis_at(tmp_path))
        asyncio.run(with_a_watch(environ["REDIS_URL"]))
        wait_for(lambda: job_in_flight(redis), "a job")
        outage.close()
        began = monotonic()
        wait_for(lambda: service.logged("queue.unavailable") and monotonic() - began > seconds, "the outage")
        service.process.send_signal(signal.SIGTERM)

        assert service.process.wait(EXIT_TIMEOUT) == 0
        assert service.logged("worker.stopped")
        assert "Traceback" not in service.log.read_text()
        assert "Task was destroyed" not in service.log.read_text()


@SLOW
@pytest.mark.parametrize("seconds", [SHIFT_LENGTH / 2, SHIFT_LENGTH + 2])
def test_a_worker_exits_before_up_kills_it_although_redis_hangs(
    seconds: float, tmp_path: Path, environ: Mapping[str, str]
) -> None:
    polling = {**environ, "RALLY_BASE_URL": "http://127.0.0.1:1", "POLL_CEILING": "1s", "POLL_FLOOR": "1s"}
    with redis_at(tmp_path) as redis, started("worker", tmp_path, polling) as service:
        asyncio.run(with_a_watch(environ["REDIS_URL"]))
        wait_for(lambda: job_in_flight(redis), "a job")
        server = psutil.Process(cast("dict[str, int]", redis.info("server"))["process_id"])
        server.suspend()
        signal.sigtimedwait([], seconds)
        service.process.send_signal(signal.SIGTERM)

        assert service.process.wait(STOP_PATIENCE) == 0
        server.resume()
        assert service.logged("worker.stopped")
        assert "Traceback" not in service.log.read_text()


@SLOW
def test_a_start_does_not_wait_for_a_redis_that_refuses_it(tmp_path: Path, environ: Mapping[str, str]) -> None:
    wrong = {**environ, "REDIS_URL": f"unix://nobody:hunter2@{tmp_path}/r.sock"}
    with redis_at(tmp_path), started("serve", tmp_path, wrong) as service:
        assert service.process.wait(EXIT_TIMEOUT) == 1
        assert not service.logged("redis.waiting")
        assert "hunter2" not in service.log.read_text()


def run(command: str, home: Path, environ: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run a module in the foreground until it exits."""
    words = [sys.executable, "-m", *command.split()]
    env = {**environ, "PYTHONPATH": CODE}
    return subprocess.run(words, cwd=home, env=env, capture_output=True, text=True, timeout=20, check=False)


@pytest.mark.parametrize(
    ("command", "exit_code"),
    [
        ("bridge.cli serve", 2),
        pytest.param("bridge.cli worker", 2, marks=SLOW),
        pytest.param("uvicorn bridge.web.app:app", 3, marks=SLOW),
        pytest.param("arq workers.settings.WorkerSettings", 2, marks=SLOW),
    ],
)
def test_bad_settings_are_reported_in_sentences_by_every_way_to_start(
    command: str, exit_code: int, tmp_path: Path, environ: Mapping[str, str]
) -> None:
    (tmp_path / ".env").write_text("BRIDGE_CONFIG_FILE=bridge.toml\nLOG_LEVEL=loud\n")
    (tmp_path / "bridge.toml").write_text("[clients.crm2]\nkeys = []\n")
    done = run(command, tmp_path, {**environ, "POLL_FLOOR": "3", "EGRESS_ALLOW": "/"})

    assert done.returncode == exit_code
    for place in ("POLL_FLOOR: ", ".env:2: LOG_LEVEL: ", "bridge.toml:2: clients.crm2.keys: ", "EGRESS_ALLOW: "):
        assert place in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


BY_ARQ = "arq workers.settings.WorkerSettings"


@SLOW
@pytest.mark.parametrize("command", ["bridge.cli worker", BY_ARQ])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REDIS_URL", "redis://:HUNTER2/x@localhost:6379"),
        ("REDIS_URL", "redis://:6HUNTER2@localhost:99999"),
        ("REDIS_URL", "redis://localhost/?db=HUNTER2"),
        ("REDIS_URL", "redis://:6?HUNTER2=x@localhost"),
        ("CALLBACK_ED25519_KEYS", "HUNTER2"),
        ("EGRESS_ALLOW", "/"),
        ("EGRESS_CA_FILE", "/nowhere"),
    ],
)
def test_settings_that_fail_when_built_are_reported_by_a_worker_in_sentences_without_their_secret(
    name: str, value: str, command: str, tmp_path: Path, environ: Mapping[str, str]
) -> None:
    done = run(command, tmp_path, {**environ, name: value})

    assert done.returncode == 2
    assert name in done.stderr
    assert "HUNTER2" not in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize("command", ["bridge.cli worker", pytest.param(BY_ARQ, marks=SLOW)])
def test_a_worker_whose_keys_do_not_decrypt_the_data_reports_it_in_a_sentence(
    command: str, tmp_path: Path, environ: Mapping[str, str]
) -> None:
    with redis_at(tmp_path):
        asyncio.run(with_a_watch(environ["REDIS_URL"]))
        done = run(command, tmp_path, {**environ, "BRIDGE_ENCRYPTION_KEYS": Fernet.generate_key().decode()})

    assert done.returncode == 2
    assert "BRIDGE_ENCRYPTION_KEYS" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "command",
    [
        "bridge.cli serve --port {port}",
        *(pytest.param(way, marks=SLOW) for way in ("bridge.cli up --port {port}", "bridge.cli worker", BY_ARQ)),
    ],
)
def test_a_redis_that_drops_watches_is_refused_in_a_sentence(
    command: str, tmp_path: Path, environ: Mapping[str, str]
) -> None:
    with redis_at(tmp_path, "--maxmemory-policy", "allkeys-lru", "--rename-command", "CONFIG", "") as redis:
        done = run(command.format(port=free_ports()), tmp_path, environ)
        assert redis.keys("rb:s*") == []

    assert done.returncode == 2
    assert "maxmemory-policy allkeys-lru: when memory is short Redis drops watches" in done.stderr
    assert "REDIS_MAY_EVICT=true" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@SLOW
@pytest.mark.parametrize("program", EVENTS)
@pytest.mark.parametrize(
    ("policy", "allowed"), [("allkeys-lru", {"REDIS_MAY_EVICT": "true"}), ("volatile-lru", {}), ("noeviction", {})]
)
def test_an_allowed_policy_does_not_prevent_a_start_and_is_logged(
    policy: str, allowed: Mapping[str, str], program: str, tmp_path: Path, environ: Mapping[str, str]
) -> None:
    durable = ("--appendonly", "yes", "--appendfsync", "always")  # so that nothing else is at risk
    with (
        redis_at(tmp_path, *durable, "--maxmemory-policy", policy),
        started(program, tmp_path, {**environ, **allowed}) as service,
    ):
        wait_for(lambda: service.logged(EVENTS[program][1]), "the start")
        assert service.logged("redis.at_risk") == (policy != "noeviction")


@SLOW
@pytest.mark.parametrize("command", ["bridge.cli serve --port {port}", "bridge.cli worker", BY_ARQ])
def test_data_of_another_layout_is_refused_in_a_sentence(
    command: str, tmp_path: Path, environ: Mapping[str, str]
) -> None:
    with redis_at(tmp_path) as redis:
        redis.set("rb:store_key", "of a version before layouts had versions")
        done = run(command.format(port=free_ports()), tmp_path, environ)

    assert done.returncode == 2
    assert "names no layout" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@SLOW
@pytest.mark.parametrize("program", EVENTS)
def test_a_user_without_info_is_enough_to_start(program: str, tmp_path: Path, environ: Mapping[str, str]) -> None:
    limited = {**environ, "REDIS_URL": f"unix://limited:pass@{tmp_path}/r.sock"}
    rights = ["--user", "limited", "on", ">pass", "~rb:*", "~arq:*", "&rb:*", "+@all", "-@admin", "-@dangerous"]
    with redis_at(tmp_path, *rights), started(program, tmp_path, limited) as service:
        wait_for(lambda: service.logged(EVENTS[program][1]), "the start")


@SLOW
@pytest.mark.parametrize("path", ["/3", "/", "/0/"])
def test_the_check_of_arq_finds_a_worker_in_any_database(path: str, tmp_path: Path, environ: Mapping[str, str]) -> None:
    port = free_ports()
    there = {**environ, "REDIS_URL": f"redis://us%65r:p%40ss@127.0.0.1:{port}{path}"}
    flags = f"--port {port} --user user on >p@ss ~* +@all".split()
    with redis_at(tmp_path, *flags), started("worker", tmp_path, there) as service:
        wait_for(lambda: service.logged("worker.started"), "the start")

        assert wait_for(
            lambda: run("arq workers.settings.WorkerSettings --check", tmp_path, there).returncode == 0, "the sign"
        )
