"""From an outcome to its messages: each is created once, sent until it is accepted or abandoned, and recorded."""

import json

import pytest
from standardwebhooks import Webhook

from bridge.destinations.callback_signing import derived_secret
from bridge.domain.times import DAY, HOUR, MINUTE, SECOND
from tests.support.deliveries import callback, callbacks, slack, watch_ended_import, without_deliver_shift
from tests.support.samples import only
from tests.support.world import CLIENT_KEY, OTHER_KEY, SECRET, SERVICE_SECRET, World, bearer
from workers.worker import build_worker

pytestmark = pytest.mark.anyio


async def test_both_kinds_of_destination_get_their_message_at_once(world: World) -> None:
    watch = await watch_ended_import(world, slack(world), callback(world), failed=2)

    assert [(each["type"], each["state"], each["attempts"]) for each in watch["deliveries"]] == [
        ("slack_webhook", "delivered", 1),
        ("callback", "delivered", 1),
    ]
    in_slack = json.loads(only(await world.sandbox.messages(kind="slack"))["body"])
    assert "Q4 panel upload" in in_slack["text"]
    called = json.loads(only(await world.sandbox.messages(kind="callback"))["body"])
    assert called["type"] == "import.completed_with_failures"
    assert called["data"]["watchId"] == watch["id"]
    assert called["data"]["import"]["failedRecordCount"] == 2


@pytest.mark.parametrize(("own", "secret"), [({"secret": SECRET}, SECRET), ({}, derived_secret(SERVICE_SECRET, "crm"))])
async def test_a_callback_verifies_with_the_standard_library(world: World, own: dict[str, str], secret: str) -> None:
    await watch_ended_import(world, callback(world, headers={"X-Api-Key": "k1"}, **own))

    received = only(await world.sandbox.messages(kind="callback"))
    assert Webhook(secret).verify(received["body"], received["headers"])["type"] == "import.completed"
    assert received["headers"]["x-api-key"] == "k1"


async def test_a_destination_gets_only_the_outcomes_it_subscribed_to(world: World) -> None:
    first, second = callbacks(world, 2)
    watch = await watch_ended_import(world, first | {"on": ["failed"]}, second | {"on": ["completed", "failed"]})

    assert [each["state"] for each in watch["deliveries"]] == ["skipped", "delivered"]
    assert len(await world.sandbox.messages()) == 1


async def test_a_failing_receiver_gets_the_same_message_again(world: World) -> None:
    await world.sandbox.set_answers(
        "crm", {"status": 500}, {"status": 404}, {"status": 302, "headers": {"Location": "/x"}}
    )
    watch = await watch_ended_import(world, callback(world))
    assert only(watch["deliveries"])["state"] == "pending"
    assert only(watch["deliveries"])["lastReason"] == "HTTP 500"

    for _ in range(3):
        world.pass_time(MINUTE)
        await world.deliver()

    received = await world.sandbox.messages(kind="callback")
    assert len(received) == 4
    assert len({(each["headers"]["webhook-id"], each["body"]) for each in received}) == 1
    delivery = only((await world.reload(watch))["deliveries"])
    assert (delivery["state"], delivery["attempts"]) == ("delivered", 4)
    attempts = await world.resources.attempts.of(only(await world.resources.deliveries.many([delivery["id"]])))
    assert [each.number for each in attempts] == [4, 3, 2, 1]
    assert [each.status for each in attempts][1:] == [302, 404, 500]


async def test_every_worker_respects_a_retry_after(world: World) -> None:
    await world.sandbox.set_answers("crm", {"status": 429, "headers": {"Retry-After": "7200"}})
    await watch_ended_import(world, callback(world))
    await world.worker.close()
    world.worker = build_worker(world.resources, shift_length=0.5)

    world.pass_time(2 * HOUR - 2 * SECOND)
    await world.deliver()
    assert len(await world.sandbox.messages()) == 1
    world.pass_time(3 * SECOND)
    await world.deliver()
    assert len(await world.sandbox.messages()) == 2


