"""The slash command: watches are accepted once the app can post in the channel, listed, and stopped."""

from typing import Any
from urllib.parse import urlencode

import pytest
from structlog.testing import capture_logs

from bridge.domain.times import MINUTE
from bridge.store import keys
from tests.support.samples import only
from tests.support.slack_requests import (
    CHANNEL,
    USER,
    SlackStandIn,
    command_form,
    send_command,
    signed_headers,
    text_of,
)
from tests.support.world import ADMIN_KEY, World

pytestmark = pytest.mark.anyio
RESTRICTED = '[clients.slack]\nslack = {team = "T000", app = "A000"}\n'


async def watches(world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await world.get("/v1/watches", key=ADMIN_KEY)).json()["data"]
    return found


async def watch(world: World, slack: SlackStandIn, text: str = "imp", **changes: str) -> None:
    """Watch an import by a command, which must be acknowledged in silence."""
    answer = await send_command(world.api, f"watch {text}", response_url=slack.response_url, **changes)
    assert (answer.status_code, answer.content) == (200, b"")


async def test_a_watch_is_confirmed_in_the_channel_and_tells_it_of_the_end(world: World, slack: SlackStandIn) -> None:
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    await watch(world, slack, "imp Q4 <https://panel.example|panel.example> &amp; more")

    shown = only(slack.of("chat.postEphemeral"))
    assert (shown["channel"], shown["user"]) == (CHANNEL, USER)
    assert "`imp`" in shown["text"]
    accepted = only(await watches(world))
    assert accepted["createdBy"] == f"slack:{USER}"
    assert accepted["label"] == "Q4 panel.example & more"
    await world.poll()
    await world.deliver()
    assert only(slack.of("chat.postMessage"))["channel"] == CHANNEL


async def test_a_watch_of_the_command_has_a_living_message(world: World, slack: SlackStandIn) -> None:
    await world.sandbox.set_import("imp", ("UPLOADING", 0))
    await watch(world, slack)
    await world.poll()
    world.pass_time(MINUTE)
    await world.live()

    living = only(slack.of("chat.postMessage"))
    assert living["text"].startswith("⏳ Import running: imp")
    assert f"Asked for by <@{USER}>" in str(living["blocks"])


@pytest.mark.parametrize("error", ["not_in_channel", "channel_not_found"])
async def test_where_the_app_is_not_invited_nothing_is_accepted(world: World, slack: SlackStandIn, error: str) -> None:
    slack.answers["chat.postEphemeral"] = {"ok": False, "error": error}

    await watch(world, slack)

    assert await watches(world) == []
    said = only(slack.of("commands"))
    assert (said["response_type"], said["replace_original"]) == ("ephemeral", False)
    assert "/invite" in said["text"]


@pytest.mark.parametrize("error", ["missing_scope", "token_revoked", "ratelimited"])
async def test_other_errors_accept_nothing_either_and_are_named(world: World, slack: SlackStandIn, error: str) -> None:
    slack.answers["chat.postEphemeral"] = {"ok": False, "error": error}

    await watch(world, slack)

    assert await watches(world) == []
    assert error in only(slack.of("commands"))["text"].replace("\u2060", "")


async def test_who_is_not_in_the_channel_is_asked_to_join_it(world: World, slack: SlackStandIn) -> None:
    slack.answers["chat.postEphemeral"] = {"ok": False, "error": "user_not_in_channel"}

    await watch(world, slack)

    assert await watches(world) == []
    assert "Join it" in only(slack.of("commands"))["text"]


@pytest.mark.parametrize("answer", [500, {"ok": False, "error": "internal_error"}, ["?"]])
async def test_an_unclear_answer_accepts_the_watch_and_confirms_it_again(
    world: World, slack: SlackStandIn, answer: Any
) -> None:
    slack.answers["chat.postEphemeral"] = answer

    await watch(world, slack)

    assert len(await watches(world)) == 1
    assert "Watching" in only(slack.of("commands"))["text"]


