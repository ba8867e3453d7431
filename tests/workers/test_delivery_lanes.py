"""The pace and the limits of lanes."""

import asyncio
from collections import Counter

import pytest

from bridge.domain.times import SECOND
from tests.support.deliveries import callbacks, slack, without_deliver_shift
from tests.support.samples import only
from tests.support.world import SECRET, World, opened, sandbox_serving

pytestmark = pytest.mark.anyio


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
