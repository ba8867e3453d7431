"""The button "Send again": added when something was abandoned, removed when nothing is left, by edits."""

from collections.abc import AsyncIterator, Iterator

import pytest

from bridge.domain.times import MINUTE, SECOND
from tests.support.living_messages import Living, living_world
from tests.support.samples import only
from tests.support.slack_requests import CHANNEL, SlackStandIn, slack_serving

pytestmark = pytest.mark.anyio
HERE = {"type": "slack", "channel": CHANNEL}


@pytest.fixture
def slack() -> Iterator[SlackStandIn]:
    with slack_serving() as slack:
        yield slack


@pytest.fixture
async def living(redis_url: str, sandbox_url: str, slack: SlackStandIn) -> AsyncIterator[Living]:
    async with living_world(redis_url, sandbox_url, slack) as living:
        yield living


async def end_with_a_refused_callback(living: Living) -> str:
    """End an import whose callback is refused for good; return the id of its watch."""
    world = living.world
    await world.sandbox.set_answers("crm", {"status": 410})
    watch = await world.watch(notify=[HERE, {"type": "callback", "url": world.sandbox.callback_url()}])
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    await world.poll()
    await world.deliver()
    return str(watch["id"])


async def test_a_message_that_comes_after_what_was_abandoned_gets_the_button(living: Living) -> None:
    living.slack.answers["chat.postMessage"] = {"ok": False, "error": "service_unavailable"}
    await end_with_a_refused_callback(living)
    await living.world.edit_buttons()
    assert living.edits() == []

    living.slack.answers.clear()
    living.world.pass_time(MINUTE)
    await living.world.deliver()
    await living.world.edit_buttons()

    assert "Send again to" in str(only(living.edits())["blocks"])


@pytest.mark.parametrize("error", ["message_not_found", "cant_update_message", "invalid_blocks"])
async def test_an_edit_that_slack_refuses_is_not_repeated(living: Living, error: str) -> None:
    living.slack.answers["chat.update"] = {"ok": False, "error": error}
    await end_with_a_refused_callback(living)
    for _ in range(3):
        await living.world.edit_buttons()
        living.world.pass_time(MINUTE)
    assert len(living.edits()) == 1


async def test_an_edit_that_fails_is_tried_three_times(living: Living) -> None:
    living.slack.answers["chat.update"] = {"ok": False, "error": "ratelimited"}
    await end_with_a_refused_callback(living)
    for _ in range(5):
        await living.world.edit_buttons()
        living.world.pass_time(MINUTE)
    assert len(living.edits()) == 3


async def test_edits_keep_the_pace_of_living_messages(living: Living) -> None:
    await living.world.resources.living.pause_edits(MINUTE)
    await end_with_a_refused_callback(living)
    await living.world.edit_buttons()
    assert living.edits() == []
    living.world.pass_time(MINUTE)
    await living.world.edit_buttons()
    assert len(living.edits()) == 1


async def test_while_no_edit_is_allowed_no_watch_is_looked_at(living: Living) -> None:
    """Else a worker would go round through all that wait."""
    await end_with_a_refused_callback(living)
    store = living.world.resources.store
    before = await store.call("ZRANGE", "rb:slack:end_buttons", 0, -1, "WITHSCORES")
    await living.world.resources.living.pause_edits(MINUTE)
    await living.world.edit_buttons()
    assert await store.call("ZRANGE", "rb:slack:end_buttons", 0, -1, "WITHSCORES") == before


async def test_a_change_during_a_look_leads_to_another_look(living: Living) -> None:
    await end_with_a_refused_callback(living)
    store, looks = living.world.resources.store, living.world.resources.end_buttons
    now, _, [watch_id] = await looks.claim(1, MINUTE)
    await store.call("ZADD", "rb:slack:end_buttons", now + SECOND, watch_id)
    await looks.end(watch_id, now + MINUTE, None)
    assert int(await store.call("ZSCORE", "rb:slack:end_buttons", watch_id)) == now + SECOND


async def test_what_is_noted_about_a_deleted_delivery_is_not_stored(living: Living) -> None:
    await living.world.resources.end_buttons.note("dlv_gone", button="x")
    assert await living.world.resources.store.call("EXISTS", "rb:delivery:dlv_gone") == 0
