"""The layout version of the stored data: which is read, which is refused, and when it is raised."""

import pytest

from bridge.domain.heartbeats import ALIVE_FOR, ProcessInfo
from bridge.store import keys
from bridge.store.calls.connection import Store
from bridge.store.layout import LAYOUT, adopt_layout, layout_remedy, raise_layout
from tests.support.world import World

pytestmark = pytest.mark.anyio


async def test_an_empty_store_is_marked_with_our_layout(store: Store) -> None:
    assert await adopt_layout(store) is None
    assert await adopt_layout(store) is None
    assert await store.call("GET", "rb:schema") == str(LAYOUT)


@pytest.mark.parametrize("key", keys.IN_ANY_LAYOUT)
async def test_data_without_a_layout_version_is_refused_and_unchanged(key: str, store: Store) -> None:
    await store.call("SET", key, "of a version without layouts")

    assert "names no layout" in str(await adopt_layout(store))
    assert await store.call("KEYS", "*") == [key]


@pytest.mark.parametrize("theirs", [LAYOUT - 2, LAYOUT + 2, "x" * 1_000])
async def test_data_of_a_distant_layout_is_refused_by_its_version(theirs: int | str, store: Store) -> None:
    await store.call("SET", "rb:schema", theirs)

    assert f"has layout '{str(theirs)[:20]}'" in str(await adopt_layout(store))
    assert await store.call("GET", "rb:schema") == str(theirs)


async def test_keys_of_other_programs_are_not_taken_for_ours(store: Store) -> None:
    await store.call("SET", "session:1", "somebody else's")

    assert await adopt_layout(store) is None


async def test_data_that_is_restored_under_a_running_bridge_makes_it_not_ready(world: World) -> None:
    await world.resources.store.call("SET", "rb:schema", LAYOUT - 2)

    answer = await world.get("/readyz")

    assert (answer.status_code, "has layout" in answer.json()["redis"]) == (503, True)


@pytest.mark.parametrize("theirs", [LAYOUT - 1, LAYOUT + 1])
async def test_data_of_a_neighbouring_layout_is_read_and_keeps_its_version(theirs: int, store: Store) -> None:
    await store.call("SET", "rb:schema", theirs)

    assert await adopt_layout(store) is None
    assert await store.call("GET", "rb:schema") == str(theirs)


@pytest.mark.parametrize(
    ("stored", "remedy"),
    [
        (str(LAYOUT - 3), f"First run `rally-bridge worker` of a version with layout {LAYOUT - 2}"),
        (str(LAYOUT + 2), f"of a version with layout {LAYOUT + 1} or newer"),
        ("", "Restore a backup"),
        ("²", "Restore a backup"),
    ],
)
def test_a_refusal_names_what_to_run(stored: str, remedy: str) -> None:
    assert remedy in layout_remedy(stored)


def worker_with(layout: int) -> ProcessInfo:
    return ProcessInfo(id=f"wrk_{layout}", host="h", version="1", started_at=0, layout=layout)


async def test_the_version_is_raised_once_no_older_worker_is_alive(world: World) -> None:
    store, heartbeats = world.resources.store, world.resources.heartbeats
    await store.call("SET", "rb:schema", LAYOUT - 1)
    older = worker_with(LAYOUT - 1)
    await heartbeats.send(worker_with(LAYOUT))
    await heartbeats.send(older)

    assert await raise_layout(store) is False
    await heartbeats.withdraw(older)
    assert await raise_layout(store) is True
    assert await raise_layout(store) is False
    assert await store.call("GET", "rb:schema") == str(LAYOUT)


async def test_the_version_is_not_raised_while_an_older_api_is_alive(world: World) -> None:
    store, older = world.resources.store, worker_with(LAYOUT - 1)
    await store.call("SET", "rb:schema", LAYOUT - 1)
    await world.resources.api_heartbeats.send(older)

    assert await raise_layout(store) is False
    await world.resources.api_heartbeats.withdraw(older)
    assert await raise_layout(store) is True


async def test_a_worker_that_names_no_layout_is_older_until_its_heartbeats_stop(store: Store) -> None:
    await store.call("SET", "rb:schema", LAYOUT - 1)
    facts = '{"host":"h","version":"1","started_at":0}'
    await store.call("HSET", "rb:workers", "wrk_1", f"{await store.now()} {facts}")

    assert await raise_layout(store) is False
    await store.call("HSET", "rb:workers", "wrk_1", f"{await store.now() - ALIVE_FOR} {facts}")
    assert await raise_layout(store) is True


@pytest.mark.parametrize("theirs", [LAYOUT - 2, LAYOUT + 1, "unknown"])
async def test_only_the_version_of_the_previous_layout_is_raised(theirs: int | str, store: Store) -> None:
    await store.call("SET", "rb:schema", theirs)

    assert await raise_layout(store) is False
    assert await store.call("GET", "rb:schema") == str(theirs)


async def test_an_empty_store_is_not_marked_by_raising(store: Store) -> None:
    assert await raise_layout(store) is False
    assert await store.call("GET", "rb:schema") is None


async def test_a_worker_of_the_next_version_is_listed_although_it_says_more(world: World) -> None:
    facts = '{"host":"h","version":"2","started_at":0,"layout":8,"region":"eu"}'
    await world.resources.store.call("HSET", "rb:workers", "wrk_1", f"{await world.resources.store.now()} {facts}")

    assert [each.process.version for each in (await world.resources.heartbeats.read()).alive] == ["2"]
