"""What the buttons do: in a channel that is open to the Slack workspace, with a watch that tells this channel."""

from dataclasses import dataclass

import structlog

from bridge.destinations.slack.escaping import code, neutralized
from bridge.destinations.slack.send_again import places, resendable
from bridge.domain.clients import Client, slack_client, slack_user_of
from bridge.domain.delivery.deliveries import DeliveryState
from bridge.domain.rules.rules import rule_of
from bridge.domain.secret import Secret
from bridge.domain.watches import Watch
from bridge.queue import Job
from bridge.resources import Resources
from bridge.web.slack.answers import Answer
from bridge.web.slack.clicked_watches import CLOSED, GONE, find_watch, is_open, went_to
from bridge.web.slack.open_watches import ID_LIMIT, LABEL_LIMIT, stop_one

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Click:
    """A click on a button: by whom, where, and the id that the button has."""

    client: Client
    user: str
    channel: str
    action: str
    value: str
    ephemeral: bool
    """Whether only the person who clicked sees the message."""
    trigger: str
    """What opens one modal within 3 seconds."""
    answers: Secret | None
    """The `response_url`, if it is one of Slack's."""


async def stop_watching(resources: Resources, click: Click) -> Answer:
    """End a watch that was made in Slack. Of another, say whose it is."""
    if not is_open(click.client, click.channel):
        return CLOSED
    watch = await find_watch(resources, click.client, click.value)
    if watch is None or not _tells(resources, watch, click.channel):
        return GONE
    name = code(watch.import_id, ID_LIMIT)
    if slack_user_of(watch.client) is None:
        return Answer(text=f"⚠️ {name} is watched by {_owner(watch)}, not from Slack. It can't be stopped here.")
    if not await stop_one(resources, watch, user=click.user):
        return Answer(text=f"{name} is not watched any more.", replace=click.ephemeral)
    return Answer(text=f"Stopped watching {name}.", replace=click.ephemeral)


async def send_again(resources: Resources, click: Click) -> Answer:
    """Send again what was abandoned of a watch that has told this channel."""
    if not is_open(click.client, click.channel):
        return CLOSED
    watch = await find_watch(resources, click.client, click.value)
    deliveries = [] if watch is None else await resources.deliveries.many(watch.deliveries)
    if watch is None or not any(went_to(each, click.channel) for each in deliveries):
        return GONE
    abandoned = [each for each in deliveries if each.state is DeliveryState.ABANDONED]
    permitted = resendable(deliveries, click.client.permissions)
    again = await resources.deliveries.redeliver_many(permitted, by=slack_client(click.user))
    for each in again:
        log.info(
            "delivery.redelivery_requested", delivery_id=each.id, watch_id=watch.id, client=slack_client(click.user)
        )
    if again:
        resources.bell.ring(Job.DELIVER)
        return Answer(
            text=f"Sending {code(watch.import_id, ID_LIMIT)} again to {places(each.destination for each in again)}."
        )
    if abandoned:
        return Answer(text="⚠️ What did not arrive can't be sent again from Slack: ask the operator of the bridge.")
    return Answer(text="Nothing is to be sent again: all messages of this watch have arrived, or are on their way.")


def _tells(resources: Resources, watch: Watch, channel: str) -> bool:
    return any(resources.receiver(each) == channel for each in watch.notify)


def _owner(watch: Watch) -> str:
    rule = rule_of(watch.client)
    kind, name = ("the client", watch.client) if rule is None else ("the rule", rule)
    return f"{kind} {neutralized(name, LABEL_LIMIT)}"
