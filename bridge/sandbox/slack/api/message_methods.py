"""The methods that post and edit messages.

Sources: https://docs.slack.dev/reference/methods/chat.postMessage, …/chat.update and …/chat.postEphemeral
"""

import secrets
from collections.abc import Mapping
from typing import Any

from bridge.sandbox.slack.api.checks.blocks import MAX_TEXT, faults_of, length_of
from bridge.sandbox.slack.api.refusal import Refused
from bridge.sandbox.slack.state.channels import Channel
from bridge.sandbox.slack.state.identity import BOT_USER
from bridge.sandbox.slack.state.people import PEOPLE
from bridge.sandbox.slack.state.posts import Post
from bridge.sandbox.slack.state.workspace import Workspace

Arguments = Mapping[str, Any]
Answer = dict[str, Any]
LONGEST_UPDATE = 4_000
"""The characters of `text` in chat.update."""
LONGEST_TEXT = 40_000
"""The characters after which Slack cuts the text of a new message."""


def post_message(slack: Workspace, arguments: Arguments) -> Answer:
    channel = slack.channels.of_app(arguments.get("channel"))
    fields = content_of(arguments)
    thread = _thread(slack, channel, arguments.get("thread_ts"))
    broadcast = thread is not None and arguments.get("reply_broadcast") is True
    post = slack.post(channel.id, **fields, thread=thread, broadcast=broadcast)
    return {"channel": channel.id, "ts": post.ts, "message": message_json(post)}


def update(slack: Workspace, arguments: Arguments) -> Answer:
    channel = _editable(slack, arguments.get("channel"))
    post = slack.posts.get(channel.id, arguments.get("ts"))
    if post is None or post.only_for is not None:
        raise Refused("message_not_found")
    if post.author != BOT_USER:
        raise Refused("cant_update_message")
    text = arguments.get("text")
    if isinstance(text, str) and len(text) > LONGEST_UPDATE:
        raise Refused("msg_too_long")
    edited = slack.posts.edit(post, **content_of(arguments), broadcast=_broadcast(post, arguments))
    slack.changes.note()
    return {"channel": channel.id, "ts": post.ts, "text": edited.text, "message": message_json(edited)}


def post_ephemeral(slack: Workspace, arguments: Arguments) -> Answer:
    channel = slack.channels.of_app(arguments.get("channel"))
    fields = content_of(arguments)
    user = arguments.get("user")
    if not isinstance(user, str) or user not in PEOPLE:
        raise Refused("user_not_in_channel")
    post = slack.post(channel.id, **fields, only_for=user)
    return {"message_ts": post.ts}


def open_conversation(slack: Workspace, arguments: Arguments) -> Answer:
    """Open the direct message with one person.

    Source: https://docs.slack.dev/reference/methods/conversations.open
    """
    users = arguments.get("users")
    names = users.split(",") if isinstance(users, str) and users else []
    if not names:
        raise Refused("users_list_not_supplied")
    if len(names) > 1:
        raise Refused("method_not_supported_for_channel_type", ["the sandbox has no group messages"])
    return {"channel": {"id": slack.channels.direct(names[0]).id}}


def content_of(arguments: Arguments) -> dict[str, Any]:
    """Return the text and the blocks of a message; raise Refused if Slack would not show them."""
    text, blocks = arguments.get("text") or "", arguments.get("blocks") or []
    if faults := faults_of(blocks):
        raise Refused("invalid_blocks", [f"[ERROR] {fault}" for fault in faults])
    if not isinstance(text, str) or not (text or blocks):
        raise Refused("no_text")
    if length_of(blocks) > MAX_TEXT:
        raise Refused("msg_blocks_too_long")
    formatted = arguments.get("mrkdwn") is not False
    return {"text": text[:LONGEST_TEXT], "blocks": with_ids(blocks), "formatted": formatted}


def with_ids(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return blocks with the ids that Slack adds where an app gives none."""
    return [_with_id(block) for block in blocks]


def message_json(post: Post) -> dict[str, Any]:
    """Return a message as Slack describes it to apps."""
    message: dict[str, Any] = {"type": "message", "ts": post.ts, "text": post.text, "blocks": list(post.blocks)}
    message |= {"user": post.author} if post.author != BOT_USER else {"user": BOT_USER, "bot_id": "B0RALLYAPP"}
    if post.thread is not None:
        message["thread_ts"] = post.thread
    if post.edited_at is not None:
        message["edited"] = {"user": post.author, "ts": f"{post.edited_at:.6f}"}
    return message


def _thread(slack: Workspace, channel: Channel, thread_ts: object) -> str | None:
    """Return the parent of a reply; raise Refused if there is none.

    Slack does not document the error for a parent that is gone.
    """
    if thread_ts is None:
        return None
    parent = slack.posts.get(channel.id, thread_ts)
    if parent is None or parent.only_for is not None:
        raise Refused("thread_not_found")
    return parent.thread or parent.ts


def _editable(slack: Workspace, channel_id: object) -> Channel:
    try:
        return slack.channels.of_app(channel_id)
    except Refused as refused:
        raise Refused("is_inactive") if refused.error == "is_archived" else refused from None


def _broadcast(post: Post, arguments: Arguments) -> bool:
    """Return whether the channel shows an edited reply. Slack refuses to broadcast it with new content."""
    if arguments.get("reply_broadcast") is not True or post.broadcast:
        return post.broadcast
    if arguments.get("text") or arguments.get("blocks"):
        raise Refused("no_dual_broadcast_content_update")
    return True


def _with_id(block: dict[str, Any]) -> dict[str, Any]:
    made = {"block_id": secrets.token_urlsafe(4), **block}
    if isinstance(made.get("elements"), list) and made["type"] == "actions":
        made["elements"] = [{"action_id": secrets.token_urlsafe(4), **element} for element in made["elements"]]
    for name in ("accessory", "element"):
        if isinstance(made.get(name), dict):
            made[name] = {"action_id": secrets.token_urlsafe(4), **made[name]}
    return made
