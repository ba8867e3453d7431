"""The page of one watch: its import, its deliveries with their attempts, and what can be done about it."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import RedirectResponse, Response

from bridge.domain.destinations import NamedDestination
from bridge.domain.watches import Watch, WatchState
from bridge.resources import Resources
from bridge.web.auth import may_see
from bridge.web.console.visits import Visit, action, page
from bridge.web.endpoints.failed_records import csv_response
from bridge.web.endpoints.watches import visible
from bridge.web.refusals import Refusal, Refused
from bridge.web.requests.query import CsvQuery, parse_query
from bridge.web.serializers import attempt_json, serialize_watches
from bridge.web.watches.delivery_steps import redeliver_one, visible_to
from bridge.web.watches.record_lookup import failed_records_of
from bridge.web.watches.watch_history import read_history
from bridge.web.watches.watch_steps import cancel_watch

DONE = {
    "accepted": "The import is watched.",
    "cancelled": "The watch was cancelled.",
    "redelivered": "The message is sent again.",
}
"""What a page says after an action."""


@page
async def show(visit: Visit) -> Response:
    """Show a watch; one of another client is not found."""
    watch = await visible(visit.resources, visit.client, visit.request.path_params["watch_id"])
    (document,) = await serialize_watches(visit.resources, [watch])
    return visit.page(
        "watch.html",
        watch=document,
        attempts=await _attempts(visit, watch),
        timeline=await read_history(visit.resources, visit.client, watch),
        done=DONE.get(visit.request.query_params.get("done", "")),
    )


async def _attempts(visit: Visit, watch: Watch) -> Mapping[str, list[Any]]:
    """Return the attempts of each delivery of a watch, newest first."""
    deliveries = visible_to(visit.client, await visit.resources.deliveries.many(watch.deliveries))
    return {
        each.id: [
            attempt_json(attempt, admin=visit.client.admin, named=isinstance(each.destination, NamedDestination))
            for attempt in await visit.resources.attempts.of(each)
        ]
        for each in deliveries
    }


@action
async def cancel(visit: Visit, _: Mapping[str, str]) -> Response:
    """Cancel a watch, and return to its page."""
    resources, watch_id = visit.resources, visit.request.path_params["watch_id"]
    entry = await resources.watches.index_entry(watch_id)
    if entry is None or not may_see(visit.client, entry.client):
        raise Refused(Refusal.WATCH_NOT_FOUND)
    await cancel_watch(resources, watch_id, entry, by=visit.client.name)
    if not await _is_cancelled(resources, visit, watch_id):
        raise Refused(Refusal.WATCH_ALREADY_SETTLED, "Nothing was changed.")
    return _back(watch_id, "cancelled")


async def _is_cancelled(resources: Resources, visit: Visit, watch_id: str) -> bool:
    return (await visible(resources, visit.client, watch_id)).state is WatchState.CANCELLED


@action
async def redeliver(visit: Visit, _: Mapping[str, str]) -> Response:
    """Send a delivery again, and return to the page of its watch."""
    delivery = await redeliver_one(visit.resources, visit.client, visit.request.path_params["delivery_id"])
    if not delivery.watch_id:
        return RedirectResponse("/console/deliveries?done=redelivered", 303)
    return _back(delivery.watch_id, "redelivered")


@page
async def failed_records(visit: Visit) -> Response:
    """Return all failed records of a watch's import as CSV."""
    query = parse_query(visit.request, CsvQuery)
    watch = await visible(visit.resources, visit.client, visit.request.path_params["watch_id"])
    found = await failed_records_of(visit.resources, watch)
    return csv_response(visit.request, visit.client, watch, found, safe=query.is_safe)


def _back(watch_id: str, done: str) -> Response:
    return RedirectResponse(f"/console/watches/{watch_id}?done={done}", 303)
