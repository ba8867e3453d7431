"""Digests: what rules gather is told once, in one message, also if a worker dies at any step."""

import asyncio
import json
import re
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from bridge.domain.delivery.deliveries import DeliveryState
from bridge.domain.destinations import NamedDestination
from bridge.domain.rules.floods import FLOOD_DIGEST_AFTER, FLOOD_WINDOW, SINGLE_MESSAGES
from bridge.domain.rules.precedence import HOLD
from bridge.domain.times import DAY, HOUR, MINUTE, SECOND
from bridge.store.deliveries.digests import ClosedDigest
from bridge.store.deliveries.held_deliveries import Released
from tests.support.configuration import destination as configured
from tests.support.deliveries import slack
from tests.support.dying_digests import DyingDigests
from tests.support.held_deliveries import end_import, end_imports, fates, release, to_callback, to_slack
from tests.support.redis_snapshot import assert_store_sound
from tests.support.samples import only
from tests.support.world import ADMIN_KEY, World, opened, reopened
from workers.digests import DigestWriter

pytestmark = pytest.mark.anyio


async def deliver_all(world: World) -> None:
    """Run the deliver shift until a Slack lane, which takes one message a second, is empty."""
    for _ in range(SINGLE_MESSAGES + 2):
        await world.deliver()
        world.pass_time(SECOND)
    await assert_store_sound(world.resources.store)


async def slack_texts(world: World) -> list[str]:
    return [json.loads(each["body"])["text"] for each in await world.sandbox.messages(kind="slack")]


async def told(world: World) -> list[str]:
    """Return the ids of the imports in all messages, as often as they were told."""
    bodies = [each["body"] for each in await world.sandbox.messages(kind="slack")]
    return sorted(found for body in bodies for found in set(re.findall(r"imp\d+", body)))


async def test_a_destination_gets_five_single_messages_then_one_digest(world: World) -> None:
    watches = await end_imports(world, 8)
    await deliver_all(world)
    assert [state for state, _ in await fates(world, watches)] == ["delivered"] * 5 + ["pending"] * 3

    world.pass_time(FLOOD_DIGEST_AFTER - MINUTE)
    await world.sweep()
    await deliver_all(world)
    assert len(await slack_texts(world)) == SINGLE_MESSAGES
    world.pass_time(MINUTE)
    await world.sweep()
    await deliver_all(world)

    digest = only([each for each in await slack_texts(world) if "imports ended" in each])
    assert digest.startswith("✅ 3 imports ended: imp5, imp6, imp7 - 360 people imported (dlv_")
    assert await told(world) == sorted(f"imp{number}" for number in range(8))
    states = await fates(world, watches)
    assert {state for state, _ in states} == {"delivered"}
    assert [reason or "" for _, reason in states][5:] == [f"in the digest {digest_id(digest)}"] * 3


def digest_id(text: str) -> str:
    """Return the id at the end of a digest's text."""
    return text.replace("\u2060", "").rpartition("(")[2].removesuffix(")")


async def test_the_flood_guard_counts_all_rules_of_a_destination(world: World) -> None:
    for number in range(SINGLE_MESSAGES):
        watch = await end_import(world, f"imp{number}", to_slack(world), rule=f"rule-{number}")
        assert await release(world, watch) is Released.RELEASED

    late = await end_import(world, "imp9", to_slack(world), rule="another")

    assert await release(world, late) is Released.GATHERED


async def test_after_ten_minutes_a_destination_gets_single_messages_again(world: World) -> None:
    await end_imports(world, SINGLE_MESSAGES)
    world.pass_time(FLOOD_WINDOW)

    later = await end_import(world, "imp9", to_slack(world))

    assert await release(world, later) is Released.RELEASED


async def test_while_a_digest_is_gathered_no_later_import_is_told_before_it(world: World) -> None:
    await end_imports(world, SINGLE_MESSAGES + 1)
    world.pass_time(FLOOD_WINDOW)

    later = await end_import(world, "imp9", to_slack(world))

    assert await release(world, later) is Released.GATHERED


