"""Batches that are told in digests: one message for each destination, and nothing is lost or told twice."""

import json
import re
from collections import Counter
from typing import Any

import pytest

from bridge.domain.digests import BATCH_DIGEST_AFTER
from bridge.domain.times import HOUR, MINUTE, SECOND
from bridge.store.watches.batches import ADDED_WITHIN
from tests.support.deliveries import slack
from tests.support.redis_snapshot import assert_store_sound
from tests.support.samples import only
from tests.support.world import ADMIN_KEY, OTHER_KEY, World, opened

pytestmark = pytest.mark.anyio


def entry(world: World, import_id: str, **wish: Any) -> dict[str, Any]:
    return {"importId": import_id, "notify": [slack(world)], **wish}


async def send(
    world: World, watches: list[dict[str, Any]], *, digest: bool | None = True, key: str | None = None
) -> list[dict[str, Any]]:
    """Send a batch, perhaps with an Idempotency-Key; return the results."""
    headers = {} if key is None else {"Idempotency-Key": key}
    answer = await world.post("/v1/watches/batch", json={"watches": watches, "digest": digest}, **headers)
    assert answer.status_code == 200, answer.text
    results: list[dict[str, Any]] = answer.json()["results"]
    return results


async def batch(world: World, *import_ids: str, **wish: Any) -> list[dict[str, Any]]:
    """Watch running imports in one batch; return the watches."""
    for import_id in import_ids:
        await world.sandbox.set_import(import_id, ("UPLOADING", 0))
    return [each["watch"] for each in await send(world, [entry(world, each, **wish) for each in import_ids])]


async def end(world: World, *import_ids: str, status: str = "COMPLETED", **facts: Any) -> None:
    """Let imports end, and their watches settle."""
    for import_id in import_ids:
        await world.sandbox.set_import(import_id, (status, 0), **facts)
    world.pass_time(MINUTE)
    await world.poll()


async def tell(world: World) -> list[str]:
    """Write the digests that are due and send everything that is due; return the texts of all messages so far."""
    await world.sweep()
    for _ in range(3):
        await world.deliver()
        world.pass_time(SECOND)
    await assert_store_sound(world.resources.store)
    return [json.loads(each["body"])["text"] for each in await world.sandbox.messages(kind="slack")]


async def told(world: World) -> Counter[str]:
    """Return how often each import was named."""
    bodies = [json.loads(each["body"]) for each in await world.sandbox.messages(kind="slack") if each["status"] == 200]
    named = [set(re.findall(r"imp\d+", json.dumps(each["blocks"]))) for each in bodies]
    return Counter(import_id for ids in named for import_id in ids)


async def states(world: World, watches: list[dict[str, Any]]) -> list[str]:
    found = [await world.reload(each) for each in watches]
    return [delivery["state"] for each in found for delivery in each["deliveries"]]


async def test_a_batch_is_told_in_one_message_when_all_have_ended(world: World) -> None:
    watches = await batch(world, "imp0", "imp1", "imp2")
    await end(world, "imp0", "imp1")
    assert await tell(world) == []
    assert await states(world, watches) == ["pending", "pending"]

    await end(world, "imp2", status="ERROR")

    assert only(await tell(world)).startswith("⚠️ 3 imports ended, 1 with problems: imp2, imp0, imp1 - ")
    assert await states(world, watches) == ["delivered"] * 3
    body = only(await world.sandbox.messages(kind="slack"))["body"]
    assert "Asked for by crm" in body


async def test_what_waits_for_the_rest_of_a_batch_says_so(world: World) -> None:
    watches = await batch(world, "imp0", "imp1")
    await end(world, "imp0")

    waiting = only((await world.reload(watches[0]))["deliveries"])

    assert (waiting["state"], waiting["lastReason"]) == ("pending", "waits for a digest")
    assert waiting["nextAttemptAt"] is not None


async def test_what_ended_is_told_after_fifteen_minutes_and_again_until_all_are_told(world: World) -> None:
    await batch(world, *(f"imp{number}" for number in range(5)))
    await end(world, "imp0", "imp1")
    world.pass_time(BATCH_DIGEST_AFTER - MINUTE)
    assert await tell(world) == []
    world.pass_time(MINUTE)
    assert only(await tell(world)).startswith("✅ 2 imports ended")

    world.pass_time(BATCH_DIGEST_AFTER)
    await end(world, "imp2", "imp3")
    world.pass_time(BATCH_DIGEST_AFTER)
    assert len(await tell(world)) == 2

    await end(world, "imp4")

    assert (await tell(world))[-1].startswith("✅ Import completed: imp4"), "the last one has a message of its own"
    assert set((await told(world)).values()) == {1}


async def test_a_batch_of_one_is_an_ordinary_message_at_once(world: World) -> None:
    await batch(world, "imp0")
    await end(world, "imp0")

    await world.deliver()

    assert len(await world.sandbox.messages(kind="slack")) == 1, "without waiting for a digest"
    assert only(await tell(world)).startswith("✅ Import completed: imp0")


