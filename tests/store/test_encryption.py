"""Records that no key can decrypt, for example after a key was dropped too early: other records stay visible."""

import pytest
from structlog.testing import capture_logs

from tests.support.samples import only
from tests.support.world import ADMIN_KEY, OTHER_KEY, World

pytestmark = pytest.mark.anyio
SINCE_EVER = {"state": "abandoned", "since": "2026-01-01T00:00:00Z"}


async def overwrite(world: World, key: str, field: str) -> None:
    assert await world.resources.store.call("HEXISTS", key, field)
    await world.resources.store.call("HSET", key, field, "not encrypted by us")


async def listed(world: World, path: str, **query: str) -> tuple[list[str], list[str]]:
    """Request a list. Return its ids, and those that the log reports as not decryptable."""
    with capture_logs() as lines:
        answer = await world.get(path, **query)
    assert answer.status_code == 200, answer.text
    unreadable = [line["id"] for line in lines if line["event"] == "record.decryption_failed"]
    return [each["id"] for each in answer.json()["data"]], unreadable


async def abandoned(world: World, *import_ids: str) -> list[str]:
    """Abandon a delivery for each import, oldest first."""
    await world.sandbox.set_answers("crm", *[{"status": 410}] * len(import_ids))
    for import_id in import_ids:
        await world.sandbox.set_import(import_id, ("COMPLETED", 0))
        await world.watch(import_id, notify=[{"type": "callback", "url": world.sandbox.callback_url()}])
    await world.poll()
    await world.deliver()
    listed = (await world.get("/v1/deliveries", state="abandoned")).json()["data"]
    return sorted(each["id"] for each in listed)


async def test_a_watch_that_cannot_be_decrypted_is_logged_and_the_others_are_shown(world: World) -> None:
    first, unreadable, last = [(await world.watch(f"imp-{number}"))["id"] for number in range(3)]
    await overwrite(world, f"rb:watch:{unreadable}", "private")

    assert await listed(world, "/v1/watches") == ([last, first], [unreadable])
    assert await listed(world, "/v1/watches", importId="imp-1") == ([], [unreadable])


async def test_pages_continue_after_a_watch_that_cannot_be_decrypted(world: World) -> None:
    first, unreadable, last = [(await world.watch(f"imp-{number}"))["id"] for number in range(3)]
    await overwrite(world, f"rb:watch:{unreadable}", "private")
    pages: list[list[str]] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await world.get("/v1/watches", limit=1, **cursor)).json()
        pages.append([each["id"] for each in page["data"]])
        if page["nextCursor"] is None:
            break
        cursor = {"cursor": page["nextCursor"]}

    assert pages == [[last], [], [first]]


async def test_a_delivery_that_cannot_be_decrypted_does_not_hide_its_watch(world: World) -> None:
    first, unreadable = await abandoned(world, "imp-1", "imp-2")
    await overwrite(world, f"rb:delivery:{unreadable}", "message")

    assert await listed(world, "/v1/deliveries") == ([first], [unreadable])
    watches = (await world.get("/v1/watches")).json()["data"]
    assert sorted(each["id"] for watch in watches for each in watch["deliveries"]) == [first]
    assert (await world.post("/v1/deliveries/redeliver", json=SINCE_EVER)).json()["redelivered"] == 1


async def test_an_attempt_that_cannot_be_decrypted_hides_no_other(world: World) -> None:
    delivery = only(await abandoned(world, "imp"))
    await world.resources.store.call("RPUSH", f"rb:attempts:{delivery}", "not encrypted by us")

    assert [each["number"] for each in (await world.get(f"/v1/deliveries/{delivery}")).json()["log"]] == [1]


async def test_a_watch_is_shown_without_a_reading_that_cannot_be_decrypted(world: World) -> None:
    await world.sandbox.set_import("imp", ("UPLOADING", 0))
    first = await world.watch()
    await world.poll()
    await overwrite(world, "rb:import:default:imp", "reading")
    second = await world.watch()

    assert {second["import"], (await world.reload(first))["import"]} == {None}
    assert (await world.reload(first))["polls"] == 1
    assert len((await world.get("/v1/watches")).json()["data"]) == 2


async def test_a_record_that_cannot_be_decrypted_is_an_error_with_a_remedy(world: World) -> None:
    watch = (await world.watch())["id"]
    await overwrite(world, f"rb:watch:{watch}", "private")
    with capture_logs() as lines:
        answer = await world.get(f"/v1/watches/{watch}")

    assert (answer.status_code, answer.json()["type"]) == (500, "/docs#decryption-failed")
    assert "BRIDGE_ENCRYPTION_KEYS" in answer.json()["detail"]
    failed = {"event": "record.decryption_failed", "log_level": "error", "path": f"/v1/watches/{watch}"}
    assert [line for line in lines if line["event"] != "request.answered"] == [failed]


async def test_a_record_that_cannot_be_decrypted_is_not_found_by_other_clients(world: World) -> None:
    delivery = only(await abandoned(world, "imp"))
    watch = (await world.watch("imp-2"))["id"]
    await overwrite(world, f"rb:watch:{watch}", "private")
    await overwrite(world, f"rb:delivery:{delivery}", "message")
    with capture_logs() as lines:
        for place in (f"/v1/watches/{watch}", f"/v1/watches/{watch}/events", f"/v1/deliveries/{delivery}"):
            unknown = await world.get(place.replace(watch, "wat_none").replace(delivery, "dlv_none"), key=OTHER_KEY)
            hidden = await world.get(place, key=OTHER_KEY)
            assert (hidden.status_code, hidden.json()) == (404, unknown.json())
            assert (await world.get(place, key=ADMIN_KEY)).status_code == 500
        hidden = await world.post(f"/v1/deliveries/{delivery}/redeliver", key=OTHER_KEY)

    assert hidden.status_code == 404
    assert [line["event"] for line in lines].count("record.decryption_failed") == 3, "of the admin's three alone"


async def test_a_watch_that_cannot_be_decrypted_can_be_cancelled(world: World) -> None:
    watch = (await world.watch())["id"]
    await overwrite(world, f"rb:watch:{watch}", "private")

    assert (await world.post(f"/v1/watches/{watch}/cancel")).status_code == 500
    assert await world.resources.store.call("HGET", f"rb:watch:{watch}", "state") == "cancelled"
