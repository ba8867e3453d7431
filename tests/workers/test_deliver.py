"""From an outcome to its messages: each is created once, sent until it is accepted or abandoned, and recorded."""

import asyncio
import json
from collections import Counter
from typing import Any

import pytest
from standardwebhooks import Webhook

from bridge.destinations.signatures import derived_secret
from bridge.domain.times import DAY, HOUR, MINUTE, SECOND
from tests.support.configuration import destination
from tests.support.samples import only
from tests.support.world import CLIENT_KEY, OTHER_KEY, SECRET, SERVICE_SECRET, World, bearer, opened, sandbox_serving
from workers.worker import build_worker

pytestmark = pytest.mark.anyio


async def watch_ended_import(
    world: World, *notify: dict[str, Any], status: str = "COMPLETED", **facts: Any
) -> dict[str, Any]:
    """Watch an import that has ended, and run both shifts."""
    await world.sandbox.set_import("imp", (status, 0), **facts)
    watch = await world.watch(notify=list(notify), label="Q4 panel upload")
    await world.poll()
    await world.deliver()
    return await world.reload(watch)


def callback(world: World, **more: Any) -> dict[str, Any]:
    return {"type": "callback", "url": world.sandbox.callback_url(), **more}


def callbacks(world: World, count: int, name: str = "crm", **more: Any) -> list[dict[str, Any]]:
    """Return callbacks to one receiver, which differ in the query of their URL."""
    url = world.sandbox.callback_url(name)
    return [{"type": "callback", "url": f"{url}?{number}", **more} for number in range(count)]


def slack(world: World, **more: Any) -> dict[str, Any]:
    return {"type": "slack_webhook", "url": world.sandbox.slack_url(), **more}


def without_deliver_shift(world: World) -> None:
    """Keep the settler from starting the deliver shift, as if its worker had died."""
    world.worker.settler._on_due = lambda: None


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
    attempts = await world.resources.deliveries.attempts(only(await world.resources.deliveries.many([delivery["id"]])))
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


def named(world_url: str) -> str:
    inbox = f"{world_url}/inbox"
    room = destination("room", "slack_webhook", f"{inbox}/services/T/B/X")
    return room + destination("tool", "callback", f"{inbox}/callbacks/tool")


async def test_a_named_channel_gets_the_message_from_the_bot(redis_url: str, sandbox_url: str) -> None:
    channel = '[destinations.panels]\ntype = "slack"\nchannel = "C0PANELS1"\n'
    async with opened(redis_url, sandbox_url, channel) as world:
        watch = await watch_ended_import(world, {"type": "named", "name": "panels"})

        assert [each["state"] for each in (await world.reload(watch))["deliveries"]] == ["delivered"]
        (message,) = await world.sandbox.messages(kind="slack")
        assert json.loads(message["body"])["channel"] == "C0PANELS1"


async def test_a_named_destination_gets_the_message_of_its_kind(redis_url: str, sandbox_url: str) -> None:
    async with opened(redis_url, sandbox_url, named(sandbox_url)) as world:
        watch = await watch_ended_import(world, {"type": "named", "name": "room"}, {"type": "named", "name": "tool"})

        shown = [(each["type"], each["destination"], each["state"]) for each in watch["deliveries"]]
        assert shown == [("named", "room", "delivered"), ("named", "tool", "delivered")]
        assert len(await world.sandbox.messages(kind="slack")) == 1
        assert only(await world.sandbox.messages(name="tool"))["verified"]


async def test_a_name_that_is_not_configured_is_refused_with_a_code(world: World) -> None:
    wish = {"importId": "imp", "notify": [{"type": "named", "name": "nobody"}]}
    answer = await world.api.post("/v1/watches", json=wish, headers=bearer(CLIENT_KEY))

    assert answer.status_code == 422
    assert [(each["pointer"], each["code"]) for each in answer.json()["errors"]] == [("/notify/0/name", "unknown_name")]


async def test_a_name_that_is_no_longer_configured_waits_for_its_return(redis_url: str, sandbox_url: str) -> None:
    async with opened(redis_url, sandbox_url, named(sandbox_url)) as world:
        await world.sandbox.set_import("imp", ("COMPLETED", 0))
        watch = await world.watch(notify=[{"type": "named", "name": "room"}])
        del world.resources.named["room"]  # type: ignore[attr-defined]  # as after a restart with other settings
        await world.poll()
        await world.deliver()
        seen = await world.reload(watch)
        assert only(seen["deliveries"])["state"] == "pending"
        assert "no destination is configured" in only(seen["deliveries"])["lastReason"]

        world.resources.named["room"] = world.resources.named["tool"]  # type: ignore[index]
        world.pass_time(MINUTE)
        await world.deliver()
        assert only((await world.reload(watch))["deliveries"])["state"] == "delivered"


