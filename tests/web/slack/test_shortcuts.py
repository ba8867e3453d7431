"""The shortcuts open a modal, and the modal watches an import like the command."""

from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bridge.destinations.slack.watch_modal import watch_view
from bridge.web.slack.import_ids import import_ids_in
from tests.support.redis_process import RedisProcess
from tests.support.samples import only
from tests.support.slack_modals import assert_takes
from tests.support.slack_requests import (
    CHANNEL,
    SIGNING_SECRET,
    SLACK_CLIENT,
    USER,
    SlackStandIn,
    send_interaction,
    shortcut,
    submission,
)
from tests.support.world import ADMIN_KEY, World, opened

pytestmark = pytest.mark.anyio
ID, OTHER_ID = "cm1uwhduy001vle4gr4soyqkq", "test_cm1uwhduy001vle4gr4soyqkz"


async def watches(world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await world.get("/v1/watches", key=ADMIN_KEY)).json()["data"]
    return found


async def opened_view(world: World, slack: SlackStandIn, payload: dict[str, Any]) -> dict[str, Any]:
    """Use a shortcut, and return the modal that it opens, which Slack's models must accept."""
    answer = await send_interaction(world.api, payload)
    assert (answer.status_code, answer.content) == (200, b"")
    call = only(slack.of("views.open"))
    assert call["trigger_id"] == payload["trigger_id"]
    assert_takes(call["view"])
    view: dict[str, Any] = call["view"]
    return view


def element(view: dict[str, Any], block_id: str) -> dict[str, Any]:
    (found,) = [block["element"] for block in view["blocks"] if block["block_id"] == block_id]
    return dict(found)


async def test_the_global_shortcut_opens_an_empty_modal(world: World, slack: SlackStandIn) -> None:
    view = await opened_view(world, slack, shortcut("watch_import"))
    assert "initial_value" not in element(view, "import")
    assert element(view, "channel")["default_to_current_conversation"] is True


async def test_on_a_message_the_modal_has_its_ids_and_its_channel(world: World, slack: SlackStandIn) -> None:
    message = {"text": f"uploaded {ID}, before that {OTHER_ID}"}
    payload = shortcut("watch_import_in_message", message=message, channel={"id": CHANNEL})

    view = await opened_view(world, slack, payload)

    assert element(view, "import")["initial_value"] == ID
    assert view["blocks"][0]["hint"]["text"] == f"Also in the message: {OTHER_ID}"
    assert element(view, "channel")["initial_conversation"] == CHANNEL


def test_the_longest_modal_is_within_the_limits() -> None:
    assert_takes(watch_view(["\u05d0" * 200, *[f"{number}" + "\U0001f600" * 199 for number in range(9)]], CHANNEL))


@pytest.mark.parametrize(
    ("message", "ids"),
    [
        ({"text": f"see {ID}."}, [ID]),
        ({"text": f"<https://rally.example/imports/{ID}|{OTHER_ID}>"}, [ID, OTHER_ID]),
        ({"text": f"x{ID} {ID}x {ID.upper()}"}, []),
        ({"text": "CSV import `demo-completed-2` and `a b` and `R&amp;D`"}, ["demo-completed-2", "R&D"]),
        ({"text": f"`first` {ID}"}, [ID, "first"]),
        ({"text": " ".join(f"`i{number}`" for number in range(9))}, ["i0", "i1", "i2", "i3", "i4"]),
        ({"text": None, "blocks": [{"type": "context", "elements": [{"type": "mrkdwn", "text": "`imp`"}]}]}, ["imp"]),
        ({"blocks": [{"elements": [{"type": "text", "text": "imp", "style": {"code": True}}]}]}, ["imp"]),
        ({"text": 1, "blocks": {"a": [1, None, {"text": 5}]}}, []),
        ({}, []),
    ],
)
def test_ids_are_found_in_messages(message: dict[str, Any], ids: list[str]) -> None:
    assert import_ids_in(message) == ids


def test_a_large_or_deep_message_is_searched_in_time() -> None:
    deep: Any = "x"
    for _ in range(500):
        deep = [deep]
    assert import_ids_in({"text": "`" * 200_000 + "c" * 200_000, "blocks": deep}) == []


