"""Pages of watches that are found through their deliveries, across the bounds of what is read at once."""

import pytest

from bridge.ids import derived_id
from bridge.store import keys
from bridge.store.calls.connection import Store
from bridge.store.encryption import Fingerprinter
from bridge.store.indexes import READ_AT_ONCE, Indexes
from tests.support.samples import NOW

pytestmark = pytest.mark.anyio

WATCHES = READ_AT_ONCE + 100
"""With two deliveries each: the bound of what is read at once lies between the deliveries of one watch."""


async def fill(store: Store) -> list[str]:
    """Write settled watches with an abandoned and a pending delivery each; return their ids, newest first."""
    ids = [derived_id("wat_", NOW + number, "x") for number in range(WATCHES)]
    async with store.redis.pipeline(transaction=False) as pipe:
        for number, id_ in enumerate(ids):
            owner = "crm" if number % 3 else "billing"
            plain = {"client": owner, "state": "settled", "outcome": "failed", "import_id": f"imp{number % 2}"}
            pipe.hset(keys.watch(id_), mapping=plain)
            for digit, state in enumerate(("abandoned", "pending")):
                delivery = f"dlv_{id_.removeprefix('wat_')}{digit}"
                pipe.hset(keys.delivery(delivery), mapping={"watch": id_})
                pipe.zadd(keys.deliveries_in(state), {delivery: 0})
                pipe.zadd(keys.deliveries_in(state, owner), {delivery: 0})
        digest = derived_id("dlv_", NOW + 7, "digest")
        pipe.hset(keys.delivery(digest), mapping={"watch": ""})
        pipe.zadd(keys.deliveries_in("pending"), {digest: 0})
        await pipe.execute()
    return ids[::-1]


@pytest.mark.parametrize(("client", "import_id"), [(None, None), ("billing", None), (None, "imp1"), ("crm", "imp1")])
async def test_pages_of_undelivered_watches_have_each_watch_once(
    store: Store, client: str | None, import_id: str | None
) -> None:
    newest_first = await fill(store)
    indexes = Indexes(store, Fingerprinter())
    found: list[str] = []
    below = None
    for _ in range(WATCHES):
        page, below = await indexes.watches_undelivered(
            import_id, client=client, state=None, outcome=None, below=below, limit=70
        )
        assert len(page) <= 70
        found += page
        if below is None:
            break

    numbered = list(zip(range(WATCHES - 1, -1, -1), newest_first, strict=True))
    assert found == [
        id_
        for number, id_ in numbered
        if client in {None, "crm" if number % 3 else "billing"} and import_id in {None, f"imp{number % 2}"}
    ]


async def test_undelivered_watches_above_an_id_are_newer(store: Store) -> None:
    newest_first = await fill(store)
    found, _ = await Indexes(store, Fingerprinter()).watches_undelivered(
        client=None, state=None, outcome=None, below=None, limit=100, above=newest_first[3]
    )

    assert found == newest_first[:3]