async def test_callbacks_of_a_batch_stay_single(world: World) -> None:
    notify = [slack(world), {"type": "callback", "url": world.sandbox.callback_url()}]
    await batch(world, "imp0", "imp1", notify=notify)
    await end(world, "imp0")
    await world.deliver()

    assert len(await world.sandbox.messages(kind="callback")) == 1
    await end(world, "imp1")
    assert only(await tell(world)).startswith("✅ 2 imports ended")
    assert len(await world.sandbox.messages(kind="callback")) == 2


async def test_each_destination_gets_a_message_of_its_own(world: World) -> None:
    channel = {"type": "slack", "channel": "C0123ABCD"}
    for import_id in ("imp0", "imp1", "imp2"):
        await world.sandbox.set_import(import_id, ("COMPLETED", 0))
    notify = [[slack(world)], [slack(world), channel], [channel]]
    await send(world, [entry(world, f"imp{number}", notify=each) for number, each in enumerate(notify)])
    await world.poll()

    texts = await tell(world)

    named = sorted(sorted(re.findall(r"imp\d", text)) for text in texts)
    assert named == [["imp0", "imp1"], ["imp1", "imp2"]]


async def test_a_cancelled_watch_is_waited_for_no_longer(world: World) -> None:
    watches = await batch(world, "imp0", "imp1", "imp2")
    await end(world, "imp0", "imp1")
    assert await tell(world) == []

    await world.post(f"/v1/watches/{watches[2]['id']}/cancel")

    assert only(await tell(world)).startswith("✅ 2 imports ended")


async def test_an_outcome_that_a_destination_does_not_want_is_not_told_and_not_waited_for(world: World) -> None:
    watches = await batch(world, "imp0", "imp1", "imp2", notify=[{**slack(world), "on": "problems"}])
    await end(world, "imp0", "imp1", status="ERROR")
    await end(world, "imp2")

    assert only(await tell(world)).startswith("⚠️ 2 imports ended, 2 with problems")
    assert await states(world, watches) == ["delivered", "delivered", "skipped"]


async def test_a_digest_mentions_those_whom_its_destination_names_for_the_outcomes(world: World) -> None:
    mention = {"users": ["U0123ABCD"], "on": ["failed"]}
    await batch(world, "imp0", "imp1", notify=[{**slack(world), "mention": mention}])
    await end(world, "imp0", "imp1")
    await tell(world)
    await batch(world, "imp2", "imp3", notify=[{**slack(world), "mention": mention}])
    await end(world, "imp2")
    await end(world, "imp3", status="ERROR")
    await tell(world)

    clean, failed = [each["body"] for each in await world.sandbox.messages(kind="slack")]
    assert (clean.count("<@U0123ABCD>"), failed.count("<@U0123ABCD>")) == (0, 1)


async def test_imports_that_ended_before_are_told_together(world: World) -> None:
    """Their watches settle without a poll, perhaps while the request still adds others."""
    for number in range(3):
        await world.sandbox.set_import(f"imp{number}", ("COMPLETED", 0))
        await world.watch(f"imp{number}")
    await world.poll()

    results = await send(world, [entry(world, f"imp{number}") for number in range(3)])
    await world.sweep()

    assert {each["watch"]["import"]["status"] for each in results} == {"COMPLETED"}
    assert only(await tell(world)).startswith("✅ 3 imports ended")


async def test_no_digest_is_sent_while_a_request_still_adds_watches(world: World) -> None:
    addition = await world.resources.batches.begin("crm", None)
    await add(world, addition.batch, "imp0", "imp1", status="COMPLETED")
    await world.poll()
    assert await tell(world) == []

    await addition.end()

    assert only(await tell(world)).startswith("✅ 2 imports ended")


async def test_the_same_request_adds_to_the_same_batch(world: World) -> None:
    addition = await world.resources.batches.begin("crm", "the key")

    joined = await world.resources.batches.begin("crm", "the key")

    assert joined.batch == addition.batch
    assert (await world.resources.batches.begin("crm", "another key")).batch != addition.batch
    assert (await world.resources.batches.begin("billing", "the key")).batch != addition.batch
    assert (await world.resources.batches.begin("crm", None)).batch != addition.batch


async def test_a_batch_that_is_sent_again_with_its_key_is_told_once(world: World) -> None:
    entries = [entry(world, f"imp{number}") for number in range(3)]
    for number in range(3):
        await world.sandbox.set_import(f"imp{number}", ("UPLOADING", 0))
    first = await send(world, entries[:2], key="k")  # as if the process had died before the third
    await end(world, "imp0")
    again = await send(world, entries, key="k")

    assert [each["watch"]["id"] for each in again[:2]] == [each["watch"]["id"] for each in first]
    await end(world, "imp1", "imp2")
    assert only(await tell(world)).startswith("✅ 3 imports ended")


