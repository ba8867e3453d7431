"""Living messages in Redis: when each is posted and edited, in which order, and within Slack's limits."""

from itertools import pairwise

import pytest

from bridge.domain.delivery.posted_messages import PostedMessage
from bridge.domain.living.living_message import LivingMessage, LivingPlace, Phase
from bridge.domain.times import HOUR, MINUTE, SECOND
from bridge.store.slack.living_messages import EDIT_SPACING, POST_SPACING, LivingClaim, LivingQueue
from tests.support.store_parts import StoreParts, a_delivery

pytestmark = pytest.mark.anyio

LEASE = 30 * SECOND
RECEIVER = "f" * 32


async def begin(parts: StoreParts, *imports: str, lane: str | None = None) -> None:
    """Accept a watch with a living message for each import, in a lane of its own unless `lane` is given."""
    for number, import_id in enumerate(imports):
        place = LivingPlace(receiver=RECEIVER, lane=lane or f"slack:{number}")
        await parts.accept(f"wat_{import_id}", import_id=import_id, living=(place,))
        parts.store.offset += 1


async def claim(parts: StoreParts, room: int = 10) -> list[LivingClaim]:
    _, _, claims = await parts.living.claim(room, LEASE)
    return claims


async def commit(parts: StoreParts, claimed: LivingClaim, phase: Phase = Phase.SHOWN, wait: int = MINUTE) -> bool:
    posted = PostedMessage(channel="C0123ABCD", ts="1503435956.000247")
    after = LivingMessage(phase=phase, due=await parts.store.now() + wait, posted=posted, words="w")
    return await parts.living.commit(claimed, after, kept_for=HOUR)


async def show(parts: StoreParts, *imports: str) -> None:
    """Begin living messages and show them, in this order."""
    await begin(parts, *imports)
    parts.store.offset += MINUTE
    for each in await claim(parts):
        assert await parts.living.begin_post(each) == 0
        await commit(parts, each)
        parts.store.offset += POST_SPACING


async def test_a_message_is_due_a_minute_after_its_first_watch(parts: StoreParts) -> None:
    await begin(parts, "imp")
    parts.store.offset += MINUTE - 20 * SECOND
    now, due, claims = await parts.living.claim(9, LEASE)
    assert claims == []
    assert due is not None
    parts.store.offset += due - now

    (claimed,) = await claim(parts)
    assert (claimed.import_id, claimed.receiver, claimed.queue) == ("imp", RECEIVER, LivingQueue.WAITING)
    assert await claim(parts) == []


async def test_one_lane_takes_a_post_a_second_and_deliveries_go_first(parts: StoreParts) -> None:
    watch, _ = await parts.accept("wat_other", import_id="other")
    await begin(parts, "a", "b", "c", lane="callback:x")
    await parts.settle(watch, a_delivery(watch))
    parts.store.offset += MINUTE
    assert await claim(parts) == []
    await parts.deliveries.claim(room=5, lease=LEASE)
    parts.store.offset += LEASE

    assert await claim(parts) == []  # the delivery is due again
    await parts.store.call("DEL", "rb:lane:callback:x", "rb:lane:callback:x:leased")
    claimed = []
    for _ in range(5):
        parts.store.offset += SECOND
        claimed += [each.import_id for each in await claim(parts)]
    assert sorted(claimed) == ["a", "b", "c"]


async def test_the_app_posts_with_pauses(parts: StoreParts) -> None:
    await begin(parts, "a", "b")
    parts.store.offset += MINUTE
    first, second = await claim(parts)

    assert await parts.living.begin_post(first) == 0
    wait = await parts.living.begin_post(second)
    assert wait is not None
    assert 0 < wait <= POST_SPACING
    parts.store.offset += POST_SPACING
    assert await parts.living.begin_post(second) == 0
    assert await parts.living.begin_post(second) is None  # it is being posted already


async def test_the_app_makes_forty_edits_a_minute(parts: StoreParts) -> None:
    await show(parts, *(f"imp{number}" for number in range(8)))
    parts.store.offset += MINUTE
    edits = []
    for _ in range(60 * 4):
        for claimed in await claim(parts, 4):
            begun = await parts.living.begin_edit(claimed) == 0
            edits += [await parts.store.now()] if begun else []
            await commit(parts, claimed, wait=0)
        parts.store.offset += SECOND // 4

    pauses = [later - earlier for earlier, later in pairwise(edits)]
    assert min(pauses) > EDIT_SPACING - SECOND // 4  # the time is read a moment after each
    assert len(edits) >= MINUTE // EDIT_SPACING - 1


async def test_the_message_that_has_waited_longest_is_edited_first_and_those_that_ended_before_all(
    parts: StoreParts,
) -> None:
    await show(parts, "a", "b", "c")
    watch, _ = await parts.accept("wat_c", import_id="c")
    parts.store.offset += MINUTE
    await parts.settle(watch)
    parts.store.offset += 3 * SECOND

    assert [(each.import_id, each.queue) for each in await claim(parts)] == [
        ("c", LivingQueue.ENDING),
        ("a", LivingQueue.SHOWN),
        ("b", LivingQueue.SHOWN),
    ]


async def test_a_pause_that_slack_wants_stops_all_edits(parts: StoreParts) -> None:
    await show(parts, "a")
    await parts.living.pause_edits(10 * MINUTE)
    parts.store.offset += 9 * MINUTE
    assert await claim(parts) == []
    parts.store.offset += MINUTE

    assert len(await claim(parts)) == 1


async def test_a_result_counts_only_under_its_fence(parts: StoreParts) -> None:
    await begin(parts, "imp")
    parts.store.offset += MINUTE
    (late,) = await claim(parts)
    parts.store.offset += LEASE
    (ours,) = await claim(parts)

    assert not await commit(parts, late)
    assert await parts.living.begin_post(late) is None
    assert await commit(parts, ours)


async def test_how_slack_names_a_message_is_encrypted(parts: StoreParts) -> None:
    await show(parts, "imp")

    message = await parts.living.of_watch("wat_imp", RECEIVER)
    assert message is not None
    assert message.posted == PostedMessage(channel="C0123ABCD", ts="1503435956.000247")
    assert "1503435956" not in str(await parts.store.call("HGETALL", f"rb:living:{RECEIVER}:default:imp"))
    assert await parts.living.of_watch("wat_imp", "0" * 32) is None
    assert await parts.living.of_watch("wat_unknown", RECEIVER) is None


async def test_a_clock_that_was_set_back_delays_no_message_for_long(parts: StoreParts) -> None:
    await show(parts, "imp")
    parts.store.offset -= HOUR

    assert [each.import_id for each in await claim(parts)] == ["imp"]


async def test_a_watch_that_is_accepted_twice_shares_its_message_once(parts: StoreParts) -> None:
    await begin(parts, "imp")
    place = LivingPlace(receiver=RECEIVER, lane="slack:0")
    watch, _ = await parts.accept("wat_imp", import_id="imp", living=(place,))
    await parts.settle(watch)

    assert await parts.store.call("KEYS", "rb:living*") == []