async def test_a_digest_of_one_import_is_a_single_message(world: World) -> None:
    watches = await end_imports(world, SINGLE_MESSAGES + 1)
    world.pass_time(FLOOD_DIGEST_AFTER)
    await world.sweep()
    await deliver_all(world)

    assert not [each for each in await slack_texts(world) if "imports ended" in each]
    assert await told(world) == sorted(f"imp{number}" for number in range(6))
    assert set(await fates(world, watches)) == {("delivered", None)}


async def test_a_rule_with_a_digest_gathers_every_import(world: World) -> None:
    due = await world.resources.store.now() + HOUR
    for number in range(2):
        watch = await end_import(world, f"imp{number}", to_slack(world), status="ERROR")
        assert await release(world, watch, rule="ops", digest_due=due + number) is Released.GATHERED

    world.pass_time(HOUR)
    await world.sweep()
    await deliver_all(world)

    assert only(await slack_texts(world)).startswith("⚠️ 2 imports ended, 2 with problems")
    delivery = only((await world.get("/v1/deliveries", key=ADMIN_KEY, state="delivered")).json()["data"][-1:])
    assert delivery["watchId"] is None or delivery["lastReason"].startswith("in the digest")


async def test_what_waits_for_a_digest_shows_when_it_is_sent(world: World) -> None:
    due = await world.resources.store.now() + HOUR
    watch = await end_import(world, "imp0", to_slack(world))
    await release(world, watch, rule="ops", digest_due=due)

    shown = (await world.get(f"/v1/deliveries/{only(watch['deliveries'])['id']}", key=ADMIN_KEY)).json()

    assert (shown["state"], shown["lastReason"]) == ("pending", "waits for a digest")
    assert shown["nextAttemptAt"] is not None


async def note_calls(world: World, count: int) -> None:
    """Note that rules sent callbacks, one a second, the last of them now."""
    lane, now = world.resources.lane(to_callback(world)), await world.resources.store.now()
    for number in range(count):
        await world.resources.store.call("ZADD", f"rb:lane:{lane}:calls", now - number * SECOND, f"earlier{number}")


async def test_callbacks_are_never_gathered_and_a_loop_is_told_once_an_hour(world: World) -> None:
    await note_calls(world, 59)
    found: list[Released] = []
    for number in range(6):
        watch = await end_import(world, f"imp{number}", to_callback(world))
        found.append(await release(world, watch, rule="ops", digest_due=0))
        if number == 3:
            world.pass_time(HOUR)
            await note_calls(world, 60)

    once = [Released.FLOODING, Released.RELEASED]
    assert found == [Released.RELEASED, *once, Released.RELEASED, *once]


async def test_a_delivery_is_released_once(world: World) -> None:
    watch = await end_import(world, "imp0", to_slack(world))

    assert await release(world, watch) is Released.RELEASED
    assert await release(world, watch) is Released.GONE


async def many_gathered(world: World, count: int = 3) -> list[dict[str, Any]]:
    """Return watches whose deliveries wait for a digest that is due."""
    due = await world.resources.store.now()
    watches = [await end_import(world, f"imp{number}", to_slack(world)) for number in range(count)]
    for watch in watches:
        await release(world, watch, rule="ops", digest_due=due)
    return watches


@pytest.mark.parametrize("step", ["claim", "parts", "join", "create", "end_parts"])
@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
async def test_a_worker_that_dies_at_any_step_loses_and_repeats_nothing(world: World, *, step: str, done: bool) -> None:
    watches = await many_gathered(world)
    dying_worker = replace(world.resources, digests=DyingDigests(world, step, done=done))
    with suppress(RuntimeError):
        await DigestWriter(dying_worker, on_due=lambda: None, on_held=lambda: None).run()

    for _ in range(2):
        world.pass_time(MINUTE)
        await world.sweep()
        await deliver_all(world)

    assert only(await slack_texts(world)).startswith("✅ 3 imports ended")
    assert {state for state, _ in await fates(world, watches)} == {"delivered"}