async def test_the_operator_is_notified_once_when_a_key_is_refused_and_once_when_it_is_accepted(
    redis_url: str, sandbox_url: str
) -> None:
    async with opened(redis_url, sandbox_url, named(sandbox_url), OPERATOR_NOTIFY="room") as world:
        await world.sandbox.set_import("imp", ("COMPLETED", 0))
        await world.sandbox.faults(status=401, times=3)
        await world.watch()
        for _ in range(5):
            await world.poll()
            await world.deliver()
            world.pass_time(MINUTE + SECOND)

        texts = [json.loads(each["body"])["text"] for each in await world.sandbox.messages(kind="slack")]
        assert len(texts) == 2
        assert "refuses the API key" in texts[0]
        assert "accepts the API key" in texts[1]

        world.pass_time(31 * DAY)
        await world.sweep()
        assert await world.resources.store.call("KEYS", "rb:delivery:*") == []


async def test_a_slack_channel_gets_one_message_a_second_and_waiting_is_no_attempt(world: World) -> None:
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    watches = [await world.watch(notify=[slack(world)]) for _ in range(3)]
    await world.poll()

    for sent in (1, 2, 3):
        await world.deliver()
        assert len(await world.sandbox.messages(kind="slack")) == sent
        world.pass_time(SECOND)
    assert [only((await world.reload(watch))["deliveries"])["attempts"] for watch in watches] == [1, 1, 1]


async def test_a_429_of_slack_pauses_the_whole_channel_for_its_retry_after(world: World) -> None:
    await world.sandbox.set_answers("slack", {"status": 429, "headers": {"Retry-After": "30"}})
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    watches = [await world.watch(notify=[slack(world)]) for _ in range(3)]
    other = await world.watch(notify=[{"type": "slack", "channel": "C0123ABCD"}])
    await world.poll()
    await world.deliver()

    world.pass_time(29 * SECOND)
    await world.deliver()
    assert len(await world.sandbox.messages(kind="slack")) == 2, "the one answered with 429, and the other channel's"
    assert only((await world.reload(other))["deliveries"])["state"] == "delivered"
    test = await world.post("/v1/destinations/test", json={"destination": slack(world)})
    assert (test.status_code, test.headers["retry-after"]) == (429, "1")
    for _ in range(4):
        world.pass_time(SECOND)
        await world.deliver()
    assert len(await world.sandbox.messages(kind="slack")) == 5
    attempts = [only((await world.reload(each))["deliveries"])["attempts"] for each in watches]
    assert sorted(attempts) == [1, 1, 2], "waiting is no attempt"


async def test_a_hanging_receiver_does_not_delay_others(redis_url: str, sandbox_url: str) -> None:
    with sandbox_serving() as other_url:
        allowed = ",".join(url.removeprefix("http://") for url in (sandbox_url, other_url))
        async with opened(redis_url, sandbox_url, EGRESS_ALLOW=allowed) as world:
            await world.sandbox.set_answers("hangs", *[{"delay": 4}] * 60)
            await world.sandbox.set_import("imp", ("COMPLETED", 0))
            for _ in range(6):
                await world.watch(notify=callbacks(world, 10, "hangs"))
            swift = {"type": "callback", "url": f"{other_url}/inbox/callbacks/swift", "secret": SECRET}
            watches = [await world.watch(notify=[swift]) for _ in range(30)]
            without_deliver_shift(world)
            await world.poll()

            async with asyncio.timeout(30):
                world.worker.deliveries.start()
                while {only((await world.reload(watch))["deliveries"])["state"] for watch in watches} != {"delivered"}:
                    world.worker.deliveries.start()

            assert len(await world.sandbox.messages(name="hangs")) == 0, "delivered before the first one has answered"


async def test_a_failed_lane_gets_one_delivery_at_a_time_until_it_works_again(world: World) -> None:
    await world.sandbox.set_answers("crm", *[{"status": 500}] * 10)
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    for _ in range(3):
        await world.watch(notify=callbacks(world, 10))
    without_deliver_shift(world)
    await world.poll()
    room = 50

    _, _, first = await world.resources.deliveries.claim(room=room, lease=SECOND)
    assert len(first) == 2
    world.pass_time(SECOND)
    await world.deliver()
    assert len(await world.sandbox.messages()) == 30, (
        "ten attempts failed; the rest was sent one at a time, then together"
    )


async def test_any_number_of_unknown_receivers_gets_few_slots(world: World) -> None:
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    strangers = [{"type": "callback", "url": f"https://r{number}.example/"} for number in range(10)]
    for _ in range(8):
        await world.watch(notify=strangers)
    without_deliver_shift(world)
    await world.poll()

    _, _, first = await world.resources.deliveries.claim(room=50, lease=SECOND)
    _, _, second = await world.resources.deliveries.claim(room=30, lease=SECOND)

    assert Counter(claim.lane for claim in first).most_common(1)[0][1] == 2
    assert (len(first), len(second)) == (20, 0), "thirty slots are left for receivers that answer"


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
