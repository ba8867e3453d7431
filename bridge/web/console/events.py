"""The event stream of the console: says that something has changed, so that the script reads its page again."""

import asyncio
from collections.abc import AsyncGenerator

from starlette.responses import Response, StreamingResponse

from bridge.domain.times import SECOND, Moment
from bridge.resources import Resources
from bridge.store import keys
from bridge.web.console.filters import EventsFilter
from bridge.web.console.sessions import SESSION_LASTS
from bridge.web.console.visits import Visit, page
from bridge.web.endpoints.events import is_set_within
from bridge.web.endpoints.watches import visible
from bridge.web.requests.query import parse_query

AT_MOST_EVERY = 2.0
"""Seconds between two events: a page may be expensive, and much may change."""
AT_LEAST_EVERY = 10.0
"""Seconds after which a page is read again in any case: times pass, and not every change is published."""
LASTS = 600.0
"""Seconds after which the stream ends; the browser then opens it again if its session is still valid."""
CHANGED = "event: changed\ndata: {}\n\n"
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@page
async def stream(visit: Visit) -> Response:
    """Stream the changes of a watch and its import; without a watch, all of them, which say nothing of what changed."""
    wanted = parse_query(visit.request, EventsFilter)
    topics: tuple[str, ...] = (keys.ANY_TOPIC,)
    if wanted.watch is not None:
        watch = await visible(visit.resources, visit.client, wanted.watch)
        topics = (keys.watch_topic(watch.id), keys.import_topic(watch.workspace, watch.import_id))
    if visit.request.method == "HEAD":
        return Response(media_type="text/event-stream", headers=HEADERS)
    lasts = min(LASTS, _left(visit.session.started_at, visit.now))
    events = changes(visit.resources, topics, lasts=lasts)
    return StreamingResponse(events, media_type="text/event-stream", headers=HEADERS)


def _left(started_at: Moment, now: Moment) -> float:
    """Return the seconds that are left of a session."""
    return (started_at + SESSION_LASTS - now) / SECOND


async def changes(
    resources: Resources,
    topics: tuple[str, ...],
    *,
    lasts: float = LASTS,
    at_most_every: float = AT_MOST_EVERY,
    at_least_every: float = AT_LEAST_EVERY,
) -> AsyncGenerator[str, None]:
    """Yield an event after changes, and from time to time without one."""
    loop = asyncio.get_running_loop()
    end = loop.time() + lasts
    async with resources.change_feed.subscribe(*topics) as changed:
        yield "retry: 2000\n\n"
        while loop.time() < end:
            await is_set_within(changed, min(at_least_every, end - loop.time()))
            if resources.change_feed.stopping:
                return
            changed.clear()
            yield CHANGED
            await asyncio.sleep(at_most_every)
