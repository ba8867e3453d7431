"""Watches that people make in Slack: accepted once the app has shown that it can post in the channel."""

import json
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from time import time

import structlog

from bridge.destinations.egress.permissions import may_use
from bridge.destinations.slack.buttons import actions, stop_button
from bridge.destinations.slack.ephemeral import NotShown, Showing, Shown, Unclear, judge_showing, prepare
from bridge.destinations.slack.escaping import code, mrkdwn, neutralized
from bridge.domain.clients import Client, slack_client
from bridge.domain.destinations import SlackChannel
from bridge.domain.nudges import NUDGE_AFTER
from bridge.domain.secret import Secret
from bridge.domain.times import SECOND
from bridge.domain.workspaces import DEFAULT_WORKSPACE
from bridge.errors import StoreUnavailable
from bridge.ids import new_id
from bridge.resources import Resources
from bridge.store.watches.acceptance_call import NewWatch
from bridge.web.refusals import Problem, Refused
from bridge.web.requests.body import parse, validation_context
from bridge.web.schemas.watches import WatchBody
from bridge.web.slack.answers import Answer, say
from bridge.web.slack.open_watches import ID_LIMIT, LABEL_LIMIT, channels_of, watches_of
from bridge.web.watches.watch_steps import announce

PROBLEM_LIMIT = 300
_FIELDS = {"/importId": "The import's id", "/label": "The label", "/workspace": "The workspace"}

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a person in Slack wants to be told."""

    client: Client
    user: str
    channel: str
    import_id: str
    label: str | None = field(repr=False)
    on: str | None = None
    """The outcomes that are told, as in the API; None means all."""
    live: bool = True
    """Whether its progress is shown while it runs."""
    answers: Secret | None
    """The `response_url`, if it is one of Slack's."""


async def watch(resources: Resources, wish: Wish) -> Answer:
    """Check and keep a wish. The rest follows after the response: asking Slack, and then accepting the watch."""
    if not may_use(wish.client.permissions, SlackChannel(channel=wish.channel)):
        return Answer(text=f"⚠️ Imports can't be watched in this channel. {_channels(wish.client)}")
    try:
        new = _new_watch(resources, wish)
    except Refused as refused:
        return Answer(text="\n".join(f"⚠️ {_sentence(each)}" for each in refused.problems) or f"⚠️ {refused}")
    known = await watches_of(resources, wish.import_id, user=wish.user, channel=wish.channel)
    if any(wish.channel in channels_of(each) and each.workspace == new.workspace for each in known):
        return Answer(
            text=f"{code(wish.import_id, ID_LIMIT)} is watched already, and this channel is told when it ends."
        )
    if not await resources.slack_wishes.keep(new):
        return Answer(
            text=f"{code(wish.import_id, ID_LIMIT)} was asked for in this channel a moment ago. "
            "The answer to that is on its way."
        )
    return Answer(afterwards=partial(_confirm_and_accept, resources, wish, new))


def _channels(client: Client) -> str:
    allowed = sorted(client.permissions.slack_channels or ())
    return (
        f"They can be in {', '.join(f'<#{each}>' for each in allowed)}." if allowed else "No channel is open to them."
    )


def _new_watch(resources: Resources, wish: Wish) -> NewWatch:
    """Return the watch of a wish; raise Refused if the API would refuse it."""
    wanted = {
        "importId": wish.import_id,
        "workspace": _workspace(wish.client),
        "label": wish.label,
        "notify": [{"type": "slack", "channel": wish.channel, "on": wish.on, "live": wish.live}],
    }
    body = parse(json.dumps(wanted).encode(), WatchBody, validation_context(resources, wish.client))
    notify = tuple(each.destination() for each in body.notify or ())
    return NewWatch(
        id=new_id("wat_"),
        client=slack_client(wish.user),
        workspace=body.workspace or DEFAULT_WORKSPACE,
        import_id=body.import_id,
        notify=notify,
        living=resources.living_places(notify),
        label=body.label,
        metadata={},
        expires_in=resources.settings.watch_expiry,
        nudge_after=NUDGE_AFTER,
    )


def _workspace(client: Client) -> str:
    """Return the default workspace, unless another is the only one that the client may use."""
    allowed = client.permissions.workspaces
    return DEFAULT_WORKSPACE if allowed is None or DEFAULT_WORKSPACE in allowed else min(allowed)


def _sentence(problem: Problem) -> str:
    what = _FIELDS.get(problem.pointer, "The channel")
    return f"{what}: {neutralized(problem.detail, PROBLEM_LIMIT)}."


async def _confirm_and_accept(resources: Resources, wish: Wish, new: NewWatch) -> None:
    """Confirm the watch in the channel, as the app, and accept it. If the app can't post there, say so instead."""
    confirmation = _confirmation(wish)
    match showing := await _show(resources, wish, new.id, confirmation):
        case NotShown():
            log.info("slack.watch_refused", client=new.client, import_id=new.import_id, reason=showing.reason)
            await resources.slack_wishes.forget(new)
            await say(resources, wish.answers, _refusal(wish, showing))
        case Shown():
            await _accept(resources, new)
        case Unclear():
            await _accept(resources, new)
            await say(resources, wish.answers, confirmation)


async def _accept(resources: Resources, new: NewWatch) -> None:
    """Accept a watch. If Redis is away, a worker does it later, since the wish is kept."""
    settings = resources.settings
    with suppress(StoreUnavailable):
        accepted = await resources.slack_wishes.fulfil(
            new, grace=settings.not_found_grace, reuse=settings.reading_reuse
        )
        announce(resources, accepted)


async def _show(resources: Resources, wish: Wish, watch_id: str, text: str) -> Showing:
    """Show a text in the channel, to the person who asked, with a button that ends the watch."""
    bot = resources.sender.slack_bot
    if bot is None:
        return NotShown("SLACK_BOT_TOKEN is not set")
    payload = {"text": text, "blocks": [{"type": "section", "text": mrkdwn(text)}, actions(stop_button(watch_id))]}
    answer = await resources.egress.send(prepare(wish.channel, wish.user, payload, bot))
    return judge_showing(answer, int(time() * SECOND))


def _confirmation(wish: Wish) -> str:
    label = f" · {neutralized(wish.label, LABEL_LIMIT)}" if wish.label else ""
    progress = " Its progress is shown here if it runs for more than a minute." if wish.live else ""
    return (
        f"👀 Watching {code(wish.import_id, ID_LIMIT)}{label}. This channel is told "
        f"{'if it does not complete without problems' if wish.on else 'when it ends'}.{progress}"
    )


def _refusal(wish: Wish, refused: NotShown) -> str:
    name = code(wish.import_id, ID_LIMIT)
    if refused.not_invited:
        return f"⚠️ {name} is not watched: I am not in this channel. Invite me (`/invite` and my name), then ask again."
    if refused.not_member:
        return f"⚠️ {name} is not watched: you are not in that channel. Join it, then ask again."
    return f"⚠️ {name} is not watched: I can't post in this channel. {neutralized(refused.reason, PROBLEM_LIMIT)}."
