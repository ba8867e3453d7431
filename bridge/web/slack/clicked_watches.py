"""The watch that a click is about. Its id is looked up, and never trusted."""

from bridge.destinations.egress.client_permissions import may_use
from bridge.domain.clients import Client
from bridge.domain.delivery.deliveries import Delivery, DeliveryState
from bridge.domain.destinations import SlackChannel
from bridge.domain.watches import Watch
from bridge.errors import DecryptionFailed
from bridge.resources import Resources
from bridge.web.slack.answers import Answer
from bridge.web.slack.open_watches import WATCH_ID

GONE = Answer(text="⚠️ This watch does not exist any more, or it does not tell this channel.")
CLOSED = Answer(text="⚠️ Buttons can't be used in this channel: it is not open to this Slack workspace.")
REACHED = frozenset({DeliveryState.PENDING, DeliveryState.DELIVERED})


def is_open(client: Client, channel: str) -> bool:
    """Return whether a channel is open to the Slack workspace that is this client."""
    return may_use(client.permissions, SlackChannel(channel=channel))


async def find_watch(resources: Resources, client: Client, watch_id: str) -> Watch | None:
    """Return the watch that a button names, if it is in a workspace that the team may use."""
    if not WATCH_ID.fullmatch(watch_id):
        return None
    try:
        watch = await resources.watches.get(watch_id)
    except DecryptionFailed:
        return None
    return watch if watch is not None and client.permissions.may_watch_in(watch.workspace) else None


def went_to(delivery: Delivery, channel: str) -> bool:
    """Return whether a message was or is being sent to a channel: the one that Slack has named, if it has."""
    destination = delivery.destination
    if not isinstance(destination, SlackChannel) or delivery.state not in REACHED:
        return False
    return channel == (destination.channel if delivery.posted is None else delivery.posted.channel)
