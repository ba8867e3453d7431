"""A Redis that evicts keys when its memory is full: detected at startup and while the bridge runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bridge.domain.secret import Secret
from bridge.errors import SettingsError
from bridge.resources import open_resources
from bridge.startup import check_store
from bridge.store.calls.connection import Store, connect
from bridge.store.operations.redis_check import read_policy
from tests.support.configuration import destination
from tests.support.processes import free_ports
from tests.support.redis_server import port_of, redis_server
from tests.support.replicated_redis import replicated_redis
from tests.support.samples import only
from tests.support.world import SECRET, World, opened, reopened, settings

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def policy(store: Store, name: str) -> AsyncIterator[None]:
    """Set another eviction policy for a while."""
    await store.call("CONFIG SET", "maxmemory-policy", name)
    try:
        yield
    finally:
        await store.call("CONFIG SET", "maxmemory-policy", "noeviction")


@pytest.mark.parametrize(
    ("rights", "found"),
    [
        ("+@all", "allkeys-lfu"),
        ("+@all -config", "allkeys-lfu"),
        ("+@all -info", "allkeys-lfu"),
        ("+@all -config -info", None),
    ],
)
async def test_the_policy_is_read_by_whichever_command_is_permitted(
    rights: str, found: str | None, store: Store, redis_url: str
) -> None:
    await store.call("ACL SETUSER", "confined", "reset", "on", "nopass", "~*", *rights.split())
    confined = Store(connect(Secret(redis_url.replace("unix://", "unix://confined:any@"))))
    try:
        async with policy(store, "allkeys-lfu"):
            assert await read_policy(confined) == found
    finally:
        await confined.redis.aclose()
        await store.call("ACL DELUSER", "confined")


async def test_a_start_is_refused_before_anything_is_written(store: Store, redis_url: str, sandbox_url: str) -> None:
    async with policy(store, "allkeys-random"), open_resources(settings(redis_url, sandbox_url)) as resources:
        with pytest.raises(SettingsError, match="allkeys-random"):
            await check_store(resources)
    assert await store.call("KEYS", "*") == []


async def test_readyz_reports_a_policy_that_was_changed_while_running(world: World) -> None:
    store = world.resources.store

    assert "warnings" not in (await world.get("/readyz")).json()
    async with policy(store, "volatile-ttl"):
        ready = await world.get("/readyz")
    async with policy(store, "allkeys-lru"):
        unfit = await world.get("/readyz")

    assert (ready.status_code, "volatile-ttl" in only(ready.json()["warnings"])) == (200, True)
    assert (unfit.status_code, unfit.json()["status"]) == (503, "not ready")
    assert "allkeys-lru" in unfit.json()["redis"]
    assert (await world.get("/readyz")).status_code == 200


async def test_a_trial_is_ready_with_a_warning(redis_url: str, sandbox_url: str) -> None:
    async with (
        opened(redis_url, sandbox_url, REDIS_MAY_EVICT="true") as world,
        policy(world.resources.store, "allkeys-lru"),
    ):
        await world.resources.store.call("DEL", "rb:schema")  # as evicted
        ready = await world.get("/readyz")
        with capture_logs() as lines:
            await world.sweep()

    assert (ready.status_code, "allkeys-lru" in only(ready.json()["warnings"])) == (200, True)
    assert [line for line in lines if line["event"].startswith("redis.evict")] == []


async def test_the_operator_is_notified_once_when_eviction_begins_and_once_when_it_ends(
    redis_url: str, sandbox_url: str
) -> None:
    ops = destination("ops", "callback", f"{sandbox_url}/inbox/callbacks/ops") + f'secret = "{SECRET}"'
    settings_ = {"config": ops, "OPERATOR_NOTIFY": "ops"}
    async with (
        opened(redis_url, sandbox_url, **settings_) as world,
        reopened(redis_url, sandbox_url, **settings_) as another,
    ):
        with capture_logs() as lines:
            await world.sweep()
            async with policy(world.resources.store, "allkeys-lru"):
                for each in (world, another, world):
                    await each.sweep()
            for each in (another, world):
                await each.sweep()
        await world.deliver()

        events = [line["event"] for line in lines if line["event"].startswith("redis.evict")]
        bodies = [message["body"] for message in await world.sandbox.messages(kind="callback", name="ops")]
    assert events == ["redis.evicting", "redis.eviction_ended"]
    assert len(bodies) == 2
    assert sum("allkeys-lru" in body for body in bodies) == 1


async def test_a_redis_that_does_not_report_its_policy_is_used_with_a_warning(
    redis_url: str, sandbox_url: str, store: Store
) -> None:
    await store.call("ACL SETUSER", "confined", "reset", "on", "nopass", "~*", "&*", "+@all", "-config", "-info")
    confined = redis_url.replace("unix://", "unix://confined:any@")
    try:
        async with opened(confined, sandbox_url) as world:
            ready = await world.get("/readyz")
            await world.sweep()
    finally:
        await store.call("ACL DELUSER", "confined")

    assert (ready.status_code, "does not report" in only(ready.json()["warnings"])) == (200, True)


async def test_a_cluster_is_refused_in_a_sentence(tmp_path: Path, sandbox_url: str) -> None:
    options = ["--cluster-enabled", "yes", "--cluster-port", str(free_ports())]
    with redis_server(tmp_path / "cluster", *options) as cluster:
        url = f"redis://127.0.0.1:{port_of(cluster)}"
        async with open_resources(settings(url, sandbox_url)) as resources:
            with pytest.raises(SettingsError, match="it is a Redis Cluster, which is not supported"):
                await check_store(resources)


async def test_a_start_warns_of_what_may_be_lost(tmp_path: Path, sandbox_url: str) -> None:
    with replicated_redis(tmp_path) as (primary, _):
        async with open_resources(settings(f"redis://127.0.0.1:{port_of(primary)}", sandbox_url)) as resources:
            with capture_logs() as logs:
                await check_store(resources)

    warnings = [each["warning"] for each in logs if each["event"] == "redis.at_risk"]
    assert [each for each in warnings if "appendonly no" in each]
    assert [each for each in warnings if "REDIS_MIN_REPLICAS is not set: a failover may lose" in each]
