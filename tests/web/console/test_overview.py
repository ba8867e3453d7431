"""The overview: what needs somebody, figures, and who sees which."""

import re
from html import unescape

import pytest

from bridge.domain.heartbeats import Heartbeat, ProcessInfo
from bridge.domain.history.standstill import RefusedWrites, Service
from bridge.domain.runbook import Section
from bridge.domain.times import HOUR, MINUTE
from bridge.store.operations.heartbeats import Fleet
from bridge.store.operations.redis_health import RedisHealth
from bridge.web.console.attention import of_durability, of_fleet, of_memory
from tests.support.world import ADMIN_KEY, OTHER_KEY, World

pytestmark = pytest.mark.anyio

NOW = 1_800_000_000_000


async def words(world: World, path: str = "/console") -> str:
    page = await world.api.get(path)
    assert page.status_code == 200, page.text
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text))


async def be_alive(world: World) -> None:
    await world.resources.heartbeats.send(ProcessInfo(id="wrk_1", host="h", version="0.1.0", started_at=1))


async def abandon(world: World, **wish: str) -> None:
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    await world.sandbox.set_answers("crm", {"status": 410})
    await world.watch(notify=[{"type": "callback", "url": world.sandbox.callback_url()}], **wish)
    await world.poll()
    await world.sweep()
    await world.deliver()


def heartbeat(id_: str, at: int) -> Heartbeat:
    return Heartbeat(process=ProcessInfo(id=id_, host="h", version="0.1.0", started_at=0), at=at)


def test_without_a_worker_nothing_else_is_said_of_the_fleet() -> None:
    gone = heartbeat("wrk_1", NOW - MINUTE)
    (found,) = of_fleet(Fleet(now=NOW, heartbeats=(gone,)), Service(workers_alive=False, worker_seen_at=gone.at))
    assert found.text.startswith("No worker is alive")
    assert found.since == gone.at


def test_a_redis_that_refuses_writes_is_not_taken_for_missing_workers() -> None:
    full = Service(workers_alive=False, refused_writes=RefusedWrites.FULL)
    (found,) = of_fleet(Fleet(now=NOW, heartbeats=()), full)
    assert found.text.startswith("Redis is full")


def test_a_missing_worker_is_named_beside_one_that_is_alive() -> None:
    fleet = Fleet(now=NOW, heartbeats=(heartbeat("wrk_1", NOW - MINUTE), heartbeat("wrk_2", NOW)))
    (found,) = of_fleet(fleet, Service(workers_alive=True))
    assert "wrk_1" in found.text
    assert not found.grave


@pytest.mark.parametrize(
    ("health", "number"),
    [
        (RedisHealth(), 0),
        (RedisHealth(memory_used=79, memory_limit=100, append_ok=True), 0),
        (RedisHealth(memory_used=80, memory_limit=100), 1),
        (RedisHealth(memory_used=80, memory_limit=0), 0),
    ],
)
def test_a_redis_that_is_nearly_full_needs_somebody(health: RedisHealth, number: int) -> None:
    assert len(list(of_memory(health))) == number


@pytest.mark.parametrize(
    ("health", "sections"),
    [
        (RedisHealth(), []),
        (RedisHealth(append_only=True, append_ok=True, replicas=1), []),
        (RedisHealth(append_ok=False), [Section.REDIS_NOT_DURABLE]),
        (RedisHealth(append_only=False), [Section.REDIS_NOT_DURABLE]),
        (RedisHealth(replicas=0), [Section.REPLICAS_MISSING]),
    ],
)
def test_a_redis_without_a_file_or_its_replicas_needs_somebody(health: RedisHealth, sections: list[Section]) -> None:
    assert [each.section for each in of_durability(health, required=1)] == sections


async def test_nothing_needs_somebody_while_all_is_well(as_admin: World) -> None:
    await be_alive(as_admin)
    shown = await words(as_admin)
    assert "Nothing needs you now" in shown
    assert "Ended watches" in shown