@pytest.mark.parametrize("status", [404, 410, 500, 302])
async def test_a_response_url_that_is_used_up_is_asked_once(world: World, slack: SlackStandIn, status: int) -> None:
    slack.answers |= {"chat.postEphemeral": {"ok": False, "error": "not_in_channel"}, "commands": status}

    await watch(world, slack)

    assert len(slack.of("commands")) == 1
    assert await watches(world) == []


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.slack.com.evil.example/x",
        "http://hooks.slack.com/x",
        "http://hooks.slack.com:443/x",
        "https://hooks.slack.com:8443/x",
        "https://u@hooks.slack.com/",
        "https://169.254.169.254/",
        "",
        "ftp:",
    ],
)
async def test_a_response_url_elsewhere_is_never_called(world: World, slack: SlackStandIn, url: str) -> None:
    slack.answers["chat.postEphemeral"] = {"ok": False, "error": "not_in_channel"}

    with capture_logs() as logs:
        answer = await send_command(world.api, "watch imp", response_url=url)

    assert (answer.status_code, answer.content) == (200, b"")
    assert [name for name, _ in slack.calls] == ["chat.postEphemeral"]
    assert (logs[-1]["event"], logs[-1]["reason"]) == ("slack.not_answered", "response_url is not one of Slack's")


async def test_the_same_request_again_is_carried_out_once_and_answered_alike(world: World, slack: SlackStandIn) -> None:
    for text in ("watch imp", "list", "stop imp"):
        body = urlencode(command_form(text)).encode()
        headers = signed_headers(body)
        first, second = [await world.api.post("/slack/commands", content=body, headers=headers) for _ in range(2)]
        assert (first.status_code, first.content) == (second.status_code, second.content)

    assert len(slack.of("chat.postEphemeral")) == 1
    assert only(await watches(world))["state"] == "cancelled"
    remembered = [key async for key in world.resources.store.redis.scan_iter("rb:slack:request:T000:*")]
    assert len(remembered) == 3
    assert 0 < await world.resources.store.call("PTTL", remembered[0]) <= 600_000


@pytest.mark.parametrize(
    "text", ["<mailto:anna@example.com|anna@example.com>", "<https://app.example.com/imports/1>", "a\u00a0b", "imp\ta"]
)
async def test_what_is_no_id_is_refused_and_nothing_is_watched(world: World, slack: SlackStandIn, text: str) -> None:
    assert "not the id of an import" in text_of(await send_command(world.api, f"watch {text}"))
    assert slack.calls == []
    assert await watches(world) == []


async def test_a_channel_hears_of_an_import_once(world: World, slack: SlackStandIn) -> None:
    await watch(world, slack)

    answer = await send_command(world.api, "watch imp", user_id="U0BOB")

    assert "watched already" in text_of(answer)
    assert len(await watches(world)) == 1


async def test_a_list_has_the_watches_of_the_person_and_of_the_channel(world: World, slack: SlackStandIn) -> None:
    assert "no open watches" in text_of(await send_command(world.api, "list"))
    await watch(world, slack, "mine-here")
    await watch(world, slack, "mine-there *bold*", channel_id="C0OTHER")
    await watch(world, slack, "theirs-here", user_id="U0BOB")
    await watch(world, slack, "theirs-there", user_id="U0BOB", channel_id="C0OTHER")
    await world.watch("of-a-tool", notify=[{"type": "slack", "channel": CHANNEL}])

    head, *lines = text_of(await send_command(world.api, "list")).splitlines()

    assert head == "*3 open watches*"
    assert ["`theirs-here`" in lines[0], "by <@U0BOB>" in lines[0]] == [True, True]
    assert ["`mine-there`" in lines[1], "in <#C0OTHER>" in lines[1], "*bold*" in lines[1]] == [True, True, False]
    assert lines[2].startswith("• `mine-here` · since <!date^")


async def test_a_long_list_has_the_newest_and_forgets_what_has_ended(world: World, slack: SlackStandIn) -> None:
    for number in range(23):
        await watch(world, slack, f"imp-{number}")
    await send_command(world.api, "stop imp-22", user_id="U0BOB")

    head, *lines = text_of(await send_command(world.api, "list", user_id="U0BOB")).splitlines()

    assert (head, len(lines)) == ("*The newest 20 open watches*", 20)
    assert ["`imp-21`" in lines[0], "`imp-2`" in lines[-1]] == [True, True]
    assert len(await world.resources.slack_channels.watches(CHANNEL, 100)) == 22


