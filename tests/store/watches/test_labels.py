"""Watches are found by their exact label, whatever its case; Redis does not store the label."""

import pytest

from bridge.store.encryption import Fingerprinter
from bridge.store.indexes import Indexes
from bridge.store.watches.labels import label_fingerprint
from tests.support.store_parts import StoreParts

pytestmark = pytest.mark.anyio


def fingerprinter() -> Fingerprinter:
    found = Fingerprinter()
    found.set_key("the key of the tests")
    return found


async def found(parts: StoreParts, label: str, client: str | None = None) -> list[str]:
    indexes = Indexes(parts.store, fingerprinter())
    ids, _ = await indexes.watches_labelled(label, client=client, state=None, outcome=None, below=None, limit=9)
    return ids


async def test_a_watch_is_found_by_its_label_whatever_its_case(parts: StoreParts) -> None:
    await parts.accept("wat_1", label="Straße Q4")
    await parts.accept("wat_2", label="Straße Q5")

    assert await found(parts, " STRASSE q4") == ["wat_1"]
    assert await found(parts, "Straße") == []


async def test_the_watches_of_one_client_are_found_by_their_label(parts: StoreParts) -> None:
    await parts.accept("wat_1", label="Q4", client="crm")
    await parts.accept("wat_2", label="Q4", client="billing")

    assert await found(parts, "Q4") == ["wat_2", "wat_1"]
    assert await found(parts, "Q4", "crm") == ["wat_1"]


async def test_the_label_is_not_readable_in_redis_and_leaves_its_index_with_the_watch(parts: StoreParts) -> None:
    watch, _ = await parts.accept("wat_1", label="Q4 panel")
    index = f"rb:watches:labelled:{label_fingerprint(fingerprinter(), 'Q4 panel')}"
    assert await parts.store.call("ZRANGE", index, 0, -1) == ["wat_1"]
    assert "Q4 panel" not in str(await parts.store.call("HGETALL", "rb:watch:wat_1"))

    await parts.settle(watch)
    where = await parts.watches.index_entry("wat_1")
    assert where is not None
    assert await parts.watches.delete("wat_1", where)

    assert await parts.store.call("EXISTS", index) == 0
