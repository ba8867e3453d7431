"""The history of a watch, read for the API and the console."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from bridge.destinations.reasons import is_confidential, public_reason
from bridge.domain.clients import Client
from bridge.domain.delivery.attempts import Attempt
from bridge.domain.delivery.deliveries import Delivery
from bridge.domain.history import Timeline
from bridge.domain.history.timeline import DeliveryHistory, timeline
from bridge.domain.watches import Watch, WatchState
from bridge.resources import Resources
from bridge.web.watches.current_watches import as_of_now
from bridge.web.watches.delivery_places import place_of
from bridge.web.watches.watch_context import read_watch_context


async def read_history(resources: Resources, client: Client, watch: Watch) -> Timeline:
    """Return the history of a watch as a client may see it: details of the internal network are for admins."""
    context = await read_watch_context(resources, [watch])
    stored, deliveries = await asyncio.gather(
        resources.history.of(watch, context.now),
        asyncio.gather(*(_delivery_history(resources, client, each) for each in context.deliveries_of(watch))),
    )
    record = context.import_of(watch)
    current = as_of_now(watch, record) if watch.state is WatchState.WATCHING and record is not None else watch
    return timeline(current, stored, deliveries, context.waiting_for(watch))


async def _delivery_history(resources: Resources, client: Client, delivery: Delivery) -> DeliveryHistory:
    attempts: Sequence[Attempt] = await resources.attempts.of(delivery)
    if not client.admin:
        delivery = replace(delivery, last_reason=public_reason(delivery.last_reason))
        attempts = [_public(each) for each in attempts]
    return DeliveryHistory(delivery=delivery, place=place_of(resources, delivery), attempts=attempts)


def _public(attempt: Attempt) -> Attempt:
    if not is_confidential(attempt.reason):
        return attempt
    return replace(attempt, reason=public_reason(attempt.reason), took=0)
