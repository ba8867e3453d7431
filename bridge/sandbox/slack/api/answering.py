"""Answers of the app to a person: to a command at once, or later through a response URL.

Source: https://docs.slack.dev/interactivity/handling-user-interaction
"""

from collections.abc import Mapping
from typing import Any

from bridge.sandbox.slack.api.message_methods import content_of
from bridge.sandbox.slack.api.refusal import Refused
from bridge.sandbox.slack.state.response_urls import Answerable
from bridge.sandbox.slack.state.workspace import Workspace


def answer_person(slack: Workspace, path: str, answer: Mapping[str, Any]) -> str | None:
    """Show an answer that came through a response URL; return Slack's error if it is refused."""
    to = slack.response_urls.use(path)
    if to is None:
        return "expired_url"
    if answer.get("delete_original") is True:
        _delete(slack, to)
        return None
    return show_answer(slack, to, answer)


def show_answer(slack: Workspace, to: Answerable, answer: Mapping[str, Any]) -> str | None:
    """Show an answer: in place of a message, to the person alone, or to the channel. Return Slack's error."""
    try:
        fields = content_of(answer)
    except Refused as refused:
        return refused.error
    original = slack.posts.get(to.channel, to.original)
    if answer.get("replace_original") is True and original is not None:
        slack.posts.edit(original, **fields)
        slack.changes.note()
    else:
        public = answer.get("response_type") == "in_channel"
        slack.post(to.channel, only_for=None if public else to.user, **fields)
    return None


def _delete(slack: Workspace, to: Answerable) -> None:
    original = slack.posts.get(to.channel, to.original)
    if original is not None:
        slack.posts.remove(original)
        slack.changes.note()
