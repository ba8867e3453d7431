"""Deliveries: lists, redelivery, the operator's notice about abandoned ones, and test messages."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from bridge.domain.destinations import NamedDestination
from bridge.domain.times import DAY, rfc3339
from bridge.store.indexes import READ_AT_ONCE
from tests.support.configuration import destination
from tests.support.samples import only
from tests.support.world import ADMIN_KEY, OTHER_KEY, World, opened

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(redis_url: str, sandbox_url: str) -> AsyncIterator[World]:
    named = "".join(destination(name, "callback", f"{sandbox_url}/inbox/callbacks/{name}") for name in ("ops", "crm"))
    async with opened(redis_url, sandbox_url, named, OPERATOR_NOTIFY="ops", DELIVERY_SCHEDULE="1s,2s") as world:
        yield world


async def abandoned(world: World, import_id: str = "imp", name: str = "crm") -> dict[str, Any]:
    """Create an abandoned delivery: the receiver responds with 410."""
    await world.sandbox.set_import(import_id, ("COMPLETED", 0))
    await world.sandbox.set_answers(name, {"status": 410})
    watch = await world.watch(import_id, notify=[{"type": "callback", "url": world.sandbox.callback_url(name)}])
    await world.poll()
    await world.deliver()
    delivery: dict[str, Any] = only((await world.reload(watch))["deliveries"])
    assert delivery["state"] == "abandoned"
    return delivery


async def test_an_abandoned_delivery_is_listed_for_its_client_and_for_an_admin(world: World) -> None:
    delivery = await abandoned(world)

    async def listed(**query: str) -> list[str]:
        answer = await world.get("/v1/deliveries", **query)
        return [each["id"] for each in answer.json()["data"]]

    assert await listed(state="abandoned") == [delivery["id"]]
    assert await listed() == [delivery["id"]]
    assert await listed(state="pending") == []
    assert await listed(state="abandoned", key=OTHER_KEY) == []
    assert delivery["id"] in await listed(state="abandoned", key=ADMIN_KEY)


async def test_a_redelivery_keeps_the_notification_id(world: World) -> None:
    delivery = await abandoned(world)
    answer = await world.post(f"/v1/deliveries/{delivery['id']}/redeliver")
    assert (answer.status_code, answer.json()["state"]) == (202, "pending")
    await world.deliver()

    first, second = await world.sandbox.messages(name="crm")
    assert first["headers"]["webhook-id"] == second["headers"]["webhook-id"]
    assert first["body"] == second["body"]
    shown = (await world.get(f"/v1/deliveries/{delivery['id']}")).json()
    assert (shown["state"], shown["attempts"], shown["retriesUntil"]) == ("delivered", 2, None)
    assert [each["number"] for each in shown["log"]] == [2, 1]


async def test_a_redelivery_has_the_schedule_and_the_age_of_a_new_one(world: World) -> None:
    delivery = await abandoned(world)
    world.pass_time(5 * DAY)
    await world.sandbox.set_answers("crm", {"status": 500})
    await world.post(f"/v1/deliveries/{delivery['id']}/redeliver")
    await world.deliver()

    shown = (await world.get(f"/v1/deliveries/{delivery['id']}")).json()
    assert (shown["state"], shown["lastReason"]) == ("pending", "HTTP 500")
    (attempt,) = [each for each in shown["log"] if each["number"] == shown["attempts"]]
    age = datetime.fromisoformat(shown["retriesUntil"]) - datetime.fromisoformat(attempt["at"])
    assert timedelta(hours=71) < age <= timedelta(hours=72)


async def test_a_redelivery_restarts_the_retention(world: World) -> None:
    delivery = await abandoned(world)
    world.pass_time(29 * DAY)
    await world.sandbox.set_answers("crm", {"status": 204})  # a month too early by the receiver's clock
    await world.post(f"/v1/deliveries/{delivery['id']}/redeliver")
    await world.deliver()
    world.pass_time(29 * DAY)
    await world.sweep()
    assert (await world.get(f"/v1/deliveries/{delivery['id']}")).status_code == 200
    world.pass_time(DAY)
    await world.sweep()
    assert (await world.get(f"/v1/deliveries/{delivery['id']}")).status_code == 404


async def test_pending_and_skipped_deliveries_are_not_redelivered(world: World) -> None:
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    await world.sandbox.set_answers("crm", {"status": 503})  # pending, whether or not the deliver shift has run
    url = world.sandbox.callback_url()
    notify = [{"type": "callback", "url": url}, {"type": "callback", "url": f"{url}-failed", "on": ["failed"]}]
    watch = await world.watch(notify=notify)
    await world.poll()
    pending, skipped = (await world.reload(watch))["deliveries"]

    details = ["GET the delivery for the time of its next attempt.", "The reason: not subscribed to completed."]
    for delivery, detail in zip((pending, skipped), details, strict=True):
        answer = await world.post(f"/v1/deliveries/{delivery['id']}/redeliver")
        assert (answer.status_code, answer.json()["detail"]) == (409, detail)
    assert (await world.post("/v1/deliveries/dlv_none/redeliver")).status_code == 404
    assert (await world.post(f"/v1/deliveries/{pending['id']}/redeliver", key=OTHER_KEY)).status_code == 404


def counts(answer: httpx.Response) -> tuple[int, bool]:
    document = answer.json()
    return document["redelivered"], document["more"]


async def test_a_bulk_redelivery_covers_everything_abandoned_since_a_time(world: World) -> None:
    old = await abandoned(world, "imp-1")
    world.pass_time(DAY)
    since = rfc3339(await world.resources.store.now())
    new = [await abandoned(world, f"imp-{number}") for number in (2, 3)]
    body = {"state": "abandoned", "since": since}
    answer = await world.post("/v1/deliveries/redeliver", json=body)

    assert (answer.status_code, counts(answer)) == (202, (2, False))
    await world.sandbox.set_answers("crm", {"status": 204}, {"status": 204})  # a day too early by the receiver's clock
    await world.deliver()
    states = {each["id"]: (await world.get(f"/v1/deliveries/{each['id']}")).json()["state"] for each in [old, *new]}
    assert states == {old["id"]: "abandoned", new[0]["id"]: "delivered", new[1]["id"]: "delivered"}
    assert (await world.post("/v1/deliveries/redeliver", json=body)).json()["redelivered"] == 0


async def test_a_repeated_bulk_redelivery_leaves_out_what_was_abandoned_meanwhile(world: World) -> None:
    delivery = await abandoned(world)
    body = {"state": "abandoned", "since": "2026-01-01T00:00:00Z"}
    first = await world.post("/v1/deliveries/redeliver", json=body)
    await world.sandbox.set_answers("crm", {"status": 410})
    world.pass_time(1)
    await world.deliver()
    assert (await world.get(f"/v1/deliveries/{delivery['id']}")).json()["state"] == "abandoned"

    again = await world.post("/v1/deliveries/redeliver", json={**body, "until": first.json()["until"]})

    assert (counts(first), counts(again)) == ((1, False), (0, False))
    assert again.json()["until"] == first.json()["until"]
    assert counts(await world.post("/v1/deliveries/redeliver", json={**body, "until": None})) == (1, False)


async def test_deliveries_that_ended_before_that_time_are_not_decrypted(world: World) -> None:
    old = await abandoned(world, "imp-1")
    await world.resources.store.call("HSET", f"rb:delivery:{old['id']}", "message", "opening it would be told")
    world.pass_time(DAY)
    body = {"state": "abandoned", "since": rfc3339(await world.resources.store.now())}
    await abandoned(world, "imp-2")
    with capture_logs() as lines:
        answer = await world.post("/v1/deliveries/redeliver", json=body)

    assert counts(answer) == (1, False)
    assert [line["event"] for line in lines] == ["delivery.redelivery_requested"]


@pytest.mark.parametrize("others", [READ_AT_ONCE - 1, READ_AT_ONCE, READ_AT_ONCE + 1])
async def test_a_bulk_redelivery_finds_matches_behind_many_others(world: World, others: int) -> None:
    delivery = await abandoned(world)
    newer = [each for number in range(others) for each in (0, f"dlv_z{number}")]
    await world.resources.store.call("ZADD", "rb:deliveries:of:crm:abandoned", *newer)
    body = {"state": "abandoned", "since": "2026-01-01T00:00:00Z"}

    assert counts(await world.post("/v1/deliveries/redeliver", json=body)) == (1, False)
    assert (await world.get(f"/v1/deliveries/{delivery['id']}")).json()["state"] == "pending"


async def test_pages_of_abandoned_deliveries_contain_each_one_once(world: World) -> None:
    made = sorted([(await abandoned(world, f"imp-{number}"))["id"] for number in range(5)], reverse=True)
    found: list[str] = []
    below: str | None = None
    for _ in range(3):
        page, below = await world.resources.indexes.abandoned_since(0, until=2**53, client="crm", below=below, limit=2)
        found += page

    assert (found, below) == (made, None)


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, {"/state", "/since"}),
        ({"state": "delivered", "since": "2026-11-24T00:00:00Z"}, {"/state"}),
        ({"state": "abandoned", "since": "yesterday"}, {"/since"}),
        ({"state": "abandoned", "since": "2026-11-24T00:00:00"}, {"/since"}),
    ],
)
async def test_an_invalid_bulk_redelivery_is_refused(world: World, body: dict[str, Any], wrong: set[str]) -> None:
    answer = await world.post("/v1/deliveries/redeliver", json=body)

    assert answer.status_code == 422
    assert {error["pointer"] for error in answer.json()["errors"]} == wrong


async def test_the_operator_gets_one_notice_about_any_number_of_abandoned_deliveries(world: World) -> None:
    for number in range(3):
        await abandoned(world, f"imp-{number}")
    for _ in range(3):
        await world.sweep()
        await world.deliver()

    notice = only(await world.sandbox.messages(name="ops"))
    body = notice["body"] if isinstance(notice["body"], str) else str(notice["body"])
    assert '"type":"delivery.abandoned"' in body
    assert "3 messages were abandoned" in body
    assert "HTTP 410" in body


async def test_the_operator_gets_one_notice_also_about_deliveries_that_cannot_be_decrypted(world: World) -> None:
    for number in range(2):
        delivery = await abandoned(world, f"imp-{number}")
        await world.resources.store.call("HSET", f"rb:delivery:{delivery['id']}", "message", "not encrypted by us")
    for _ in range(2):
        await world.sweep()
        await world.deliver()

    notice = only(await world.sandbox.messages(name="ops"))
    assert "2 messages were abandoned" in str(notice["body"])


async def test_only_one_of_two_concurrent_sweeps_notifies_the_operator(world: World) -> None:
    delivery = await abandoned(world)
    ops = NamedDestination(name="ops")
    lane, create = world.resources.lane(ops), world.resources.notices.create
    created = [await create(f"dlv_notice{number}", ops, lane, "{}", reported=[delivery["id"]]) for number in range(2)]

    assert created == [True, False]


async def test_an_abandoned_notice_causes_no_further_notice(world: World) -> None:
    await world.sandbox.set_answers("ops", {"status": 410})
    await abandoned(world)
    for _ in range(3):
        await world.sweep()
        await world.deliver()

    assert len(await world.sandbox.messages(name="ops")) == 1


DESTINATIONS = [
    {"type": "callback", "url": "URL/inbox/callbacks/crm"},
    {"type": "slack_webhook", "url": "URL/inbox/services/T000/B000/XXXX"},
    {"type": "slack", "channel": "C0123ABCD"},
    {"type": "named", "name": "crm"},
]


@pytest.mark.parametrize("destination", DESTINATIONS, ids=lambda each: each["type"])
async def test_a_test_message_arrives_and_its_verdict_is_returned(world: World, destination: dict[str, Any]) -> None:
    filled = {name: value.replace("URL", world.sandbox.url) for name, value in destination.items()}
    answer = await world.post("/v1/destinations/test", json={"destination": filled})

    assert answer.status_code == 200, answer.text
    assert (answer.json()["verdict"], answer.json()["type"]) == ("accepted", destination["type"])
    message = only(await world.sandbox.messages())
    assert message["verified"]
    assert "test" in message["body"]


async def test_a_failed_test_message_has_a_reason(world: World) -> None:
    await world.sandbox.set_answers("crm", {"status": 503})
    body = {"destination": {"type": "callback", "url": world.sandbox.callback_url()}}
    answer = (await world.post("/v1/destinations/test", json=body)).json()

    assert (answer["verdict"], answer["reason"], answer["status"]) == ("deferred", "HTTP 503", 503)


async def test_test_messages_respect_the_pace_of_slack(world: World) -> None:
    body = {"destination": {"type": "slack", "channel": "C0123ABCD"}}
    first, second = [await world.post("/v1/destinations/test", json=body) for _ in range(2)]

    assert (first.status_code, second.status_code) == (200, 429)
    assert second.headers["retry-after"] == "1"


async def test_a_forbidden_destination_is_not_tested(world: World) -> None:
    body = {"destination": {"type": "callback", "url": "http://169.254.169.254/latest"}}
    answer = await world.post("/v1/destinations/test", json=body)

    assert answer.status_code == 422
    assert only(answer.json()["errors"])["pointer"] == "/destination/url"


async def test_a_slack_channel_needs_a_bot(redis_url: str, sandbox_url: str) -> None:
    async with opened(redis_url, sandbox_url, SLACK_BOT_TOKEN="") as world:
        answer = await world.post(
            "/v1/watches", json={"importId": "imp", "notify": [{"type": "slack", "channel": "C0123ABCD"}]}
        )

        assert answer.status_code == 422
        assert only(answer.json()["errors"])["code"] == "no_slack_bot"


async def test_a_message_that_slack_rejects_as_invalid_is_sent_as_plain_text(world: World) -> None:
    await world.sandbox.set_import("imp", ("ERROR", 0))
    await world.sandbox.set_answers("slack", {"status": 200, "body": '{"ok":false,"error":"invalid_blocks"}'})
    watch = await world.watch(notify=[{"type": "slack", "channel": "C0123ABCD"}])
    await world.poll()
    await world.deliver()
    world.pass_time(3000)
    await world.deliver()

    first, second = await world.sandbox.messages()
    assert ("blocks" in first["body"], "blocks" in second["body"]) == (True, False)
    assert only((await world.reload(watch))["deliveries"])["state"] == "delivered"


async def test_a_send_interrupted_by_a_crash_is_not_repeated_with_slack_at_most_once(
    redis_url: str, sandbox_url: str
) -> None:
    async with opened(redis_url, sandbox_url, SLACK_AT_MOST_ONCE="true") as world:
        await world.sandbox.set_import("imp", ("ERROR", 0))
        notify = [
            {"type": "slack", "channel": "C0123ABCD"},
            {"type": "callback", "url": world.sandbox.callback_url()},
        ]
        watch = await world.watch(notify=notify)
        await world.poll()
        await world.deliver()
        for delivery in (await world.reload(watch))["deliveries"]:
            await world.resources.deliveries.redeliver(delivery["id"], watch["id"], by="crm")
        world.pass_time(1000)
        _, _, claims = await world.resources.deliveries.claim(room=10, lease=30_000)
        assert len(claims) == 2
        world.pass_time(31_000)
        await world.deliver()

        slack, callback = (await world.reload(watch))["deliveries"]
        assert (slack["state"], slack["attempts"]) == ("abandoned", 1)
        assert "SLACK_AT_MOST_ONCE" in slack["lastReason"]
        assert callback["state"] == "delivered"
