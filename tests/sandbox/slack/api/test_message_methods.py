"""The simulated Slack's methods that post and edit messages."""

from typing import Any

import pytest

from tests.support.samples import only
from tests.support.sandbox_slack import BUTTONS, HERE, SECTION, SimulatedSlack


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"channel": HERE}, "no_text"),
        ({"channel": HERE, "text": ""}, "no_text"),
        ({"text": "x"}, "channel_not_found"),
        ({"channel": "panels", "text": "x"}, "channel_not_found"),
        ({"channel": "U0ALICE", "text": "x"}, "channel_not_found"),
        ({"channel": "D0ALICE", "text": "x"}, "channel_not_found"),
        ({"channel": "C0GENERAL", "text": "x"}, "not_in_channel"),
        ({"channel": HERE, "text": "x", "thread_ts": "1.000000"}, "thread_not_found"),
        ({"channel": HERE, "text": "x", "blocks": [{"type": "pigeon"}]}, "invalid_blocks"),
        ({"channel": HERE, "text": "x", "blocks": [{"type": "input"}]}, "invalid_blocks"),
        (
            {"channel": HERE, "text": "x", "blocks": [{**SECTION, "text": {"type": "mrkdwn", "text": "x" * 3000}}] * 5},
            "msg_blocks_too_long",
        ),
    ],
)
def test_a_message_that_slack_would_refuse_is_refused(
    slack: SimulatedSlack, arguments: dict[str, Any], error: str
) -> None:
    assert slack.call("chat.postMessage", **arguments)["error"] == error
    assert slack.posts == []


def test_the_fault_of_a_block_is_explained_with_its_place(slack: SimulatedSlack) -> None:
    answer = slack.call("chat.postMessage", channel=HERE, blocks=[SECTION, {"type": "pigeon"}])

    assert "[json-pointer:/blocks/1]" in only(answer["messages"])


def test_a_message_in_a_thread_names_its_parent_and_is_broadcast_if_asked(slack: SimulatedSlack) -> None:
    parent = slack.post("parent").ts
    slack.post("quiet", thread_ts=parent)
    loud = slack.post("loud", thread_ts=parent, reply_broadcast=True)
    slack.post("to the reply", thread_ts=loud.ts)

    assert [(each.text, each.thread, each.broadcast) for each in slack.posts] == [
        ("parent", None, False),
        ("quiet", parent, False),
        ("loud", parent, True),
        ("to the reply", parent, False),
    ]


def test_messages_of_one_moment_have_different_ts(slack: SimulatedSlack) -> None:
    first, second = slack.post().ts, slack.post().ts

    assert first < second
    assert len(first.partition(".")[2]) == 6


def test_an_edit_replaces_text_and_blocks_and_without_blocks_drops_them(slack: SimulatedSlack) -> None:
    ts = slack.post("one", blocks=[SECTION]).ts
    slack.clock.now += 60
    slack.call("chat.update", channel=HERE, ts=ts, text="two")

    edited = slack.at(ts)
    assert (edited.text, edited.blocks, edited.edits, edited.edited_at) == ("two", [], 1, slack.clock.now)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"ts": "1.000000", "text": "x"}, "message_not_found"),
        ({"ts": None, "text": "x"}, "message_not_found"),
        ({"channel": "C0OTHER", "text": "x"}, "message_not_found"),
        ({"text": "x" * 4001}, "msg_too_long"),
        ({}, "no_text"),
        ({"text": "x", "blocks": [{"type": "pigeon"}]}, "invalid_blocks"),
    ],
)
def test_an_edit_that_slack_would_refuse_is_refused(
    slack: SimulatedSlack, arguments: dict[str, Any], error: str
) -> None:
    ts = slack.post("one").ts

    assert slack.call("chat.update", **{"channel": HERE, "ts": ts} | arguments)["error"] == error
    assert slack.at(ts).edits == 0


def test_the_message_of_a_person_and_an_ephemeral_one_cannot_be_edited(slack: SimulatedSlack) -> None:
    persons = slack.workspace.post(HERE, "U0ALICE", text="I am a person").ts
    shown = slack.call("chat.postEphemeral", channel=HERE, user="U0ALICE", text="for you")["message_ts"]

    assert slack.call("chat.update", channel=HERE, ts=persons, text="x")["error"] == "cant_update_message"
    assert slack.call("chat.update", channel=HERE, ts=shown, text="x")["error"] == "message_not_found"
    assert slack.call("chat.postMessage", channel=HERE, text="x", thread_ts=shown)["error"] == "thread_not_found"


def test_a_channel_that_is_archived_takes_neither_messages_nor_edits(slack: SimulatedSlack) -> None:
    ts = slack.post().ts
    slack.workspace.channels.change(HERE, archived=True)

    assert slack.call("chat.postMessage", channel=HERE, text="x")["error"] == "is_archived"
    assert slack.call("chat.update", channel=HERE, ts=ts, text="x")["error"] == "is_inactive"


def test_an_older_reply_is_broadcast_only_without_new_content(slack: SimulatedSlack) -> None:
    reply = slack.post("reply", thread_ts=slack.post().ts)

    refused = slack.call("chat.update", channel=HERE, ts=reply.ts, text="new", reply_broadcast=True)
    assert refused["error"] == "no_dual_broadcast_content_update"


@pytest.mark.parametrize(
    ("user", "channel", "error"),
    [
        ("U0STRANGER", HERE, "user_not_in_channel"),
        ("U0ALICE", "C0GENERAL", "not_in_channel"),
        ("U0ALICE", HERE, None),
    ],
)
def test_an_ephemeral_message_is_for_one_person_of_the_channel(
    slack: SimulatedSlack, user: str, channel: str, error: str | None
) -> None:
    shown = slack.call("chat.postEphemeral", channel=channel, user=user, text="for you", blocks=[BUTTONS])

    assert shown.get("error") == error
    assert [each.only_for for each in slack.posts] == ([] if error else [user])


def test_a_direct_message_is_opened_with_one_person(slack: SimulatedSlack) -> None:
    channel = slack.call("conversations.open", users="U0ALICE")["channel"]["id"]

    assert slack.call("chat.postMessage", channel=channel, text="for Alice alone")["channel"] == channel
    assert slack.call("conversations.open", users="U0STRANGER")["error"] == "user_not_found"
    assert slack.call("conversations.open")["error"] == "users_list_not_supplied"
    assert "error" in slack.call("conversations.open", users="U0ALICE,U0BEN")


def test_the_workspace_is_that_of_the_token(slack: SimulatedSlack) -> None:
    assert slack.call("auth.test")["team_id"] == "T0SANDBOX"
