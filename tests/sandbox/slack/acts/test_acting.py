"""What people do in the simulated Slack: what the bridge is sent, and how its answers are shown."""

import dataclasses
from typing import Any

import pytest

from bridge.sandbox.slack.acts.bridge_link import COMMANDS, Reply
from bridge.sandbox.slack.state.people import ALICE
from bridge.sandbox.slack.state.posts import Post
from tests.support.samples import only
from tests.support.sandbox_slack import BUTTON, BUTTONS, HERE, INPUT, SECTION, SimulatedSlack, plain

pytestmark = pytest.mark.anyio


async def test_a_command_has_every_documented_field_with_escaped_text(slack: SimulatedSlack) -> None:
    await slack.people.type(ALICE, slack.here, " /rally watch imp A & B <x> ")

    path, form = only(slack.bridge.forms)
    assert path == COMMANDS
    assert (form["command"], form["text"]) == ("/rally", "watch imp A &amp; B &lt;x&gt;")
    assert (form["team_id"], form["api_app_id"]) == ("T0SANDBOX", "A0SANDBOX")
    assert (form["user_id"], form["channel_id"], form["channel_name"]) == ("U0ALICE", HERE, "panels")
    assert form["response_url"].startswith("https://hooks.slack.com/commands/T0SANDBOX/")
    assert slack.posts == []


@pytest.mark.parametrize(
    ("reply", "text", "author", "only_for"),
    [
        (Reply(document={"response_type": "ephemeral", "text": "done"}), "done", "U0RALLYAPP", "U0ALICE"),
        (Reply(document={"response_type": "in_channel", "text": "done"}), "done", "U0RALLYAPP", None),
        (
            Reply(problem="operation_timeout"),
            "/rally failed with the error “operation_timeout”.",
            "USLACKBOT",
            "U0ALICE",
        ),
    ],
)
async def test_the_answer_to_a_command_is_shown_to_the_person_unless_it_is_for_the_channel(
    slack: SimulatedSlack, reply: Reply, text: str, author: str, only_for: str | None
) -> None:
    slack.bridge.replies.append(reply)
    await slack.people.type(ALICE, slack.here, "/rally list")

    shown = only(slack.posts)
    assert (shown.text, shown.author, shown.only_for) == (text, author, only_for)


async def test_other_words_are_messages_and_other_commands_unknown(slack: SimulatedSlack) -> None:
    await slack.people.type(ALICE, slack.here, "hello")
    await slack.people.type(ALICE, slack.here, "/other")

    message, answer = slack.posts
    assert (message.author, message.text, message.only_for) == ("U0ALICE", "hello", None)
    assert (answer.text, answer.only_for) == ("/other is not a valid command.", "U0ALICE")
    assert slack.bridge.forms == []


async def test_an_invitation_lets_the_app_post_in_a_channel(slack: SimulatedSlack) -> None:
    await slack.people.type(ALICE, slack.channel("C0GENERAL"), "/invite @Rally imports")

    assert "ts" in slack.call("chat.postMessage", channel="C0GENERAL", text="x")


def answer_later(slack: SimulatedSlack, **answer: Any) -> str | None:
    """Answer through the response URL of the last interaction; return Slack's error."""
    path = slack.bridge.payload["response_url"].removeprefix("https://hooks.slack.com/")
    return slack.respond(path, **answer)


async def pressed(slack: SimulatedSlack, post: Post) -> dict[str, Any]:
    await slack.people.press(ALICE, post, "buttons", "stop")
    return slack.bridge.payload


async def test_a_button_sends_the_message_and_what_was_pressed(slack: SimulatedSlack) -> None:
    parent = slack.post("parent")
    payload = await pressed(slack, slack.post("reply", blocks=[BUTTONS], thread_ts=parent.ts))

    assert payload["type"] == "block_actions"
    assert payload["container"]["thread_ts"] == parent.ts
    assert payload["message"]["text"] == "reply"
    action = only(payload["actions"])
    assert (action["block_id"], action["action_id"], action["value"]) == ("buttons", "stop", BUTTON["value"])


async def test_an_ephemeral_message_is_not_sent_along_and_can_be_replaced(slack: SimulatedSlack) -> None:
    slack.call("chat.postEphemeral", channel=HERE, user="U0ALICE", text="watching", blocks=[BUTTONS])
    payload = await pressed(slack, only(slack.posts))

    assert payload["container"]["is_ephemeral"]
    assert "message" not in payload
    assert answer_later(slack, replace_original=True, text="stopped") is None
    shown = only(slack.posts)
    assert (shown.text, shown.blocks, shown.only_for) == ("stopped", [], "U0ALICE")
    assert answer_later(slack, delete_original=True) is None
    assert slack.posts == []


async def test_a_response_url_takes_five_answers_within_half_an_hour(slack: SimulatedSlack) -> None:
    await pressed(slack, slack.post(blocks=[BUTTONS]))

    assert answer_later(slack) == "no_text"
    assert [answer_later(slack, text="x") for _ in range(5)] == [None] * 4 + ["expired_url"]
    slack.bridge.forms.clear()
    await pressed(slack, slack.posts[0])
    slack.clock.now += 1801
    assert answer_later(slack, text="x") == "expired_url"


async def test_a_button_that_the_bridge_does_not_answer_says_so(slack: SimulatedSlack) -> None:
    slack.bridge.replies.append(Reply(problem="dispatch_failed (HTTP 401)"))
    await pressed(slack, slack.post(blocks=[BUTTONS]))

    assert "dispatch_failed (HTTP 401)" in slack.posts[-1].text