@pytest.mark.parametrize(
    "error", ["expired_trigger_id", "exchanged_trigger_id", "ratelimited", "invalid_arguments", 500]
)
async def test_a_modal_that_does_not_open_is_said_on_a_message(
    world: World, slack: SlackStandIn, error: str | int
) -> None:
    slack.answers["views.open"] = error if isinstance(error, int) else {"ok": False, "error": error}
    on_message = {"message": {"text": ID}, "response_url": slack.response_url}
    for payload in (shortcut("watch_import_in_message", **on_message), shortcut("watch_import")):
        with capture_logs() as logs:
            assert (await send_interaction(world.api, payload)).status_code == 200
        (entry,) = logs
        assert (entry["event"], str(error) in entry["reason"]) == ("slack.view_not_opened", True)
    assert only(slack.of("commands"))["text"] == "⚠️ I could not open the form. Try again."


async def test_a_submitted_modal_watches_the_import(world: World, slack: SlackStandIn) -> None:
    values = {"import": " imp ", "label": "Q4", "outcomes": "problems"}

    answer = await send_interaction(world.api, submission(slack, **values))

    assert (answer.status_code, answer.content) == (200, b"")
    assert only(slack.of("chat.postEphemeral"))["user"] == USER
    accepted = only(await watches(world))
    assert (accepted["importId"], accepted["label"], accepted["createdBy"]) == ("imp", "Q4", f"slack:{USER}")
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    await world.poll()
    assert only((await watches(world))[0]["deliveries"])["state"] == "skipped"


@pytest.mark.parametrize("chosen", [None, "live"])
async def test_the_modal_asks_whether_progress_is_shown(world: World, slack: SlackStandIn, chosen: str | None) -> None:
    await send_interaction(world.api, submission(slack, progress=chosen))

    assert len(await world.resources.store.call("KEYS", "rb:living:*:imp")) == (chosen is not None)


async def test_where_the_app_is_not_invited_the_person_is_told_and_nothing_is_accepted(
    world: World, slack: SlackStandIn
) -> None:
    slack.answers["chat.postEphemeral"] = {"ok": False, "error": "not_in_channel"}
    assert (await send_interaction(world.api, submission(slack))).content == b""
    assert "/invite" in only(slack.of("commands"))["text"]
    assert await watches(world) == []


@pytest.mark.parametrize(
    "values",
    [
        {"import": ""},
        {"import": None},
        {"import": ".."},
        {"label": "x" * 301},
        {"channel": "U0ALICE"},
        {"channel": None},
    ],
)
async def test_what_is_wrong_is_shown_in_the_modal(
    world: World, slack: SlackStandIn, values: dict[str, str | None]
) -> None:
    document = (await send_interaction(world.api, submission(slack, **values))).json()

    assert document["response_action"] == "errors"
    assert only(list(document["errors"])) == "import"
    assert not set("`<>\u2060") & set(document["errors"]["import"])
    assert slack.calls == []


@pytest.mark.parametrize(
    "slack_config", ['[clients.slack]\nslack = {team = "T000", app = "A000"}\nslack_channels = ["C0OTHER"]']
)
async def test_the_modal_keeps_to_the_allow_list(world: World, slack: SlackStandIn) -> None:
    document = (await send_interaction(world.api, submission(slack))).json()
    assert document["errors"] == {"import": "Imports can't be watched in this channel. They can be in C0OTHER."}


@pytest.mark.parametrize(
    "view", [None, {}, {"callback_id": "other"}, {"callback_id": "watch_import", "state": {"values": []}}]
)
async def test_a_modal_without_values_does_nothing(world: World, slack: SlackStandIn, view: Any) -> None:
    answer = await send_interaction(world.api, submission(slack) | {"view": view})
    assert answer.status_code == 200
    assert slack.calls == []
    assert await watches(world) == []


async def test_without_redis_the_modal_says_so(tmp_path: Path, sandbox_url: str, slack: SlackStandIn) -> None:
    redis = RedisProcess(tmp_path)
    redis.start()
    async with opened(redis.url, sandbox_url, SLACK_CLIENT, SLACK_SIGNING_SECRET=SIGNING_SECRET) as world:
        redis.kill()
        document = (await send_interaction(world.api, submission(slack))).json()
    assert "can't reach my data" in document["errors"]["import"]