async def test_a_receiver_that_answers_410_gets_no_more_requests(world: World) -> None:
    await world.sandbox.set_answers("crm", {"status": 410})
    watch = await watch_ended_import(world, callback(world))

    assert only(watch["deliveries"])["state"] == "abandoned"
    world.pass_time(DAY)
    await world.deliver()
    assert len(await world.sandbox.messages()) == 1


async def test_a_delivery_is_abandoned_when_it_is_too_old(world: World) -> None:
    await world.sandbox.set_answers("crm", {"status": 429, "headers": {"Retry-After": "80000"}})
    watch = await watch_ended_import(world, callback(world))

    world.pass_time(72 * HOUR)
    await world.deliver()

    delivery = only((await world.reload(watch))["deliveries"])
    assert (delivery["state"], delivery["attempts"]) == ("abandoned", 1)
    assert "HTTP 429" in delivery["lastReason"]


async def test_an_address_that_is_no_longer_allowed_is_not_reached(world: World) -> None:
    watch = await watch_ended_import(world, {"type": "callback", "url": "http://forbidden.invalid/"})

    delivery = only(watch["deliveries"])
    assert delivery["state"] == "pending"
    assert delivery["lastReason"]
    assert await world.sandbox.messages() == []


async def test_a_crash_between_sending_and_recording_repeats_the_same_message(world: World) -> None:
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    await world.watch(notify=[callback(world)])
    without_deliver_shift(world)
    await world.poll()
    now, _, claims = await world.resources.deliveries.claim(room=1, lease=30 * SECOND)
    assert now
    assert len(claims) == 1, "another worker has claimed it, sent it and died"

    await world.deliver()
    assert await world.sandbox.messages() == []
    world.pass_time(30 * SECOND)
    await world.deliver()

    assert len(await world.sandbox.messages(kind="callback")) == 1


async def test_a_delivery_that_cannot_be_decrypted_does_not_delay_others(world: World) -> None:
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    await world.watch(notify=callbacks(world, 2))
    without_deliver_shift(world)
    await world.poll()
    broken = (await world.resources.store.call("KEYS", "rb:delivery:*"))[0]
    await world.resources.store.call("HSET", broken, "message", "not encrypted by us")

    await world.deliver()

    assert len(await world.sandbox.messages(kind="callback")) == 1
    due = float(await world.resources.store.call("HGET", broken, "due"))
    assert due > await world.resources.store.now() + 50 * MINUTE


async def test_no_secret_and_no_participant_is_shown(world: World) -> None:
    secret_url = f"{world.sandbox.callback_url()}?token=hunter2"
    watch = await watch_ended_import(
        world, {"type": "callback", "url": secret_url, "secret": SECRET}, slack(world), failed=2
    )

    shown = json.dumps(watch["deliveries"])
    for private in ("hunter2", "XXXX", SECRET):
        assert private not in shown
    in_slack = only(await world.sandbox.messages(kind="slack"))["body"]
    emails = [record["email"] for record in watch["import"]["failedRecords"] if "email" in record]
    assert emails
    for email in emails:
        assert email not in in_slack


async def test_a_delivery_shows_its_attempts_only_to_its_client(world: World) -> None:
    await world.sandbox.set_answers("crm", {"status": 503, "body": "try later"})
    watch = await watch_ended_import(world, callback(world))
    world.pass_time(MINUTE)
    await world.deliver()
    path = f"/v1/deliveries/{only(watch['deliveries'])['id']}"

    delivery = (await world.api.get(path, headers=bearer(CLIENT_KEY))).json()

    assert (delivery["watchId"], delivery["state"], delivery["attempts"]) == (watch["id"], "delivered", 2)
    log = [(each["number"], each["status"], each["reason"], each["answer"]) for each in delivery["log"]]
    assert log == [(2, 204, None, ""), (1, 503, "HTTP 503", "try later")]
    assert (await world.api.get(path, headers=bearer(OTHER_KEY))).status_code == 404
    assert (await world.api.get("/v1/deliveries/dlv_x", headers=bearer(CLIENT_KEY))).status_code == 404