async def test_the_parts_of_an_abandoned_digest_are_abandoned_and_delivered_when_it_is_redelivered(
    world: World,
) -> None:
    await world.sandbox.set_answers("slack", {"status": 404, "body": "no_team"})
    watches = await many_gathered(world)
    await world.sweep()
    await deliver_all(world)
    ended = (await world.get("/v1/deliveries", key=ADMIN_KEY, state="abandoned")).json()["data"]
    digest = only([each for each in ended if each["watchId"] is None])
    assert set(await fates(world, watches)) == {("abandoned", f"in the digest {digest['id']}")}
    assert await world.resources.notices.unreported(10) == [digest["id"]], "the operator is told of one message"

    answer = await world.post(
        "/v1/deliveries/redeliver", key=ADMIN_KEY, json={"state": "abandoned", "since": "2020-01-01T00:00:00Z"}
    )
    await deliver_all(world)

    assert answer.json()["redelivered"] == 1, "the digest stands for its parts"
    assert set(await fates(world, watches)) == {("delivered", f"in the digest {digest['id']}")}
    assert len(await slack_texts(world)) == 2


async def test_a_part_that_is_redelivered_is_a_single_message(world: World) -> None:
    watches = await many_gathered(world)
    await world.sweep()
    await deliver_all(world)

    part = only(watches[0]["deliveries"])["id"]
    assert (await world.post(f"/v1/deliveries/{part}/redeliver", key=ADMIN_KEY)).status_code == 202
    await deliver_all(world)

    assert (await slack_texts(world))[-1].startswith("✅ Import completed: imp0")
    assert (await fates(world, watches))[0] == ("delivered", None)


async def test_more_parts_than_end_in_one_step_all_end(world: World) -> None:
    watches = await many_gathered(world, 5)
    await world.sweep()
    await deliver_all(world)
    digest = str(only(await slack_texts(world)))
    # As after a commit of which only the digest itself has come to an end.
    for watch in watches[:3]:
        delivery = only(watch["deliveries"])["id"]
        await world.resources.store.call("HSET", f"rb:delivery:{delivery}", "state", "pending")
        await world.resources.store.call("ZADD", f"rb:parts:{digest_id(digest)}", 0, delivery)
        await world.resources.store.call("HSET", f"rb:watch:{watch['id']}", "pending", 1)
    await world.resources.store.call("ZADD", "rb:digests:ending", 0, digest_id(digest))

    await world.sweep()

    assert {state for state, _ in await fates(world, watches)} == {"delivered"}
    assert await world.resources.store.call("EXISTS", "rb:digests:ending") == 0


async def test_a_part_that_cannot_be_read_leaves_the_digest(world: World) -> None:
    watches = await many_gathered(world)
    await world.resources.store.call("HSET", f"rb:watch:{watches[1]['id']}", "ending", "not encrypted by us")
    await world.sweep()
    await deliver_all(world)

    assert await told(world) == ["imp0", "imp1", "imp2"]
    assert sorted(text[:4] for text in await slack_texts(world)) == ["✅ 2 ", "✅ Im"]


async def test_digests_and_their_parts_are_deleted_after_the_retention(world: World) -> None:
    await many_gathered(world)
    await world.sweep()
    await deliver_all(world)

    world.pass_time(30 * DAY + MINUTE)
    await world.sweep()

    left = [str(key) for key in await world.resources.store.redis.keys()]
    assert [key for key in left if re.match(r"rb:(delivery|parts|watch|digest|deliveries)", key)] == []


async def test_a_clock_that_was_set_back_delays_no_digest(world: World) -> None:
    await end_imports(world, SINGLE_MESSAGES + 2)
    await world.sweep()
    world.pass_time(-30 * DAY)
    await world.sweep()

    world.pass_time(FLOOD_DIGEST_AFTER)
    await world.sweep()
    await deliver_all(world)

    assert await told(world) == sorted(f"imp{number}" for number in range(7))


