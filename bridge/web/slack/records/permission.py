"""Who may read which failed records: people whom the operator names, of watches that have told the channel."""

from bridge.domain.clients import Client
from bridge.domain.watches import Watch
from bridge.resources import Resources
from bridge.web.slack.answers import Answer
from bridge.web.slack.clicked_watches import CLOSED, GONE, find_watch, is_open, went_to


async def readable_watch(
    resources: Resources, client: Client, user: str, *, channel: str, watch_id: str
) -> Watch | Answer:
    """Return the watch whose failed records a user may read in a channel, or the answer that says why not."""
    if not is_open(client, channel):
        return CLOSED
    if user not in resources.settings.records_users:
        return Answer(
            text=f"⚠️ You may not read failed records. The operator of the bridge can permit it: your id is `{user}`."
        )
    watch = await find_watch(resources, client, watch_id)
    deliveries = [] if watch is None else await resources.deliveries.many(watch.deliveries)
    return watch if watch is not None and any(went_to(each, channel) for each in deliveries) else GONE
