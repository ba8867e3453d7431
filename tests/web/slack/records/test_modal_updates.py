"""The button "Failed records" and its modal: for people who are named, of watches that told the channel."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.support.redis_process import RedisProcess
from tests.support.samples import only
from tests.support.slack_modals import assert_takes, buttons_of, texts_of
from tests.support.slack_records import HERE, click_in_modal, ended, open_modal, people, said, shown
from tests.support.slack_requests import (
    CHANNEL,
    COLLEAGUE,
    SIGNING_SECRET,
    USER,
    VIEW,
    SlackStandIn,
    modal_click,
    send_interaction,
)
from tests.support.world import World, opened

pytestmark = pytest.mark.anyio
MANY = [{"email": f"p{number}@example.com"} for number in range(10_001)]
OTHER_CHANNEL = "C0OTHER"
ONE_CHANNEL = '[clients.slack]\nslack = {team = "T000", app = "A000"}\nslack_channels = ["C0OTHER"]\n'


def message_buttons(message: dict[str, Any]) -> list[str]:
    return list(buttons_of({"blocks": message["blocks"]}))


async def test_the_button_opens_a_modal_at_once_and_fills_it(world: World, slack: SlackStandIn) -> None:
    label = "\u05d0\U0001f600" * 150
    watch = await ended(world, people(2), label=label)
    assert message_buttons(only(slack.of("chat.postMessage"))) == ["failed_records"]

    with capture_logs() as logs:
        await open_modal(world, slack, watch)

    opened_with, filled_with = only(slack.of("views.open")), only(slack.of("views.update"))
    assert opened_with["trigger_id"]
    assert "Reading the failed records" in texts_of(opened_with["view"])
    assert filled_with["view_id"] == VIEW
    for view in (opened_with["view"], filled_with["view"]):
        assert_takes(view)
    assert "p0@example.com · id-0\n• p1@example.com · id-1" in texts_of(filled_with["view"])
    assert slack.of("commands") == []
    facts = {"client": f"slack:{USER}", "watch_id": watch, "import_id": "imp", "workspace": "default", "form": "slack"}
    assert logs == [{"event": "failed_records.shown", "log_level": "info", **facts}]


async def test_pages_are_turned_in_a_kept_set_of_ten_thousand(world: World, slack: SlackStandIn) -> None:
    watch = await ended(world, MANY[:10_000])
    asked = len(await world.sandbox.requests())
    await open_modal(world, slack, watch)
    assert "1 to 50 of 10,000" in texts_of(shown(slack))

    await click_in_modal(world, slack, "records_next")
    assert "51 to 100 of 10,000" in texts_of(shown(slack))
    assert "• p99@example.com" in texts_of(shown(slack))
    await click_in_modal(world, slack, "records_previous")

    assert "1 to 50 of 10,000" in texts_of(shown(slack))
    assert len(await world.sandbox.requests()) == asked
    last = modal_click("records_next", "9950", shown(slack))
    await send_interaction(world.api, last)
    assert "9,951 to 10,000 of 10,000" in texts_of(shown(slack))
    assert "records_next" not in buttons_of(shown(slack))


async def test_more_than_are_kept_are_read_once_for_all_who_ask(world: World, slack: SlackStandIn) -> None:
    watch = await ended(world, MANY)
    asked = len(await world.sandbox.requests())

    both = asyncio.gather(open_modal(world, slack, watch), open_modal(world, slack, watch, user=COLLEAGUE))
    while not await world.resources.record_reads.wanted(1):  # noqa: ASYNC110 - it is in Redis
        await asyncio.sleep(0.01)
    assert "Reading the failed records" in texts_of(shown(slack))
    await world.read_records()
    await both

    assert len(slack.of("views.update")) == 2
    assert "1 to 50 of 10,001" in texts_of(shown(slack))
    await click_in_modal(world, slack, "records_next")
    assert "51 to 100 of 10,001" in texts_of(shown(slack))
    assert len(await world.sandbox.requests()) == asked + 1


async def test_without_rally_the_first_records_are_shown_with_the_reason(world: World, slack: SlackStandIn) -> None:
    watch = await ended(world, MANY)
    await world.sandbox.faults(status=503)

    opening = asyncio.create_task(open_modal(world, slack, watch))
    while not await world.resources.record_reads.wanted(1):  # noqa: ASYNC110 - it is in Redis
        await asyncio.sleep(0.01)
    await world.read_records()
    await opening

    view = shown(slack)
    assert_takes(view)
    assert "1 to 50 of 10,001" in texts_of(view)
    assert "The first 100 are shown." in texts_of(view)
    assert "no usable answer from Rally" in texts_of(view).replace("\u2060", "")


async def test_a_process_that_stops_does_not_leave_the_modal_waiting(world: World, slack: SlackStandIn) -> None:
    watch = await ended(world, MANY)
    opening = asyncio.create_task(open_modal(world, slack, watch))
    while not await world.resources.record_reads.wanted(1):  # noqa: ASYNC110 - it is in Redis
        await asyncio.sleep(0.01)

    world.resources.change_feed.stop()
    await opening

    words = texts_of(shown(slack)).replace("\u2060", "")
    assert "The first 100 are shown. The import has 10,001 failed records" in words
    assert "Rally has not answered yet" in words


@pytest.mark.parametrize(
    ("records", "wish"),
    [
        ([], {}),
        (people(1), {"notify": [{"type": "slack_webhook", "url": "{webhook}"}]}),
        (people(1), {"notify": [{"type": "slack", "channel": CHANNEL, "on": ["failed"]}]}),
    ],
    ids=["no failed records", "a webhook", "not told"],
)
async def test_the_button_is_only_where_it_does_something(
    world: World, slack: SlackStandIn, records: list[dict[str, str]], wish: dict[str, Any]
) -> None:
    notify = json.dumps(wish.get("notify", [HERE])).replace("{webhook}", world.sandbox.slack_url())
    watch = await ended(world, records, notify=json.loads(notify))
    posted = [*slack.of("chat.postMessage"), *[json.loads(each["body"]) for each in await world.sandbox.messages()]]
    assert "failed_records" not in json.dumps(posted)
    if records:
        await open_modal(world, slack, watch)
        assert "does not tell this channel" in said(slack)


async def test_without_a_person_who_may_read_there_is_no_button(
    redis_url: str, sandbox_url: str, slack: SlackStandIn
) -> None:
    changes = {
        "SLACK_SIGNING_SECRET": SIGNING_SECRET,
        "SLACK_API_URL": f"{slack.url}/api",
        "EGRESS_ALLOW": f"{sandbox_url.removeprefix('http://')},{slack.host}",
    }
    app = '[clients.slack]\nslack = {team = "T000", app = "A000"}\n'
    async with opened(redis_url, sandbox_url, app, **changes) as world:
        watch = await ended(world, people(1))
        await open_modal(world, slack, watch)
    assert message_buttons(only(slack.of("chat.postMessage"))) == []
    assert "You may not read failed records" in said(slack)


async def test_a_person_who_is_not_named_is_refused_also_in_the_modal(world: World, slack: SlackStandIn) -> None:
    watch = await ended(world, people(1))

    with capture_logs() as logs:
        await open_modal(world, slack, watch, user="U0MALLORY")
    assert said(slack).endswith("The operator of the bridge can permit it: your id is `U0MALLORY`.")
    assert slack.of("views.open") == []

    await open_modal(world, slack, watch)
    with capture_logs() as logs:
        for action in ("records_next", "records_csv", "records_show", "records_previous"):
            payload = modal_click(action, "0", shown(slack), user="U0MALLORY")
            assert (await send_interaction(world.api, payload)).status_code == 200
            assert "You may not read failed records" in texts_of(shown(slack))
    assert logs == []
    assert slack.of("conversations.open") == []


async def test_the_watch_and_the_channel_of_a_click_are_looked_up_and_never_trusted(
    world: World, slack: SlackStandIn
) -> None:
    elsewhere = await ended(world, people(1), notify=[{"type": "slack", "channel": OTHER_CHANNEL}])
    for value in (elsewhere, "wat_unknown", "", "x" * 2_000, "../imp", f"dlv_{elsewhere[4:]}0"):
        slack.calls.clear()
        await open_modal(world, slack, value)
        assert "does not tell this channel" in said(slack)
    for about in (json.dumps([elsewhere, CHANNEL]), json.dumps(["wat_*", CHANNEL]), json.dumps([elsewhere, ""])):
        slack.calls.clear()
        view = {"callback_id": "failed_records", "private_metadata": about}
        await send_interaction(world.api, modal_click("records_csv", "csv", view))
        assert [method for method, _ in slack.calls] == ["views.update"]
        assert "does not tell this channel" in texts_of(shown(slack))


@pytest.mark.parametrize(
    "slack_config",
    [f'{ONE_CHANNEL}[slack]\nrecords_users = ["U0ALICE"]\n'],
)
async def test_in_a_channel_that_is_not_open_nothing_is_shown(world: World, slack: SlackStandIn) -> None:
    watch = await ended(world, people(1))
    assert message_buttons(only(slack.of("chat.postMessage"))) == []
    await open_modal(world, slack, watch)
    assert "can't be used in this channel" in said(slack)


async def test_a_message_that_slack_has_posted_elsewhere_does_not_open_the_channel(
    world: World, slack: SlackStandIn
) -> None:
    slack.answers["chat.postMessage"] = {"ok": True, "channel": OTHER_CHANNEL, "ts": "1.2"}
    watch = await ended(world, people(1))
    await open_modal(world, slack, watch)
    assert "does not tell this channel" in said(slack)
    await open_modal(world, slack, watch, channel=OTHER_CHANNEL)
    assert only(slack.of("views.open"))


async def test_a_double_click_opens_one_modal(world: World, slack: SlackStandIn) -> None:
    watch = await ended(world, people(1))
    await asyncio.gather(open_modal(world, slack, watch), open_modal(world, slack, watch))
    assert len(slack.of("views.open")) == len(slack.of("views.update")) == 1


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        ("expired_trigger_id", "Slack waited too long for me. Click again."),
        ("exchanged_trigger_id", "Slack waited too long for me. Click again."),
        ("ratelimited", "Slack asks me to wait."),
        (500, "Slack has trouble of its own."),
    ],
)
async def test_a_modal_that_does_not_open_is_said_and_can_be_asked_for_again_at_once(
    world: World, slack: SlackStandIn, error: str | int, sentence: str
) -> None:
    watch = await ended(world, people(1))
    slack.answers["views.open"] = error if isinstance(error, int) else {"ok": False, "error": error}
    with capture_logs() as logs:
        await open_modal(world, slack, watch)
    assert said(slack).startswith(f"⚠️ I could not open the window. {sentence}")
    assert [each["event"] for each in logs] == ["slack.view_not_opened"]
    del slack.answers["views.open"]
    await open_modal(world, slack, watch)
    assert "p0@example.com" in texts_of(shown(slack))


@pytest.mark.parametrize(
    ("error", "sentence"),
    [("view_too_large", "report it"), ("ratelimited", "asks me to wait"), ("not_found", None), (503, "trouble")],
)
async def test_a_modal_that_is_not_filled_is_said_unless_the_person_has_closed_it(
    world: World, slack: SlackStandIn, error: str | int, sentence: str | None
) -> None:
    watch = await ended(world, people(1))
    slack.answers["views.update"] = error if isinstance(error, int) else {"ok": False, "error": error}
    await open_modal(world, slack, watch)
    if sentence is None:
        assert slack.of("commands") == []
    else:
        assert sentence in said(slack)


async def test_records_that_cannot_be_decrypted_are_said_to_be(world: World, slack: SlackStandIn) -> None:
    watch = await ended(world, people(101))
    for key in await world.resources.store.call("KEYS", "rb:record*"):
        if await world.resources.store.call("TYPE", key) == "string":
            await world.resources.store.call("SET", key, "not encrypted by us")
    await open_modal(world, slack, watch)
    assert "The first 100 are shown. I can't decrypt them" in texts_of(shown(slack)).replace("\u2060", "")


async def test_without_redis_the_modal_says_so(
    tmp_path: Path, sandbox_url: str, slack: SlackStandIn, slack_config: str
) -> None:
    redis = RedisProcess(tmp_path)
    redis.start()
    changes = {
        "SLACK_SIGNING_SECRET": SIGNING_SECRET,
        "SLACK_API_URL": f"{slack.url}/api",
        "EGRESS_ALLOW": f"{sandbox_url.removeprefix('http://')},{slack.host}",
    }
    async with opened(redis.url, sandbox_url, slack_config, **changes) as world:
        watch = await ended(world, people(1))
        await open_modal(world, slack, watch)
        redis.kill()
        await click_in_modal(world, slack, "records_csv")
        assert "can't reach my data" in texts_of(shown(slack))
        assert buttons_of(shown(slack)) == {"records_show": "0"}
        await open_modal(world, slack, watch)
        assert "can't reach my data" in said(slack)


NOT_OURS: list[dict[str, Any]] = [
    {"view": {}},
    {"view": {"id": "V0MODAL", "callback_id": "failed_records", "private_metadata": "["}},
    {"view": {"id": "V0MODAL", "callback_id": "other", "private_metadata": '["wat_1", "C0PANELS"]'}},
    {"view": {"id": "<V>", "callback_id": "failed_records", "private_metadata": '["wat_1", "C0PANELS"]'}},
    {"view": {"id": 1, "callback_id": ["x"], "private_metadata": {"a": 1}}},
    {"view": {"id": "V0MODAL", "private_metadata": "[" * 100_000, "callback_id": "failed_records"}},
    {"actions": [{"action_id": "failed_records", "value": "wat_1"}]},
    {"actions": [{"action_id": "records_unknown", "value": "0"}]},
    {"actions": []},
]


async def test_clicks_in_a_modal_that_is_not_ours_are_acknowledged_and_nothing_is_done(
    world: World, slack: SlackStandIn
) -> None:
    view = {"callback_id": "failed_records", "private_metadata": '["wat_1", "C0PANELS"]'}
    for changes in NOT_OURS:
        answer = await send_interaction(world.api, modal_click("records_csv", "csv", view) | changes)
        assert (answer.status_code, answer.content) == (200, b""), changes
    assert slack.calls == []


async def test_a_button_of_the_modal_does_nothing_in_a_message(world: World, slack: SlackStandIn) -> None:
    view = {"callback_id": "failed_records", "private_metadata": '["wat_1", "C0PANELS"]'}
    payload = modal_click("records_csv", "csv", view)
    del payload["view"]
    assert (await send_interaction(world.api, payload)).status_code == 200
    assert slack.calls == []


async def test_the_number_of_a_page_is_not_trusted(world: World, slack: SlackStandIn) -> None:
    await open_modal(world, slack, await ended(world, people(1)))
    for value in ("-1", "9999999", "99999999999999999999", "abc", "", "\u0663"):
        answer = await send_interaction(world.api, modal_click("records_next", value, shown(slack)))
        assert answer.status_code == 200
        assert_takes(shown(slack))