async def test_what_an_explicit_watch_tells_meanwhile_leaves_the_digest(world: World) -> None:
    watches = await many_gathered(world)
    explicit = await world.watch("imp1", notify=[slack(world)])
    await world.poll()
    await deliver_all(world)
    await world.sweep()
    await deliver_all(world)

    assert await told(world) == ["imp0", "imp1", "imp2"]
    reason = f"the watch {explicit['id']} tells this destination"
    assert (await fates(world, watches))[1] == ("skipped", reason)
    assert sorted(text[:4] for text in await slack_texts(world)) == ["✅ 2 ", "✅ Im"]


async def test_the_gate_gathers_what_a_rule_wants_as_a_digest(redis_url: str, sandbox_url: str) -> None:
    config = """
        [[rules]]
        name = "ops"
        notify = [{type = "slack", channel = "C0123ABCD"}]
        mode = "digest"
        digest = {every = "1h"}
        mention = {users = ["U0123ABCD"], on = "problems"}
    """
    async with opened(redis_url, sandbox_url, config) as world:
        (rule,) = world.resources.settings.rules
        watches = [
            await end_import(world, f"imp{number}", *rule.notify, status=status)
            for number, status in enumerate(["COMPLETED", "ERROR", "ERROR"])
        ]
        world.pass_time(HOLD)
        await world.deliver()
        world.pass_time(HOUR - MINUTE)
        await world.sweep()
        assert set(await fates(world, watches)) == {("pending", "waits for a digest")}

        world.pass_time(MINUTE)
        await world.sweep()
        await deliver_all(world)

        assert only(await slack_texts(world)).startswith("⚠️ 3 imports ended, 2 with problems")
        body = only(await world.sandbox.messages(kind="slack"))["body"]
        assert body.count("<@U0123ABCD>") == 1, "mentioned once, for the failed ones"


async def test_the_operator_is_told_of_a_flood_of_callbacks(redis_url: str, sandbox_url: str) -> None:
    config = """
        [destinations.operators]
        type = "slack"
        channel = "C0123ABCD"
    """
    async with opened(redis_url, sandbox_url, config, OPERATOR_NOTIFY="operators") as world:
        await note_calls(world, 60)
        for number in range(2):
            await end_import(world, f"imp{number}", to_callback(world))
        world.pass_time(HOLD)
        await deliver_all(world)

        notice = only(await slack_texts(world)).replace("\u2060", "")
        assert notice.startswith("⚙️ Rules sent more than 60 callbacks to http://127.0.0.1:")
        assert "the last one for the rule “ops”" in notice


async def test_a_digest_whose_rule_was_removed_is_sent_at_once(world: World) -> None:
    watches = [await end_import(world, f"imp{number}", to_slack(world)) for number in range(2)]
    for watch in watches:
        await release(world, watch, rule="removed", digest_due=await world.resources.store.now() + DAY)

    await world.sweep()
    await deliver_all(world)

    assert only(await slack_texts(world)).startswith("✅ 2 imports ended")


async def test_several_workers_write_a_digest_once(world: World) -> None:
    await many_gathered(world)
    writers = [DigestWriter(world.resources, on_due=lambda: None, on_held=lambda: None) for _ in range(3)]
    await asyncio.gather(*(each.run() for each in writers))
    await deliver_all(world)

    assert only(await slack_texts(world)).startswith("✅ 3 imports ended")


async def closed_digest(world: World) -> ClosedDigest:
    """Return a digest that a worker has closed and not written yet."""
    await many_gathered(world)
    (digest,) = await world.resources.digests.claim(["dlv_digest"], MINUTE)
    return digest


async def test_a_closed_digest_is_claimed_by_one_worker_at_a_time(world: World) -> None:
    digest = await closed_digest(world)

    for _ in range(2):
        assert await world.resources.digests.claim(["dlv_other"], MINUTE) == []
        world.pass_time(MINUTE)
        assert await world.resources.digests.claim(["dlv_other"], MINUTE) == [digest]


async def test_the_delivery_of_a_digest_is_created_once(world: World) -> None:
    digest = await closed_digest(world)

    assert await world.resources.digests.create(digest, "rule:ops", to_slack(world), "{}")
    assert not await world.resources.digests.create(digest, "rule:ops", to_slack(world), "{}")


