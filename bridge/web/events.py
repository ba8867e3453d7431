"""The stream of one watch: a snapshot, each new reading, the outcome, each delivery's end; then it ends.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from bridge.domain.watches import Watch
from bridge.errors import StoreUnavailable
from bridge.resources import Resources
from bridge.store import keys
from bridge.web.auth import authenticate
from bridge.web.query import reject_query
from bridge.web.schemas.responses import WatchResponse
from bridge.web.serializers import serialize_watches
from bridge.web.watches import visible

SIGN_OF_LIFE = 15.0
"""Seconds after which a comment is sent, so that whatever lies between keeps the connection."""
OUTAGE_PAUSE = 1.0
"""Seconds between two looks while the store is out."""
STILL_HERE = ": still here\n\n"
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


async def stream(request: Request) -> Response:
    """Stream what happens to a watch; a client that comes again begins with a new snapshot."""
    resources: Resources = request.app.state.resources
    client = await authenticate(request)
    reject_query(request)
    watch = await visible(resources, client, request.path_params["watch_id"])
    if request.method == "HEAD":
        return Response(media_type="text/event-stream", headers=HEADERS)  # and not only when the watch has ended
    return StreamingResponse(happenings(resources, watch), media_type="text/event-stream", headers=HEADERS)


async def happenings(resources: Resources, watch: Watch, *, sign_of_life: float = SIGN_OF_LIFE) -> AsyncIterator[str]:
    """Yield a stream's events; the store is read when there is news, and at each sign of life, as news may be lost."""
    topics = (keys.watch_topic(watch.id), keys.import_topic(watch.workspace, watch.import_id))
    before: WatchResponse | None = None
    async with resources.changes.about(*topics) as ear:
        while True:
            ear.clear()
            try:
                async with resources.changes.turn:
                    found = await resources.watches.get(watch.id)
                    documents = await serialize_watches(resources, [] if found is None else [found])
            except StoreUnavailable:  # which the store tells of, and a stream outlasts
                if resources.changes.leaving:
                    return
                yield STILL_HERE
                await asyncio.sleep(OUTAGE_PAUSE)
                continue
            for document in documents:
                for name, data in _changes(before, document):
                    yield _event(name, data)
                before = document
            if not documents or _over(documents[0]) or resources.changes.leaving:
                return
            if not await _hears(ear, sign_of_life):
                yield STILL_HERE


async def _hears(ear: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(ear.wait(), seconds)
    except TimeoutError:
        return False
    return True


def _changes(before: WatchResponse | None, now: WatchResponse) -> Iterator[tuple[str, Any]]:
    """Name what is new since the last look; the first look is the snapshot."""
    if before is None:
        yield "watch", now
        return
    if now["state"] == "watching" and now["import"] != before["import"]:
        yield "reading", now["import"]
    if now["state"] != before["state"]:
        yield "outcome", now
    pending = {each["id"] for each in before["deliveries"] if each["state"] == "pending"}
    known = {each["id"] for each in before["deliveries"]}
    for each in now["deliveries"]:
        if each["state"] != "pending" and (each["id"] in pending or each["id"] not in known):
            yield "delivery", each


def _over(document: WatchResponse) -> bool:
    ended = document["state"] != "watching"
    return ended and not any(each["state"] == "pending" for each in document["deliveries"])


def _event(name: str, data: Any) -> str:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
