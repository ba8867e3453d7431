"""The metrics: their values, and no label that a client can choose."""

from collections.abc import AsyncIterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bridge.domain.rules.pushes import CSV_FINISHED, Push
from bridge.domain.times import DAY, MINUTE
from bridge.metrics.catalogue import METRICS
from bridge.metrics.metric import Source
from bridge.web.lifespan import metrics_served
from tests.support.configuration import workspace
from tests.support.plain_http import plain_async_client
from tests.support.processes import free_ports
from tests.support.world import ADMIN_KEY, SECRET, World, opened

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(redis_url: str, sandbox_url: str) -> AsyncIterator[World]:
    eu = workspace("eu", "another-key-of-the-tests")
    async with opened(redis_url, sandbox_url, eu, RALLY_WEBHOOK_SECRETS=SECRET) as world:
        yield world


async def samples(world: World) -> dict[str, float]:
    """Return every sample by `name[label values]`, with the values in order."""
    answer = await world.api.get("/metrics")
    assert answer.status_code == 200
    return {
        f"{sample.name}{list(sample.labels.values())}": sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_stored_watches_and_deliveries_are_counted(world: World) -> None:
    await world.sandbox.set_import("done", ("COMPLETED", 0))
    await world.sandbox.set_import("open", ("UPLOADING", 0))
    await world.sandbox.set_answers("gone", {"status": 410})
    await world.watch("done", notify=[{"type": "callback", "url": world.sandbox.callback_url("gone")}])
    await world.watch("open")
    await world.watch("elsewhere", workspace="eu")
    await world.poll()
    await world.deliver()
    found = await samples(world)

    assert found["rally_bridge_watches_open[]"] == 2
    assert found["rally_bridge_deliveries['abandoned']"] == 1
    assert found["rally_bridge_deliveries['pending']"] == 0
    assert found["rally_bridge_imports_polled['default']"] == 1
    assert found["rally_bridge_imports_polled['eu']"] == 1
    assert found["rally_bridge_budget_limit['default']"] > 0
    assert found["rally_bridge_key_refused['eu']"] == 1
    assert found["rally_bridge_key_refused['default']"] == 0
    assert found["rally_bridge_redis_up[]"] == 1
    assert found["rally_bridge_redis_writable[]"] == 1
    assert found["rally_bridge_redis_memory_used_bytes[]"] > 100_000
    assert found["rally_bridge_redis_evicted_keys_total[]"] == 0
    assert found["rally_bridge_workers_alive[]"] == 0
    assert any(name.startswith("rally_bridge_build_info['api', ") for name in found)


async def test_imports_and_deliveries_without_a_worker_become_overdue(world: World) -> None:
    await world.watch("open")
    world.pass_time(3 * MINUTE)

    assert (await samples(world))["rally_bridge_imports_overdue['default']"] == 1


async def test_work_for_rules_without_a_worker_becomes_overdue(world: World) -> None:
    for due_set in ("pushes:due", "deliveries:held", "digests:due", "digests:closed", "summaries:due"):
        await world.resources.store.call("ZADD", f"rb:{due_set}", await world.resources.store.now(), "what is due")
    early = await samples(world)
    world.pass_time(2 * MINUTE)
    late = await samples(world)

    kinds = ("push", "held", "digest", "summary")
    assert [early[f"rally_bridge_rules_overdue['{kind}']"] for kind in kinds] == [0, 0, 0, 0]
    assert [late[f"rally_bridge_rules_overdue['{kind}']"] for kind in kinds] == [1, 1, 2, 1]


async def test_requests_are_counted_by_route_and_not_by_path(world: World) -> None:
    route = "rally_bridge_requests_total['GET', '/v1/watches/{watch_id}', '404']"
    before = (await samples(world)).get(route, 0)
    for path in ("/v1/watches/wat_SECRET", "/nowhere/SECRET"):
        await world.get(path, key=ADMIN_KEY)
    found = await samples(world)

    assert found[route] == before + 1
    assert any("'none', '404'" in name for name in found)
    assert "SECRET" not in "".join(found)


async def test_the_time_of_a_request_is_measured_unless_it_waits(world: World) -> None:
    route = "rally_bridge_request_duration_seconds_count['GET', '/v1/watches/{watch_id}']"
    await world.sandbox.set_import("open", ("UPLOADING", 0))
    watch = await world.watch("open")
    await world.reload(watch)
    before = (await samples(world))[route]
    await world.get(f"/v1/watches/{watch['id']}", wait=0)
    await world.reload(watch)

    assert (await samples(world))[route] == before + 1


async def test_every_metric_of_the_store_is_served(world: World) -> None:
    text = (await world.api.get("/metrics")).text
    assert [metric.name for metric in METRICS if metric.source is Source.STORE if metric.name not in text] == []


async def test_with_a_port_of_its_own_the_api_has_no_metrics(redis_url: str, sandbox_url: str) -> None:
    port = free_ports()
    async with opened(redis_url, sandbox_url, METRICS_PORT=str(port)) as world:
        refused = await world.api.get("/metrics")
        async with metrics_served(world.resources), plain_async_client(f"http://127.0.0.1:{port}") as http:
            served = await http.get("/metrics")

    assert refused.status_code == 404
    assert "rally_bridge_redis_up 1.0" in served.text


async def test_an_unavailable_store_is_a_metric_and_not_an_error(world: World) -> None:
    await world.sandbox.set_import("open", ("UPLOADING", 0))
    redis = world.resources.store.redis
    pool, redis.connection_pool = redis.connection_pool, type(redis)(host="127.0.0.1", port=1).connection_pool
    try:
        found = await samples(world)
    finally:
        redis.connection_pool = pool

    assert found["rally_bridge_redis_up[]"] == 0
    assert "rally_bridge_watches_open[]" not in found


async def test_a_pause_is_a_metric_in_seconds(world: World) -> None:
    await world.sandbox.faults(status=429, headers={"Retry-After": "30"})
    await world.sandbox.set_import("open", ("UPLOADING", 0))
    await world.watch("open", expiresIn=DAY // 1000)
    await world.poll()

    assert 20 < (await samples(world))["rally_bridge_pause_seconds['default']"] <= 31


async def pushed(world: World, import_id: str) -> None:
    push = Push(
        message_id=f"msg_{import_id}",
        event=CSV_FINISHED,
        workspace="default",
        import_id=import_id,
        status="COMPLETED",
        failed_record_count=0,
        updated_at=None,
    )
    await world.resources.pushes.record(push, for_rules=False, first_kept=MINUTE)


async def test_pushes_and_what_they_have_proven_are_counted(world: World) -> None:
    for number in range(3):
        await world.sandbox.set_import(f"imp-{number}", ("UPLOADING", 0))
        await world.watch(f"imp-{number}")
        await world.poll()
        await world.sandbox.set_import(f"imp-{number}", ("COMPLETED", 0))
        await pushed(world, f"imp-{number}")
        await world.poll()
    world.pass_time(5 * MINUTE)
    found = await samples(world)

    assert found["rally_bridge_push_matches_total['CSV', 'default']"] == 3
    assert found["rally_bridge_push_misses_total['CSV', 'default']"] == 0
    assert found["rally_bridge_push_growth['CSV', 'default']"] == 2
    assert 300 <= found[f"rally_bridge_push_age_seconds['{CSV_FINISHED}', 'default']"] < 310
    assert not any("push" in name and "'eu'" in name for name in found)