async def written_digest(world: World) -> str:
    """Return the id of a digest whose delivery was created, but not attempted yet."""
    await many_gathered(world)
    await DigestWriter(world.resources, on_due=lambda: None, on_held=lambda: None).run()
    pending = (await world.get("/v1/deliveries", key=ADMIN_KEY, state="pending")).json()["data"]
    return str(only([each["id"] for each in pending if each["watchId"] is None]))


async def test_a_digest_of_more_parts_than_end_in_one_step_ends_them_later(world: World) -> None:
    digest = await written_digest(world)
    first = [part for number in range(100) for part in (0, f"dlv_00{number:02}")]  # deleted deliveries
    await world.resources.store.call("ZADD", f"rb:parts:{digest}", *first)

    await world.deliver()
    assert await world.resources.store.call("ZCARD", "rb:deliveries:in:pending") == 3
    await world.sweep()
    await world.deliver()

    delivered = await world.resources.indexes.deliveries(
        client=None, state=DeliveryState.DELIVERED, below=None, limit=9
    )
    assert len(delivered) == 4


async def test_a_digest_that_was_redelivered_early_ends_its_parts_with_its_new_end(
    world: World,
) -> None:
    digest = await written_digest(world)
    await world.resources.store.call("ZADD", "rb:digests:ending", 0, digest)

    await DigestWriter(world.resources, on_due=lambda: None, on_held=lambda: None).run()

    assert await world.resources.store.call("EXISTS", "rb:digests:ending") == 0
    await deliver_all(world)
    assert only(await slack_texts(world)).startswith("✅ 3 imports ended")


async def test_a_part_that_is_redelivered_alone_no_longer_ends_with_its_digest(world: World) -> None:
    await world.sandbox.set_answers("slack", {"status": 404, "body": "no_team"}, {"status": 503})
    watches = await many_gathered(world)
    await world.sweep()
    await deliver_all(world)
    digest = str((await fates(world, watches))[0][1]).removeprefix("in the digest ")

    part = only(watches[0]["deliveries"])["id"]
    for again in (part, digest):
        assert (await world.post(f"/v1/deliveries/{again}/redeliver", key=ADMIN_KEY)).status_code == 202
        await world.deliver()
        world.pass_time(SECOND)

    assert [state for state, _ in await fates(world, watches)] == ["pending", "delivered", "delivered"]
    await deliver_all(world)
    assert (await fates(world, watches))[0] == ("delivered", None)


async def test_a_clock_that_was_set_back_does_not_silence_the_notice_of_a_loop(world: World) -> None:
    await note_calls(world, 60)
    assert await release(world, await end_import(world, "imp0", to_callback(world))) is Released.FLOODING

    world.pass_time(-DAY)
    await note_calls(world, 60)

    assert await release(world, await end_import(world, "imp1", to_callback(world))) is Released.FLOODING


async def test_a_digest_goes_to_no_other_receiver_when_a_name_stands_for_another_one(
    redis_url: str, sandbox_url: str
) -> None:
    before, after = (f"{sandbox_url}/inbox/services/T000/B000/{name}" for name in ("XXXX", "YYYY"))
    async with opened(redis_url, sandbox_url, configured("room", "slack_webhook", before)) as world:
        await end_imports(world, SINGLE_MESSAGES)
        destinations = [NamedDestination(name="room"), to_slack(world), to_slack(world)]
        for number, each in enumerate(destinations, SINGLE_MESSAGES):
            assert await release(world, await end_import(world, f"imp{number}", each)) is Released.GATHERED
        await deliver_all(world)
        offset = world.resources.store.offset

    async with reopened(redis_url, sandbox_url, configured("room", "slack_webhook", after)) as later:
        later.resources.store.offset = offset + FLOOD_DIGEST_AFTER
        await later.sweep()
        await deliver_all(later)

        assert await told(later) == [f"imp{number}" for number in range(SINGLE_MESSAGES + 3)]
        digest = only([each for each in await slack_texts(later) if "imports ended" in each])
        assert "imp5" not in digest
