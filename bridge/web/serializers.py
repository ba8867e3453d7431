"""A watch as the API shows it, now or once it has ended."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from time import monotonic
from typing import cast

from bridge.domain.deliveries import Delivery
from bridge.domain.notifications import reading_as_json
from bridge.domain.times import rfc3339
from bridge.domain.watches import Watch, WatchState, trouble_in_words
from bridge.resources import Resources
from bridge.store import keys
from bridge.store.imports import ImportRecord
from bridge.web import deliveries
from bridge.web.schemas.responses import ReadingResponse, WatchResponse
from bridge.web.times import rfc3339_or_none


async def serialize_watches(resources: Resources, watches: Sequence[Watch]) -> list[WatchResponse]:
    """Give watches with their deliveries and, while they are open, what is known of their imports."""
    open_places = list({(each.workspace, each.import_id) for each in watches if each.state is WatchState.WATCHING})
    polled = dict(zip(open_places, await resources.imports.many(open_places), strict=True))
    owed: Mapping[str, Delivery] = {
        delivery.id: delivery
        for delivery in await resources.deliveries.of([id_ for each in watches for id_ in each.deliveries])
    }
    return [
        as_json(
            each,
            polled.get((each.workspace, each.import_id)) if each.state is WatchState.WATCHING else None,
            [owed[id_] for id_ in each.deliveries if id_ in owed and owed[id_].watch_id == each.id],
        )
        for each in watches
    ]


def as_json(watch: Watch, polled: ImportRecord | None, owed: Sequence[Delivery]) -> WatchResponse:
    """Give a watch as the API shows it; an open one shows what is known of its import by now."""
    watching = watch.state is WatchState.WATCHING
    reading = polled.known.reading if watching and polled else watch.reading
    trouble = polled.known.trouble if watching and polled else None
    return {
        "id": watch.id,
        "importId": watch.import_id,
        "workspace": watch.workspace,
        "state": watch.state,
        "outcome": watch.outcome,
        "reason": watch.reason if trouble is None else trouble_in_words(trouble),
        "import": None if reading is None else cast("ReadingResponse", reading_as_json(reading)),
        "polls": polled.polls if watching and polled else watch.polls,
        "lastPolledAt": rfc3339_or_none(polled.known.polled_at if watching and polled else watch.polled_at),
        "nextPollAt": rfc3339_or_none(polled.next_due if watching and polled else None),
        "label": watch.label,
        "metadata": dict(watch.metadata),
        "createdBy": watch.client,
        "createdAt": rfc3339(watch.created_at),
        "expiresAt": rfc3339(watch.expires_at),
        "settledAt": rfc3339_or_none(watch.settled_at),
        "deliveries": [deliveries.as_json(delivery) for delivery in owed],
    }


async def wait_until_ended(resources: Resources, watch: Watch, seconds: float) -> Watch:
    """Return a watch once it has ended, or as it is when the seconds are over or the process is about to end.

    The store is read again at the end: news may have been lost with a connection.
    """
    until = monotonic() + seconds
    async with resources.changes.about(keys.watch_topic(watch.id)) as ear:
        while True:
            ear.clear()
            async with resources.changes.turn:
                watch = await resources.watches.get(watch.id) or watch
            left = until - monotonic()
            if watch.state is not WatchState.WATCHING or resources.changes.leaving or left <= 0:
                return watch
            with suppress(TimeoutError):
                await asyncio.wait_for(ear.wait(), left)
