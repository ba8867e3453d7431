"""What the store machine found, each told as the story in which it happened."""

import pytest
from samples import only
from world import CLIENT_KEY, World, bearer

pytestmark = pytest.mark.anyio


async def test_no_import_id_gets_in_the_way_of_another(world: World) -> None:
    import_ids = ("imp", "imp:watches", "imp:watches:watches", "eu:imp", "rb:import:default:imp")
    for import_id in import_ids:
        await world.sandbox.tell(import_id, ("COMPLETED", 0))
    watches = [await world.watch(import_id) for import_id in reversed(import_ids)]

    await world.poll()

    assert {(await world.seen(watch))["outcome"] for watch in watches} == {"completed"}


async def test_the_log_of_a_delivery_is_no_delivery(world: World) -> None:
    await world.sandbox.tell("imp", ("COMPLETED", 0))
    watch = await world.watch(notify=[{"type": "callback", "url": world.sandbox.callback_url()}])
    await world.poll()
    await world.deliver()
    delivery = only((await world.seen(watch))["deliveries"])
    assert delivery["attempts"] == 1

    answer = await world.api.get(f"/v1/deliveries/{delivery['id']}:attempts", headers=bearer(CLIENT_KEY))

    assert answer.status_code == 404
