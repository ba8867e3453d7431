"""The layout version of the stored data: data of another version is rejected."""

import pytest

from bridge.store import keys
from bridge.store.connection import Store
from bridge.store.schema import adopt_schema
from tests.support.world import World

pytestmark = pytest.mark.anyio


async def test_an_empty_store_is_marked_with_our_layout(store: Store) -> None:
    assert await adopt_schema(store) is None
    assert await adopt_schema(store) is None
    assert await store.call("GET", "rb:schema") == str(keys.SCHEMA)


@pytest.mark.parametrize("key", keys.IN_ANY_LAYOUT)
async def test_data_without_a_layout_version_is_refused_and_unchanged(key: str, store: Store) -> None:
    await store.call("SET", key, "of a version without layouts")

    assert "names no layout" in str(await adopt_schema(store))
    assert await store.call("KEYS", "*") == [key]


@pytest.mark.parametrize("theirs", [keys.SCHEMA - 1, keys.SCHEMA + 1, "x" * 1_000])
async def test_data_of_an_older_or_newer_layout_is_refused_by_its_version(theirs: int | str, store: Store) -> None:
    await store.call("SET", "rb:schema", theirs)

    assert f"has layout '{str(theirs)[:20]}'" in str(await adopt_schema(store))
    assert await store.call("GET", "rb:schema") == str(theirs)


async def test_keys_of_other_programs_are_not_taken_for_ours(store: Store) -> None:
    await store.call("SET", "session:1", "somebody else's")

    assert await adopt_schema(store) is None


async def test_data_that_is_restored_under_a_running_bridge_makes_it_not_ready(world: World) -> None:
    await world.resources.store.call("SET", "rb:schema", keys.SCHEMA - 1)

    answer = await world.get("/readyz")

    assert (answer.status_code, "has layout" in answer.json()["redis"]) == (503, True)