async def test_the_same_batch_without_a_digest_is_another_request(world: World) -> None:
    await send(world, [entry(world, "imp0")], key="k")

    (refused,) = await send(world, [entry(world, "imp0")], digest=None, key="k")

    assert (refused["status"], refused["problem"]["type"]) == (422, "/docs#idempotency-key-reused")


async def test_a_digest_does_not_wait_for_a_request_whose_process_died(world: World) -> None:
    addition = await world.resources.batches.begin("crm", None)
    await add(world, addition.batch, "imp0", "imp1")
    world.pass_time(ADDED_WITHIN)

    await end(world, "imp0", "imp1")

    assert only(await tell(world)).startswith("✅ 2 imports ended")


async def add(world: World, batch_id: str, *import_ids: str, status: str = "UPLOADING") -> None:
    """Accept watches as a request does that has not ended yet."""
    for import_id in import_ids:
        await world.sandbox.set_import(import_id, (status, 0))
        watch = await world.watch(import_id, notify=[slack(world)])
        await world.resources.store.call("HSET", f"rb:watch:{watch['id']}", "batch", batch_id)
        await world.resources.store.call("ZADD", f"rb:batch:{batch_id}", 0, watch["id"])


async def test_the_client_sees_an_abandoned_digest_and_sends_it_again(world: World) -> None:
    await world.sandbox.set_answers("slack", {"status": 404, "body": "no_team"})
    watches = await batch(world, "imp0", "imp1")
    await end(world, "imp0", "imp1")
    await tell(world)
    assert await states(world, watches) == ["abandoned"] * 2
    ended = (await world.get("/v1/deliveries", state="abandoned")).json()["data"]
    digest = only([each for each in ended if each["watchId"] is None])
    assert (await world.get("/v1/deliveries", key=OTHER_KEY)).json()["data"] == []

    assert (await world.post(f"/v1/deliveries/{digest['id']}/redeliver")).status_code == 202

    assert len(await tell(world)) == 2
    assert await states(world, watches) == ["delivered"] * 2


async def test_a_rule_tells_what_an_abandoned_digest_did_not(world: World) -> None:
    """A rule's delivery was skipped because the batch tells the same destination."""
    await world.sandbox.set_answers("slack", {"status": 404, "body": "no_team"})
    watches = await batch(world, "imp0", "imp1")
    await end(world, "imp0", "imp1")
    part = only((await world.reload(watches[0]))["deliveries"])["id"]
    await world.resources.store.call("SADD", f"rb:deliveries:skipped_for:{part}", "dlv_rule")
    record = {"state": "skipped", "client": "rule:ops", "watch": "wat_rule", "skipped_for": part}
    fields = [each for pair in record.items() for each in pair]
    await world.resources.store.call("HSET", "rb:delivery:dlv_rule", *fields)
    await world.sweep()
    await world.deliver()

    assert await world.resources.store.call("HGET", "rb:delivery:dlv_rule", "held") == "1"
    assert await world.resources.store.call("EXISTS", f"rb:deliveries:skipped_for:{part}") == 0


async def test_the_largest_batch_is_one_message(world: World) -> None:
    await world.sandbox.set_import("imp0", ("COMPLETED", 0))
    await send(world, [entry(world, "imp0", label=f"{number} {'L' * 290}") for number in range(100)])
    await world.poll()

    assert only(await tell(world)).startswith("✅ 100 imports ended")
    assert await world.resources.store.call("ZCARD", "rb:deliveries:in:delivered") == 101


async def test_a_client_that_does_not_ask_for_a_digest_gets_single_messages(world: World) -> None:
    for import_id in ("imp0", "imp1"):
        await world.sandbox.set_import(import_id, ("COMPLETED", 0))
    await send(world, [entry(world, each) for each in ("imp0", "imp1")], digest=None)
    await world.poll()

    assert sorted(text[:8] for text in await tell(world)) == ["✅ Import"] * 2
    assert (await world.get("/v1/deliveries", key=ADMIN_KEY, state="pending")).json()["data"] == []


async def test_a_digest_says_what_is_news_beside_the_imports_before(redis_url: str, sandbox_url: str) -> None:
    template = "https://app.example.com/imports/{importId}"
    async with opened(redis_url, sandbox_url, RALLY_IMPORT_URL=template) as world:
        world.pass_time(-HOUR)  # so that no import seems to have ended before it was watched
        for import_id in ("before0", "before1"):
            await world.sandbox.set_import(import_id, ("ERROR", 0))
            await world.watch(import_id, label="nightly")
            await world.poll()
        await batch(world, "imp0", "imp1", label="nightly")
        await end(world, "imp0", status="ERROR")
        await end(world, "imp1")
        await tell(world)

        body = json.loads(only(await world.sandbox.messages(kind="slack"))["body"])
        first, second = body["blocks"][1]["text"]["text"].splitlines()
        assert "nightly (imp0) - failed, the 3rd in a row, 120 people imported" in first
        assert second.startswith("✅ nightly (imp1) - completed, works again, ")
        assert second.endswith(" · <https://app.example.com/imports/imp1|Open in Rally>")
