"""Errors of Redis are reported in its own words, and the permissions in the operations guide are sufficient."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from arq.connections import log_redis_info
from redis import Redis

from bridge import queue
from bridge.cli.doctor import checks_redis, redis_permissions
from bridge.cli.doctor.findings import Finding, State
from bridge.cli.doctor.redis_probe import probe_redis
from bridge.cli.errors import CannotStart
from bridge.cli.up.external_redis import require_same_mode
from bridge.domain.secret import Secret
from bridge.errors import StoreFull, StoreRefused
from bridge.redis.server import Server, server_of
from bridge.resources import open_resources
from bridge.store.calls.connection import Store, connect
from bridge.store.calls.lua import scripts, source
from tests.faults.wire import LOOPBACK
from tests.support.redis_server import port_of, redis_server, set_user
from tests.support.world import reopened, settings

pytestmark = pytest.mark.anyio
GUIDE = Path(__file__).parents[2] / "bridge" / "docs" / "operations.md"
RIGHTS = "~rb:* ~arq:* &rb:* +@all -@admin -@dangerous"
PASSWORD = "password-of-the-tests"


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    with redis_server(tmp_path / "redis") as redis:
        yield redis


def url_for(redis: Redis, user: str = "bridge", password: str = PASSWORD) -> str:
    return f"redis://{user}:{password}@{LOOPBACK}:{port_of(redis)}"


async def findings(url: str, sandbox_url: str) -> Mapping[str, Finding]:
    """Run the doctor's probes against a Redis."""
    async with open_resources(settings(url, sandbox_url)) as resources:
        probe = await probe_redis(resources)
    if probe.report is None:
        return {"Redis": checks_redis.unreachable("it", probe.error, "")}
    return {finding.check: finding for finding in checks_redis.check_report("it", probe.report)}


async def test_a_user_with_the_permissions_of_the_guide_is_enough_for_everything(
    redis: Redis, sandbox_url: str
) -> None:
    set_user(redis, "bridge", "on", f">{PASSWORD}", *RIGHTS.split())
    url = url_for(redis)
    assert f"ACL SETUSER rally-bridge on >… {RIGHTS}" in GUIDE.read_text()
    async with reopened(url, sandbox_url) as world:
        await world.sandbox.http.post("/control/reset")
        await world.sandbox.set_import("imp", ("COMPLETED", 0))
        watch = await world.watch(notify=[{"type": "callback", "url": world.sandbox.callback_url()}])
        other = await world.watch("other")
        waiting = asyncio.create_task(world.get(f"/v1/watches/{watch['id']}", wait=30))
        await world.poll()
        await world.deliver()
        assert (await world.post(f"/v1/watches/{other['id']}/cancel")).status_code == 200
        await world.sweep()
        settled = (await asyncio.wait_for(waiting, 20)).json()
        ready = (await world.get("/readyz")).json()
        listed = (await world.get("/v1/watches")).json()["data"]
        assert (await world.get("/metrics")).status_code == 200

    assert settled["outcome"] == "completed"
    assert len(listed) == 2
    assert ready["status"] == "ready"
    assert ready["warnings"] == ["Redis does not report its maxmemory-policy; any but noeviction may lose watches"]
    assert redis.acl_log() == [] or {each["object"] for each in acl_log(redis)} <= {"info", "config|get", "config"}


def acl_log(redis: Redis) -> list[dict[str, Any]]:
    finding: Any = redis.acl_log()
    return list(finding)


async def test_a_worker_without_the_right_to_info_starts_and_logs_the_version(
    redis: Redis,
) -> None:
    set_user(redis, "bridge", "on", f">{PASSWORD}", *RIGHTS.split())
    arq = queue.connect(Secret(url_for(redis)), patience=5)
    lines: list[str] = []
    await log_redis_info(arq, lines.append)

    info: Any = redis.info("server")
    assert lines == [
        f"redis_version={server_of(None, info).version} (master) mem_usage=? clients_connected=? db_keys=0"
    ]
    await arq.aclose()


async def test_the_doctor_accepts_a_user_with_these_rights_and_reports_what_is_unknown(
    redis: Redis, sandbox_url: str
) -> None:
    set_user(redis, "bridge", "on", f">{PASSWORD}", *RIGHTS.split())
    finding = await findings(url_for(redis), sandbox_url)

    assert finding["Redis permissions"].state is State.OK
    assert finding["Redis"].state is State.OK
    assert {check for check, each in finding.items() if each.state is State.WARNING} == {
        "Redis durability",
        "Redis eviction",
    }
    assert redis.keys("*") in ([], ["rb:check"])


@pytest.mark.parametrize(
    ("less", "words"),
    [
        ("-zadd", r"no permissions to run the 'zadd' command"),
        ("-evalsha", r"no permissions to run the 'evalsha' command"),
        ("-psubscribe -subscribe", r"no permissions to run the 'subscribe' command"),
        ("-multi", r"no permissions to run the 'multi' command"),
        ("resetkeys ~rb:*", r"(?i)no permissions to access .*key.*PSETEX"),
        ("resetchannels", r"(?i)no permissions to access .*channel.*PUBLISH"),
    ],
)
async def test_the_doctor_reports_each_missing_right_in_redis_words(
    less: str, words: str, redis: Redis, sandbox_url: str
) -> None:
    set_user(redis, "bridge", "on", f">{PASSWORD}", *RIGHTS.split(), *less.split())
    finding = (await findings(url_for(redis), sandbox_url))["Redis permissions"]

    assert finding.state is State.FAILED
    assert re.search(words, finding.detail), finding.detail


def test_the_doctor_tries_every_command_of_the_scripts() -> None:
    sources = [source(name) for name in scripts()]
    used = {command for text in sources for command in re.findall(r"redis\.p?call\('([A-Z]+)'", text)}

    assert used <= {str(command[0]) for command in redis_permissions.probe_commands("rb:check:x", "arq:job:x")}


