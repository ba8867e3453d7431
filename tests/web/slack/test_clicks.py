"""The buttons: they do what they say, in channels that are open, on watches that tell the channel."""

import json
from typing import Any

import pytest
from slack_sdk.models.blocks import ActionsBlock, Block

from bridge.domain.times import SECOND
from tests.support.samples import only
from tests.support.slack_requests import (
    CHANNEL,
    SlackStandIn,
    click,
    send_command,
    send_interaction,
    shortcut,
    submission,
)
from tests.support.world import ADMIN_KEY, World, opened

pytestmark = pytest.mark.anyio
HERE = {"type": "slack", "channel": CHANNEL}


def buttons_of(message: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the buttons of a message, which Slack's models must accept."""
    blocks = Block.parse_all(message["blocks"])
    assert [block.to_dict() for block in blocks] == message["blocks"]
    return [element.to_dict() for block in blocks if isinstance(block, ActionsBlock) for element in block.elements]


async def clicked(world: World, slack: SlackStandIn, action: str, value: str, **where: Any) -> dict[str, Any]:
    """Click a button, and return the answer, which comes through the response_url alone."""
    before = len(slack.of("commands"))
    answer = await send_interaction(world.api, click(slack, action, value, **where))
    assert (answer.status_code, answer.content) == (200, b"")
    said: dict[str, Any] = only(slack.of("commands")[before:])
    assert said["response_type"] == "ephemeral"
    return said


async def test_people_of_other_workspaces_can_use_nothing(world: World, slack: SlackStandIn) -> None:
    """They share a channel through Slack Connect."""
    await send_command(world.api, "watch imp")
    watch_id = only(buttons_of(only(slack.of("chat.postEphemeral"))))["value"]
    outsider = {"id": "U0OUT", "team_id": "T0OTHER"}
    for action in ("stop_watching", "send_again", "failed_records"):
        payload = click(slack, action, watch_id) | {"user": outsider}
        assert (await send_interaction(world.api, payload)).content == b""
        assert "Only people of the Slack workspace" in slack.of("commands")[-1]["text"]
    refused = await send_interaction(world.api, submission(slack) | {"user": outsider})
    assert "Only people of the Slack workspace" in str(refused.json()["errors"])
    await send_interaction(world.api, shortcut("watch_import") | {"user": outsider})
    assert {name for name, _ in slack.calls} == {"chat.postEphemeral", "commands"}
    assert await state_of(world, watch_id) == "watching"


async def state_of(world: World, watch_id: str) -> str:
    return str((await world.get(f"/v1/watches/{watch_id}", key=ADMIN_KEY)).json()["state"])


async def test_the_confirmation_has_a_button_that_stops_the_watch(world: World, slack: SlackStandIn) -> None:
    label = "\u05d0\U0001f600" * 150  # right to left, and emoji
    await send_command(world.api, f"watch imp {label}")
    shown = only(slack.of("chat.postEphemeral"))
    button = only(buttons_of(shown))
    assert (button["text"]["text"], len(button["accessibility_label"]) <= 75) == ("Stop watching", True)

    said = await clicked(world, slack, button["action_id"], button["value"], ephemeral=True)

    assert (said["text"], said["replace_original"]) == ("Stopped watching `imp`.", True)
    assert await state_of(world, button["value"]) == "cancelled"
    again = await clicked(world, slack, button["action_id"], button["value"])
    assert (again["text"], again["replace_original"]) == ("`imp` is not watched any more.", False)


async def test_of_a_watch_that_was_not_made_in_slack_the_button_says_whose_it_is(
    world: World, slack: SlackStandIn
) -> None:
    watch = await world.watch(notify=[HERE])

    said = await clicked(world, slack, "stop_watching", watch["id"])

    assert "the client crm" in said["text"]
    assert await state_of(world, watch["id"]) == "watching"


async def test_a_repeated_click_is_answered_once(world: World, slack: SlackStandIn) -> None:
    watch = await world.watch(notify=[HERE])
    payload = click(slack, "stop_watching", watch["id"])
    for _ in range(3):
        assert (await send_interaction(world.api, payload)).status_code == 200
    assert len(slack.of("commands")) == 1


@pytest.mark.parametrize("action", ["stop_watching", "send_again"])
async def test_values_are_looked_up_and_never_trusted(world: World, slack: SlackStandIn, action: str) -> None:
    elsewhere = await world.watch(notify=[{"type": "slack", "channel": "C0OTHER"}])
    for value in (elsewhere["id"], "wat_unknown", "", "x" * 2_000, "wat_*", "../imp", f"dlv_{elsewhere['id'][4:]}0"):
        said = await clicked(world, slack, action, value)
        assert "does not exist any more" in said["text"]
    assert await state_of(world, elsewhere["id"]) == "watching"


@pytest.mark.parametrize(
    "slack_config", ['[clients.slack]\nslack = {team = "T000", app = "A000"}\nslack_channels = ["C0OTHER"]']
)
@pytest.mark.parametrize("action", ["stop_watching", "send_again"])
async def test_in_a_channel_that_is_not_open_the_button_says_so(world: World, slack: SlackStandIn, action: str) -> None:
    watch = await world.watch(notify=[HERE, {"type": "callback", "url": world.sandbox.callback_url()}])
    await end(world)
    assert buttons_of(only(slack.of("chat.postMessage"))) == []
    assert "can't be used in this channel" in (await clicked(world, slack, action, watch["id"]))["text"]


async def end(world: World) -> None:
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    await world.poll()
    await world.deliver()


async def test_send_again_sends_what_was_abandoned_of_the_watch(world: World, slack: SlackStandIn) -> None:
    await world.sandbox.set_answers("crm", {"status": 410})
    watch = await world.watch(notify=[HERE, {"type": "callback", "url": world.sandbox.callback_url()}])
    await end(world)
    assert buttons_of(only(slack.of("chat.postMessage"))) == []
    await world.edit_buttons()
    edit = only(slack.of("chat.update"))
    assert (edit["channel"], edit["ts"]) == (CHANNEL, "1800000000.000001")
    button = only(buttons_of(edit))
    host = world.sandbox.url.removeprefix("http://")
    assert (button["text"]["text"], button["value"]) == (f"Send again to {host}", watch["id"])

    said = await clicked(world, slack, button["action_id"], button["value"])

    assert said["text"].replace("\u2060", "") == f"Sending `imp` again to {host}."
    assert said["replace_original"] is False
    await world.deliver()
    assert [each["state"] for each in (await world.reload(watch))["deliveries"]] == ["delivered", "delivered"]
    assert len(slack.of("chat.postMessage")) == 1
    assert "Nothing is to be sent" in (await clicked(world, slack, button["action_id"], button["value"]))["text"]
    world.pass_time(2 * SECOND)
    await world.edit_buttons()
    assert buttons_of(slack.of("chat.update")[-1]) == []


@pytest.mark.parametrize(
    "slack_config", ['[clients.slack]\nslack = {team = "T000", app = "A000"}\ncallback_hosts = ["crm.example.com"]']
)
async def test_what_the_team_may_not_use_is_not_sent_again(world: World, slack: SlackStandIn) -> None:
    await world.sandbox.set_answers("crm", {"status": 410})
    watch = await world.watch(notify=[HERE, {"type": "callback", "url": world.sandbox.callback_url()}])
    await end(world)

    await world.edit_buttons()
    assert slack.of("chat.update") == []

    said = await clicked(world, slack, "send_again", watch["id"])

    assert "ask the operator of the bridge" in said["text"]
    assert [each["state"] for each in (await world.reload(watch))["deliveries"]] == ["delivered", "abandoned"]


@pytest.mark.parametrize(
    "notify",
    [
        [HERE],
        [HERE, {"type": "callback", "url": "{callback}", "on": ["failed"]}],
        [HERE, {"type": "callback", "url": "{callback}"}],
        [{"type": "slack_webhook", "url": "{webhook}"}, {"type": "callback", "url": "{callback}"}],
    ],
    ids=["alone", "the other is not told", "all is told", "a webhook"],
)
async def test_no_button_is_shown_that_could_do_nothing(
    world: World, slack: SlackStandIn, notify: list[dict[str, str]]
) -> None:
    text = (
        json.dumps(notify)
        .replace("{callback}", world.sandbox.callback_url())
        .replace("{webhook}", world.sandbox.slack_url())
    )
    await world.watch(notify=json.loads(text))
    await end(world)
    await world.edit_buttons()
    assert slack.of("chat.update") == []
    posted = [*slack.of("chat.postMessage"), *[json.loads(each["body"]) for each in await world.sandbox.messages()]]
    assert "actions" not in json.dumps(posted)


async def test_without_a_slack_app_no_message_has_buttons(
    redis_url: str, sandbox_url: str, slack: SlackStandIn
) -> None:
    allowed = f"{sandbox_url.removeprefix('http://')},{slack.host}"
    async with opened(redis_url, sandbox_url, SLACK_API_URL=f"{slack.url}/api", EGRESS_ALLOW=allowed) as world:
        await world.watch(notify=[HERE, {"type": "callback", "url": world.sandbox.callback_url()}])
        await end(world)
    assert buttons_of(only(slack.of("chat.postMessage"))) == []
