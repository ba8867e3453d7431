"""The layout of the stored data: what another version wrote is refused, never half served."""

import pytest

from bridge.errors import SettingsError
from bridge.store import keys
from bridge.store.connection import Store
from bridge.store.schema import adopt_schema

pytestmark = pytest.mark.anyio


async def test_an_empty_store_has_our_layout_from_then_on(store: Store) -> None:
    await adopt_schema(store)
    await adopt_schema(store)

    assert await store.call("GET", "rb:schema") == str(keys.SCHEMA)


@pytest.mark.parametrize("key", keys.IN_ANY_LAYOUT)
async def test_data_that_names_no_layout_is_refused_and_left_as_it_is(key: str, store: Store) -> None:
    await store.call("SET", key, "of a version without layouts")

    with pytest.raises(SettingsError, match="names no layout"):
        await adopt_schema(store)
    assert await store.call("KEYS", "*") == [key]


@pytest.mark.parametrize("theirs", [keys.SCHEMA - 1, keys.SCHEMA + 1, "x" * 1_000])
async def test_data_of_an_older_or_newer_layout_is_refused_by_its_version(theirs: int | str, store: Store) -> None:
    await store.call("SET", "rb:schema", theirs)

    with pytest.raises(SettingsError, match=f"has layout '{str(theirs)[:20]}'"):
        await adopt_schema(store)
    assert await store.call("GET", "rb:schema") == str(theirs)


async def test_what_others_keep_in_the_same_database_is_no_data_of_ours(store: Store) -> None:
    await store.call("SET", "session:1", "somebody else's")

    await adopt_schema(store)
