"""The history of a watch through the API: written in the step that makes it happen, kept as the watch ends."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bridge.domain.times import MINUTE
from bridge.store import keys
from tests.support.push_messages import PUSH_SECRET, push_body, send_push
from tests.support.world import ADMIN_KEY, OTHER_KEY, World, opened

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(redis_url: str, sandbox_url: str) -> AsyncIterator[World]:
    async with opened(redis_url, sandbox_url, RALLY_WEBHOOK_SECRETS=PUSH_SECRET) as world:
        yield world


async def history(world: World, watch: dict[str, Any], **query: Any) -> dict[str, Any]:
    found: dict[str, Any] = (await world.get(f"/v1/watches/{watch['id']}/history", **query)).json()
    return found


async def kinds(world: World, watch: dict[str, Any]) -> list[str]:
    return [each["kind"] for each in (await history(world, watch))["data"]]


async def test_the_history_of_an_import_is_kept_with_the_watch_that_it_ended(world: World) -> None:
    await world.sandbox.set_import("imp", ("UPLOADING", 0), people=40)
    callback = {"type": "callback", "url": world.sandbox.callback_url()}
    watch = await world.watch(notify=[callback])
    await world.poll()
    await world.sandbox.faults(status=429, times=1, headers={"Retry-After": "5"})
    world.pass_time(MINUTE)
    await world.poll()
    world.pass_time(MINUTE)
    await world.poll()
    joined = await world.watch()
    await world.sandbox.set_answers("crm", {"status": 410})
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    await send_push(world.api, push_body("imp"), message_id="msg_1")
    open_kinds = await kinds(world, watch)
    await world.poll()
    await world.deliver()
    (delivery,) = (await world.reload(watch))["deliveries"]
    abandoned = await history(world, watch)
    await world.post(f"/v1/deliveries/{delivery['id']}/redeliver")
    found = await history(world, watch)

    assert open_kinds == ["accepted", "reading", "pause", "pause_end", "push"]
    assert [each["kind"] for each in abandoned["data"]] == [*open_kinds, "outcome", "attempt", "delivery_end"]
    assert " was abandoned after 1 attempt: HTTP 410" in abandoned["summary"]
    assert [each["kind"] for each in found["data"]] == [*open_kinds, "outcome", "attempt", "redelivery"]
    texts = [each["text"] for each in found["data"]]
    assert texts[0] == "the client crm asked for the watch"
    assert texts[1].startswith("Rally reports UPLOADING, ")
    assert texts[-1].startswith("the client crm had the message to ")
    assert delivery["fingerprint"] in texts[-1]
    assert await world.resources.store.call("EXISTS", keys.notes("default", "imp")) == 1, "until the import is deleted"
    joined_history = await history(world, joined)
    assert [each["kind"] for each in joined_history["data"]] == ["reading", "accepted", "push", "outcome"]
    assert "it joined the polls of the import" in joined_history["data"][1]["text"]
    assert joined_history["summary"].endswith("The watch has no destination, so no message was due.")


async def test_faults_and_absences_are_noted_once_until_they_end(world: World) -> None:
    await world.sandbox.set_import("imp", ("UPLOADING", 0))
    watch = await world.watch()
    await world.sandbox.faults(status=500, times=2)
    for _ in range(3):
        await world.poll()
        world.pass_time(MINUTE)
    await world.sandbox.faults(status=404, times=2)
    for _ in range(4):
        await world.poll()
        world.pass_time(MINUTE)

    assert await kinds(world, watch) == ["accepted", "fault", "fault_end", "reading", "absent", "reading"]


async def test_the_history_names_who_cancelled_a_watch(world: World) -> None:
    await world.sandbox.set_import("imp", ("UPLOADING", 0))
    watch = await world.watch()
    await world.poll()
    await world.post(f"/v1/watches/{watch['id']}/cancel", key=ADMIN_KEY)
    found = await history(world, watch)

    assert [each["kind"] for each in found["data"]] == ["accepted", "reading", "cancelled"]
    assert found["data"][-1]["text"] == "the watch was cancelled by the client ops"
    assert await world.resources.store.call("EXISTS", keys.notes("default", "imp")) == 0


async def test_the_history_of_another_clients_watch_is_not_found(world: World) -> None:
    watch = await world.watch()

    assert (await world.get(f"/v1/watches/{watch['id']}/history", key=OTHER_KEY)).status_code == 404


async def test_readings_are_encrypted_in_the_notes_and_in_the_watch(world: World) -> None:
    await world.sandbox.set_import("imp", ("SECRET_STATUS", 0))
    watch = await world.watch()
    await world.poll()
    noted = await world.resources.store.call("LRANGE", keys.notes("default", "imp"), 0, -1)
    await world.post(f"/v1/watches/{watch['id']}/cancel")
    record = await world.resources.store.call("HGETALL", keys.watch(watch["id"]))

    assert "reading" in noted[0]
    assert "SECRET_STATUS" not in str(noted) + str(record)
    assert "SECRET_STATUS" in str(await history(world, watch))