async def test_an_abandoned_delivery_and_a_missing_worker_need_an_admin(as_admin: World) -> None:
    await abandon(as_admin)
    shown = await words(as_admin)
    assert "No worker is alive" in shown
    assert "1 delivery to http://127.0.0.1" in shown
    assert "abandoned in the last 24 hours: HTTP 410" in shown


async def test_a_client_sees_only_its_own_deliveries_and_no_figures(signed_in: World) -> None:
    await abandon(signed_in, key=OTHER_KEY)
    shown = await words(signed_in)
    assert "Nothing needs you now" in shown
    assert "Ended watches" not in shown
    await abandon(signed_in)
    assert "abandoned in the last 24 hours" in await words(signed_in)


async def test_a_failing_delivery_needs_somebody_before_it_is_abandoned(signed_in: World) -> None:
    await signed_in.sandbox.set_import("imp", ("COMPLETED", 0))
    await signed_in.sandbox.set_answers("crm", {"status": 500})
    await signed_in.watch(notify=[{"type": "callback", "url": signed_in.sandbox.callback_url()}])
    await signed_in.poll()
    await signed_in.deliver()
    assert re.search(r"1 delivery to \S+ \(\w{8}\) failing: HTTP 500", await words(signed_in))


async def test_what_needs_somebody_links_to_what_to_do(as_admin: World) -> None:
    await abandon(as_admin)
    page = await as_admin.api.get("/console")

    for section in (Section.NO_WORKER, Section.ABANDONED):
        assert f'<a href="/docs/runbook#{section}">What to do</a>' in page.text


async def test_two_receivers_at_one_host_are_told_apart(signed_in: World) -> None:
    for name in ("one", "two"):
        await signed_in.sandbox.set_import(name, ("COMPLETED", 0))
        await signed_in.sandbox.set_answers(name, {"status": 410})
        await signed_in.watch(name, notify=[{"type": "callback", "url": signed_in.sandbox.callback_url(name)}])
    await signed_in.poll()
    await signed_in.sweep()
    await signed_in.deliver()
    page = await signed_in.api.get("/console")
    links = re.findall(r'href="(/console/deliveries\?state=abandoned[^"]+)"', page.text)
    shown = [await signed_in.api.get(unescape(link)) for link in links]

    assert page.text.count("1 delivery to") == 2
    assert [each.text.count("badge bad") for each in shown] == [1, 1]


async def test_figures_are_shown_as_plots_with_a_table_each(as_admin: World) -> None:
    await be_alive(as_admin)
    await as_admin.resources.figures.record(
        {"ended:completed": 3, "ended:failed": 1, "polls": 7, "delivered": 4, "delivery:1": 4, "detection:5": 2},
        {"open": 12, "limit": 600},
    )
    for period in ("1 h", "24 h", "7 d"):
        page = await as_admin.api.get("/console", params={"period": period})
        assert page.text.count('<svg class="chart"') == 6
        assert page.text.count("<details>") == 6
        shown = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text))
        assert f"Ended, {period} 4" in shown
        assert f"Delivered, {period} 4" in shown
        assert "Detection p50, p95 2.5 s, 4.8 s" in shown
        assert ADMIN_KEY not in page.text
    assert (await as_admin.api.get("/console", params={"period": "1 y"})).status_code == 422


async def test_the_overview_needs_a_session(world: World) -> None:
    assert (await world.api.get("/console")).headers["location"] == "/console/sign-in?next=/console"


async def test_the_figures_of_an_earlier_hour_are_found(as_admin: World) -> None:
    await as_admin.resources.figures.record({"ended:completed": 3}, {})
    as_admin.pass_time(3 * HOUR)
    assert "Ended, 1 h 0" in await words(as_admin)
    path = "/console"
    for _ in range(3):
        page = await as_admin.api.get(path)
        path = unescape(re.findall(r'href="([^"]+)">« Earlier', page.text)[0])
    assert "Ended, 1 h 3" in await words(as_admin, path)
    assert "Later »" in await words(as_admin, path)