@pytest.mark.parametrize(("required", "state"), [("0", State.OK), ("1", State.FAILED)])
async def test_wait_is_needed_only_if_replicas_are_required(
    required: str, state: State, redis: Redis, sandbox_url: str
) -> None:
    set_user(redis, "bridge", "on", f">{PASSWORD}", *RIGHTS.split(), "-wait")
    async with open_resources(settings(url_for(redis), sandbox_url, REDIS_MIN_REPLICAS=required)) as resources:
        probe = await probe_redis(resources)
    assert probe.report is not None
    found = {each.check: each for each in checks_redis.check_report("it", probe.report)}

    assert found["Redis permissions"].state is state


async def test_store_and_queue_report_a_missing_right_with_the_command(redis: Redis) -> None:
    set_user(redis, "bridge", "on", f">{PASSWORD}", *RIGHTS.split(), "-set", "-ping")
    store, arq = Store(connect(Secret(url_for(redis)))), queue.connect(Secret(url_for(redis)), patience=5)

    with pytest.raises(StoreRefused, match="no permissions to run the 'set' command"):
        await store.check()
    with pytest.raises(StoreRefused, match=r"can't be used: .* has no permissions to run the 'ping' command"):
        await arq.ping()
    await arq.aclose()
    await store.redis.aclose()


async def test_a_missing_right_within_a_script_is_a_refusal(redis: Redis) -> None:
    set_user(redis, "bridge", "on", f">{PASSWORD}", *RIGHTS.split(), "-time")
    store = Store(connect(Secret(url_for(redis))))

    with pytest.raises(StoreRefused, match=r"(?i)script"):
        await store.now()
    await store.redis.aclose()


async def test_a_wrong_password_is_reported_in_redis_words_everywhere(redis: Redis, sandbox_url: str) -> None:
    set_user(redis, "bridge", "on", f">{PASSWORD}", *RIGHTS.split())
    url = url_for(redis, password="wrong")
    words = "invalid username-password pair or user is disabled"

    await assert_told(url, words, sandbox_url)


async def test_a_missing_password_is_reported_in_redis_words_everywhere(redis: Redis, sandbox_url: str) -> None:
    url = f"redis://{LOOPBACK}:{port_of(redis)}"
    redis.config_set("requirepass", PASSWORD)

    await assert_told(url, "Authentication required", sandbox_url)


@pytest.fixture
async def protected() -> AsyncIterator[str]:
    """A server that behaves as Redis in protected mode does to a remote client."""
    page = (
        b"-DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the"
        b" default user. In this mode connections are only accepted from the loopback interface. If you want to connect"
        b" from external computers to Redis you may adopt one of the following solutions: 1) Just disable protected"
        b" mode sending the command 'CONFIG SET protected-mode no' from the loopback interface.\r\n"
    )

    async def deny(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(page)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(deny, LOOPBACK, 0)
    yield f"redis://{LOOPBACK}:{server.sockets[0].getsockname()[1]}"
    server.close()


async def test_protected_mode_is_reported_in_redis_words_everywhere(protected: str, sandbox_url: str) -> None:
    await assert_told(protected, "DENIED Redis is running in protected mode because", sandbox_url)


async def assert_told(url: str, words: str, sandbox_url: str) -> None:
    store, arq = Store(connect(Secret(url))), queue.connect(Secret(url), patience=5)
    with pytest.raises(StoreRefused, match=words):
        await store.check()
    with pytest.raises(StoreRefused, match=words):
        await arq.ping()
    with pytest.raises(CannotStart, match=words):
        await asyncio.to_thread(require_same_mode, url, sandbox=False)
    assert words in (await findings(url, sandbox_url))["Redis"].detail
    await arq.aclose()
    await store.redis.aclose()


async def test_a_full_redis_is_reported_with_its_remedy(redis: Redis, sandbox_url: str) -> None:
    redis.config_set("maxmemory", 1)
    store = Store(connect(Secret(f"redis://{LOOPBACK}:{port_of(redis)}")))
    with pytest.raises(StoreFull):
        await store.check()
    await store.redis.aclose()

    finding = (await findings(f"redis://{LOOPBACK}:{port_of(redis)}", sandbox_url))["Redis writes"]
    assert "maxmemory" in finding.detail
    assert finding.remedy == "Raise its maxmemory, or shorten BRIDGE_RETENTION."


HELLO_OF_REDIS = [b"server", b"redis", b"version", b"7.4.1", b"mode", b"standalone", b"role", b"master", b"modules", []]
HELLO_OF_VALKEY = {"server": "valkey", "version": "9.1.2", "mode": "standalone", "role": "replica"}


@pytest.mark.parametrize(
    ("hello", "info", "server"),
    [
        (HELLO_OF_REDIS, None, Server(version="7.4.1", mode="standalone", role="master")),
        (HELLO_OF_VALKEY, None, Server(product="Valkey", version="9.1.2", mode="standalone", role="replica")),
        (
            None,
            {"redis_version": "7.2.4", "server_name": "valkey", "valkey_version": "9.1.2", "role": "master"},
            Server(product="Valkey", version="9.1.2", role="master"),
        ),
        (
            ["server", "redis", "version", "7.2.4"],
            {"redis_version": "7.2.4", "valkey_version": "9.1.2"},
            Server(product="Valkey", version="9.1.2"),
        ),
        (None, {"redis_version": "6.2.14"}, Server(version="6.2.14")),
        (None, None, Server()),
    ],
)
def test_a_server_is_described_by_its_own_name_and_version(hello: Any, info: Any, server: Server) -> None:
    assert server_of(hello, info) == server
