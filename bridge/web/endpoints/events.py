"""The event stream of a watch.

It sends a snapshot, each new reading, what the last poll found when that changes, what it waits for when that
changes, the outcome, and the end of each delivery.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from bridge.domain.clients import Client
from bridge.domain.watches import Watch
from bridge.errors import StoreUnavailable
from bridge.resources import Resources
from bridge.store import keys
from bridge.web.endpoints.authenticated import authenticated
from bridge.web.endpoints.watches import visible
from bridge.web.schemas.responses import LastPollResponse, WatchResponse
from bridge.web.serializers import serialize_watches

KEEP_ALIVE = 15.0
"""Seconds after which a comment is sent, so that proxies keep the connection open."""
OUTAGE_PAUSE = 1.0
"""Seconds between two attempts to read while the store is unavailable."""
COMMENT = ": keep-alive\n\n"
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@authenticated
async def stream(request: Request, resources: Resources, client: Client) -> Response:
    """Stream the events of a watch until its deliveries have ended. After a reconnect it starts with a new snapshot."""
    watch = await visible(resources, client, request.path_params["watch_id"])
    if request.method == "HEAD":
        return Response(media_type="text/event-stream", headers=HEADERS)  # at once, not when the watch ends
    return StreamingResponse(watch_events(resources, watch), media_type="text/event-stream", headers=HEADERS)


async def watch_events(resources: Resources, watch: Watch, *, keep_alive: float = KEEP_ALIVE) -> AsyncIterator[str]:
    """Yield the events of a watch as text.

    The store is read after each published change. It is also read after `keep_alive` seconds, as changes may be lost.
    """
    topics = (keys.watch_topic(watch.id), keys.import_topic(watch.workspace, watch.import_id))
    before: WatchResponse | None = None
    async with resources.change_feed.subscribe(*topics) as changed:
        while True:
            changed.clear()
            try:
                async with resources.change_feed.read_slots:
                    current = await resources.watches.get(watch.id)
                    documents = await serialize_watches(resources, [] if current is None else [current])
            except StoreUnavailable:  # already logged by the store
                if resources.change_feed.stopping:
                    return
                yield COMMENT
                await asyncio.sleep(OUTAGE_PAUSE)
                continue
            for document in documents:
                for name, data in _changes(before, document):
                    yield _event(name, data)
                before = document
            if not documents or _has_ended(documents[0]) or resources.change_feed.stopping:
                return
            if not await is_set_within(changed, keep_alive):
                yield COMMENT


async def is_set_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event, and return whether it was set in time."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True


def _changes(before: WatchResponse | None, now: WatchResponse) -> Iterator[tuple[str, Any]]:
    """Yield the name and the data of each event between two states; the first state is the snapshot."""
    if before is None:
        yield "watch", now
        return
    if now["state"] == "watching":
        if now["import"] is not None and now["import"] != before["import"]:  # None if it has just been deleted
            yield "reading", now["import"]
        if now["lastPoll"] is not None and _found(now["lastPoll"]) != _found(before["lastPoll"]):
            yield "poll", now["lastPoll"]
    if now["waitingFor"] is not None and _waits_anew(before, now):
        yield "waiting", now["waitingFor"]
    if now["state"] != before["state"]:
        yield "outcome", now
    pending = {each["id"] for each in before["deliveries"] if each["state"] == "pending"}
    ids = {each["id"] for each in before["deliveries"]}
    for each in now["deliveries"]:
        if each["state"] != "pending" and (each["id"] in pending or each["id"] not in ids):
            yield "delivery", each


def _found(poll: LastPollResponse | None) -> tuple[int | None, str] | None:
    """Return what a poll found, without its time, to compare it with the next poll."""
    return None if poll is None else (poll["status"], poll["meaning"])


def _waits_anew(before: WatchResponse, now: WatchResponse) -> bool:
    """Return whether the reason for waiting has changed; of a settled watch also the sentence, with the destination.

    The sentence about an open watch counts calls, and the times change with each poll.
    """
    earlier, later = before["waitingFor"], now["waitingFor"]
    if earlier is None or later is None:
        return earlier is not later
    stays_settled = before["state"] == now["state"] == "settled"
    return earlier["reason"] != later["reason"] or (stays_settled and earlier["detail"] != later["detail"])


def _has_ended(document: WatchResponse) -> bool:
    ended = document["state"] != "watching"
    return ended and not any(each["state"] == "pending" for each in document["deliveries"])


def _event(name: str, data: Any) -> str:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
