"""The slash command: `watch`, `list`, `stop` and `help`.

Source: https://docs.slack.dev/interactivity/implementing-slash-commands
"""

import re
from collections.abc import Awaitable
from dataclasses import dataclass, field
from functools import partial
from typing import Self

from starlette.requests import Request
from starlette.responses import Response

from bridge.destinations.slack.escaping import code
from bridge.destinations.slack.response_url import response_url
from bridge.domain.clients import Client, slack_client
from bridge.domain.secret import Secret
from bridge.resources import Resources
from bridge.web.slack.answers import Answer, carry_out, respond
from bridge.web.slack.command_markup import unquoted, words_of
from bridge.web.slack.open_watches import list_open, stop
from bridge.web.slack.verification import Verified, check_sender, not_slacks, read_verified
from bridge.web.slack.watching import Wish, watch

LIMIT = 64 * 1024
COMMAND = re.compile(r"/[a-z0-9_-]{1,31}")
USER = re.compile(r"[UW][A-Z0-9]{2,30}")
VERB_LIMIT = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command as typed: by whom, where, and the words after it."""

    client: Client
    name: str
    user: str
    channel: str
    verb: str
    rest: str = field(repr=False)
    answers: Secret | None
    """The `response_url`, if it is one of Slack's."""

    @classmethod
    def of(cls, verified: Verified, *, api_url: str) -> Self:
        """Read a command from its form; raise Refused with 401 if it is not for our app."""
        form = verified.form
        check_sender(verified, team=form.get("team_id"), app=form.get("api_app_id"))
        name, user = form.get("command", ""), form.get("user_id", "")
        if not COMMAND.fullmatch(name) or not USER.fullmatch(user):
            raise not_slacks("it is no command")
        verb, rest = words_of(form.get("text", ""))
        return cls(
            client=verified.client,
            name=name,
            user=user,
            channel=form.get("channel_id", ""),
            verb=verb,
            rest=rest,
            answers=response_url(form.get("response_url", ""), api_url=api_url),
        )


async def receive(request: Request) -> Response:
    """Receive a command that someone has typed in Slack. Only for Slack, which signs it; it needs no API key."""
    resources: Resources = request.app.state.resources
    verified = await read_verified(request, limit=LIMIT)
    if verified is None:
        return Response()
    command = Command.of(verified, api_url=resources.settings.slack_api_url)
    return respond(await carry_out(resources, verified, slack_client(command.user), partial(_act, resources, command)))


def _act(resources: Resources, command: Command) -> Awaitable[Answer]:
    match command.verb, command.rest:
        case "watch", rest if rest:
            return watch(resources, _wish(command))
        case "list", "":
            return list_open(resources, user=command.user, channel=command.channel)
        case "stop", rest if rest and len(rest.split()) == 1:
            return stop(resources, unquoted(rest), user=command.user, channel=command.channel)
        case _:
            return _help(command)


def _wish(command: Command) -> Wish:
    import_id, _, label = command.rest.partition(" ")
    return Wish(
        client=command.client,
        user=command.user,
        channel=command.channel,
        import_id=unquoted(import_id),
        label=label.strip() or None,
        answers=command.answers,
    )


async def _help(command: Command) -> Answer:
    name = command.name
    return Answer(
        text=f"{_mistake(command)}*Be told here when a Rally import ends*\n"
        f"`{name} watch &lt;import id&gt; [label]` says in this channel how the import ends.\n"
        f"`{name} list` shows your open watches and those of this channel.\n"
        f"`{name} stop &lt;import id&gt;` ends one of them.\n"
        f"`{name} help` shows this."
    )


def _mistake(command: Command) -> str:
    """Return what is wrong with a command, if anything is, as the first line of its answer."""
    match command.verb:
        case "watch":
            return "⚠️ Nothing is watched: the id of the import is missing.\n"
        case "stop":
            return "⚠️ Nothing is stopped: `stop` needs the id of one import, and nothing else.\n"
        case "" | "list" | "help":
            return ""
        case unknown:
            return f"⚠️ {code(unknown, VERB_LIMIT)} is not a command of mine.\n"