async def test_a_button_that_is_gone_sends_nothing(slack: SimulatedSlack) -> None:
    post = slack.post(blocks=[SECTION])
    await slack.people.press(ALICE, post, "buttons", "stop")

    assert slack.bridge.forms == []


async def test_the_shortcuts_send_what_slack_documents(slack: SimulatedSlack) -> None:
    await slack.people.use_shortcut(ALICE, slack.here)
    assert (slack.bridge.payload["type"], slack.bridge.payload["callback_id"]) == ("shortcut", "watch_import")
    assert not {"channel", "response_url", "message"} & slack.bridge.payload.keys()

    slack.bridge.forms.clear()
    await slack.people.use_message_shortcut(ALICE, slack.here, slack.post("see imp"))
    payload = slack.bridge.payload
    assert (payload["type"], payload["callback_id"]) == ("message_action", "watch_import_in_message")
    assert (payload["message"]["text"], payload["channel"]["id"]) == ("see imp", HERE)


CHANNEL = {
    "type": "input",
    "block_id": "where",
    "label": plain("Channel"),
    "element": {"type": "conversations_select", "action_id": "value", "response_url_enabled": True},
}
OPTIONS = [{"text": plain("Yes"), "value": "yes"}, {"text": plain("No"), "value": "no"}]
CHOICE = {
    "type": "input",
    "block_id": "choice",
    "optional": True,
    "label": plain("Choice"),
    "element": {"type": "radio_buttons", "action_id": "value", "options": OPTIONS},
}
CHECKS = {
    "type": "input",
    "block_id": "checks",
    "optional": True,
    "label": plain("Checks"),
    "element": {"type": "checkboxes", "action_id": "value", "options": OPTIONS},
}


async def test_a_submission_has_the_state_of_each_element_and_a_url_for_the_chosen_channel(
    slack: SimulatedSlack,
) -> None:
    modal = slack.open(blocks=[INPUT, CHANNEL, CHOICE, CHECKS])
    fields = {"field-0": ["imp"], "field-1": [HERE], "field-2": ["no"], "field-3": ["yes", "no"]}
    await slack.people.submit(ALICE, modal, fields)

    payload = slack.bridge.payload
    assert payload["type"] == "view_submission"
    assert payload["view"]["state"]["values"] == {
        "import": {"value": {"type": "plain_text_input", "value": "imp"}},
        "where": {"value": {"type": "conversations_select", "selected_conversation": HERE}},
        "choice": {"value": {"type": "radio_buttons", "selected_option": OPTIONS[1]}},
        "checks": {"value": {"type": "checkboxes", "selected_options": OPTIONS}},
    }
    assert only(payload["response_urls"])["channel_id"] == HERE
    assert slack.workspace.modals.all() == []


@pytest.mark.parametrize("typed", ["", "x" * 21])
async def test_what_slack_itself_checks_is_not_sent(slack: SimulatedSlack, typed: str) -> None:
    await slack.people.submit(ALICE, slack.open(), {"field-0": [typed]})

    assert slack.bridge.forms == []
    assert only(slack.workspace.modals.all()).errors.keys() == {"import"}


FILLED = {"type": "modal", "title": plain("Done"), "blocks": [SECTION]}


@pytest.mark.parametrize(
    ("reply", "changes"),
    [
        (Reply(document={"response_action": "errors", "errors": {"import": "no"}}), {"errors": {"import": "no"}}),
        (Reply(document={"response_action": "dance"}), {"trouble": "The app's answer is not one that Slack knows."}),
        (Reply(problem="x"), {"trouble": "We had some trouble connecting. Try again? (x)"}),
    ],
)
async def test_a_modal_stays_open_with_what_the_bridge_finds_wrong(
    slack: SimulatedSlack, reply: Reply, changes: dict[str, Any]
) -> None:
    slack.bridge.replies.append(reply)
    modal = slack.open()
    await slack.people.submit(ALICE, modal, {"field-0": ["imp"]})

    kept = only(slack.workspace.modals.all())
    assert kept == dataclasses.replace(modal, typed=kept.typed, **changes)


async def test_a_modal_is_replaced_by_the_view_in_the_answer_if_slack_would_show_it(slack: SimulatedSlack) -> None:
    for view in (FILLED, {"type": "home"}):
        slack.bridge.replies.append(Reply(document={"response_action": "update", "view": view}))
    modal = slack.open()
    await slack.people.submit(ALICE, modal, {"field-0": ["imp"]})
    assert only(slack.workspace.modals.all()).view["title"] == plain("Done")

    await slack.people.submit(ALICE, only(slack.workspace.modals.all()), {})
    assert "type modal" in str(only(slack.workspace.modals.all()).trouble)


async def test_a_button_in_a_modal_sends_the_view_and_what_is_typed(slack: SimulatedSlack) -> None:
    modal = slack.open(blocks=[INPUT, BUTTONS])
    slack.bridge.replies.append(Reply(problem="x"))
    await slack.people.press_in_modal(ALICE, modal, "buttons", "stop", {"field-0": ["im"]})

    payload = slack.bridge.payload
    assert payload["container"] == {"type": "view", "view_id": modal.id}
    assert payload["view"]["state"]["values"]["import"]["value"]["value"] == "im"
    assert "response_url" not in payload
    assert "(x)" in str(only(slack.workspace.modals.all()).trouble)