async def test_stop_ends_the_watches_of_the_person_and_of_the_channel_only(world: World, slack: SlackStandIn) -> None:
    await watch(world, slack)
    await watch(world, slack, user_id="U0BOB", channel_id="C0OTHER")
    await world.watch(notify=[{"type": "slack", "channel": CHANNEL}])

    assert text_of(await send_command(world.api, "stop imp", user_id="U0CAROL")) == "Stopped 1 watch of `imp`."
    states = {each["createdBy"]: each["state"] for each in await watches(world)}
    assert states == {f"slack:{USER}": "cancelled", "slack:U0BOB": "watching", "crm": "watching"}
    assert "no open watch" in text_of(await send_command(world.api, "stop imp"))
    (bobs,) = [each["id"] for each in await watches(world) if each["createdBy"] == "slack:U0BOB"]
    assert "no open watch" in text_of(await send_command(world.api, f"stop {bobs}"))
    assert text_of(await send_command(world.api, f"stop {bobs}", user_id="U0BOB")).startswith("Stopped 1 watch")


@pytest.mark.parametrize("text", ["", "help", "HELP", "watch", "stop", "list all", "stop a b"])
async def test_help_is_shown_for_what_is_incomplete(world: World, text: str) -> None:
    answer = text_of(await send_command(world.api, text, command="/imports"))
    assert "`/imports watch &lt;import id&gt; [label]`" in answer
    assert "<" not in answer
    assert "not a command" not in answer


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("watch", "⚠️ Nothing is watched: the id of the import is missing."),
        ("stop", "⚠️ Nothing is stopped: `stop` needs the id of one import, and nothing else."),
        ("stop imp my label", "⚠️ Nothing is stopped: `stop` needs the id of one import, and nothing else."),
    ],
)
async def test_a_command_without_its_id_says_what_is_missing(world: World, text: str, first: str) -> None:
    assert text_of(await send_command(world.api, text)).splitlines()[0] == first


@pytest.mark.parametrize("quoted", ["`imp`", "&lt;imp&gt;"])
async def test_an_id_may_be_written_as_code_or_as_in_the_help(world: World, slack: SlackStandIn, quoted: str) -> None:
    await watch(world, slack, f"{quoted} Q4")
    assert only(await watches(world))["importId"] == "imp"
    assert text_of(await send_command(world.api, f"stop {quoted}")) == "Stopped 1 watch of `imp`."


async def test_an_unknown_command_is_named_without_its_markup(world: World) -> None:
    answer = text_of(await send_command(world.api, "<!channel>`x` imp"))
    assert answer.startswith("⚠️ `@channelˋxˋ` is not a command of mine.")


@pytest.mark.parametrize(("text", "what"), [("watch .. x", "The import's id"), (f"watch imp {'x' * 301}", "The label")])
async def test_what_the_api_would_refuse_is_refused(world: World, slack: SlackStandIn, text: str, what: str) -> None:
    assert what in text_of(await send_command(world.api, text))
    assert slack.calls == []


@pytest.mark.parametrize("slack_config", [f'{RESTRICTED}slack_channels = ["C0OTHER"]'])
async def test_only_channels_of_the_allow_list_can_be_used(world: World, slack: SlackStandIn) -> None:
    assert "<#C0OTHER>" in text_of(await send_command(world.api, "watch imp"))
    assert slack.calls == []
    await watch(world, slack, channel_id="C0OTHER")
    assert len(await watches(world)) == 1


@pytest.mark.parametrize("slack_config", [f'[workspaces.eu]\nkey = "k"\n{RESTRICTED}workspaces = ["eu"]'])
async def test_the_only_workspace_of_the_team_is_used(world: World, slack: SlackStandIn) -> None:
    await watch(world, slack)
    assert only(await watches(world))["workspace"] == "eu"


async def test_the_index_of_a_channel_forgets_watches_that_have_expired(world: World, slack: SlackStandIn) -> None:
    await watch(world, slack, "old")
    world.pass_time(world.resources.settings.watch_expiry + 1)
    await watch(world, slack, "new")

    assert len(await world.resources.slack_channels.watches(CHANNEL, 10)) == 1
    assert await world.resources.store.call("PTTL", keys.slack_channel(CHANNEL)) > 0
