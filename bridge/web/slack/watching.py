"""Watches that people make in Slack: accepted once the app has shown that it can post in the channel."""

import json
import re
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

import structlog

from bridge.destinations.egress.client_permissions import may_use
from bridge.destinations.slack.confirming import Confirmation, said_beside, show
from bridge.destinations.slack.ephemeral import NotShown
from bridge.destinations.slack.escaping import code, neutralized
from bridge.destinations.slack.response_url import say
from bridge.domain.clients import Client, slack_client
from bridge.domain.destinations import SlackChannel
from bridge.domain.nudges import NUDGE_AFTER
from bridge.domain.secret import Secret
from bridge.domain.workspaces import DEFAULT_WORKSPACE
from bridge.errors import StoreUnavailable
from bridge.ids import new_id
from bridge.resources import Resources
from bridge.store.slack.wishes import KeptWish
from bridge.store.watches.acceptance_call import NewWatch
from bridge.web.refusals import Problem, Refused
from bridge.web.requests.body import parse, validation_context
from bridge.web.schemas.watches import WatchBody
from bridge.web.slack.answers import Answer
from bridge.web.slack.open_watches import ID_LIMIT, channels_of, watches_of
from bridge.web.watches.watch_steps import announce

PROBLEM_LIMIT = 300
NO_ID = re.compile(r"[\s@/]")
"""What no id of an import has, but an address or a sentence does."""
NOT_AN_ID = (
    "⚠️ Nothing is watched: this is not the id of an import. An id is one word without blanks, and neither an e-mail "
    "address nor a link."
)
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
    if NO_ID.search(wish.import_id):
        return Answer(text=NOT_AN_ID)
    try:
        new = _new_watch(resources, wish)
    except Refused as refused:
        return Answer(text="\n".join(f"⚠️ {_sentence(each)}" for each in refused.problems) or f"⚠️ {refused}")
    known = await watches_of(resources, wish.import_id, user=wish.user, channel=wish.channel)
    if any(wish.channel in channels_of(each) and each.workspace == new.workspace for each in known):
        return Answer(
            text=f"{code(wish.import_id, ID_LIMIT)} is watched already, and this channel is told when it ends."
        )
    if not await resources.slack_wishes.keep(KeptWish(new=new, answers=wish.answers)):
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
    """Confirm the watch in the channel, as the app, and accept it. If the app can't post there, say so instead.

    If Redis is away, or this process ends, a worker does all of it again, since the wish is kept.
    """
    confirmation = _confirmation(wish, new)
    showing = await show(confirmation, resources.egress, resources.sender.slack_bot)
    if isinstance(showing, NotShown):
        log.info("slack.watch_refused", client=new.client, import_id=new.import_id, reason=showing.reason)
    if text := said_beside(confirmation, showing):
        await say(resources.egress, wish.answers, text)
    with suppress(StoreUnavailable):
        if isinstance(showing, NotShown):
            await resources.slack_wishes.forget(new)
        else:
            await _accept(resources, new)


async def _accept(resources: Resources, new: NewWatch) -> None:
    settings = resources.settings
    accepted = await resources.slack_wishes.fulfil(new, grace=settings.not_found_grace, reuse=settings.reading_reuse)
    announce(resources, accepted)


def _confirmation(wish: Wish, new: NewWatch) -> Confirmation:
    (destination,) = new.notify
    assert isinstance(destination, SlackChannel)  # noqa: S101 - people in Slack ask for one channel
    return Confirmation(
        watch_id=new.id, user=wish.user, destination=destination, import_id=new.import_id, label=new.label
    )
