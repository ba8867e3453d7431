"""The page of deliveries, and the one that sends again what was abandoned in some time."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from bridge.destinations.reasons import public_reason
from bridge.domain.delivery.deliveries import Delivery, DeliveryState
from bridge.domain.times import DAY
from bridge.web.console.filters import PAGE_SIZE, DeliveriesFilter, RedeliveryFilter, in_utc
from bridge.web.console.visits import Visit, action, page
from bridge.web.requests.query import parse_query, validated
from bridge.web.serializers import delivery_json
from bridge.web.watches.delivery_places import place_of
from bridge.web.watches.delivery_steps import MAX_REDELIVERED, count_abandoned, redeliver_abandoned, visible_to

READS = 5
"""The number of chunks that one page reads at most, however few of their deliveries match."""
CHUNK = 2 * PAGE_SIZE

DONE = {"redelivered": "The message is sent again."}


@page
async def show(visit: Visit) -> Response:
    """Show a page of the deliveries that match the filter."""
    wanted = parse_query(visit.request, DeliveriesFilter)
    deliveries, cursor = await _find(visit, wanted)
    return visit.page(
        "deliveries.html",
        deliveries=[
            {"watchId": each.watch_id or None, "client": each.client, **delivery_json(visit.resources, each)}
            for each in deliveries
        ],
        filter=wanted.as_sent(visit.request.query_params),
        older=cursor,
        first=wanted.cursor is None,
        states=list(DeliveryState),
        done=DONE.get(visit.request.query_params.get("done", "")),
    )


async def _find(visit: Visit, wanted: DeliveriesFilter) -> tuple[Sequence[Delivery], str | None]:
    """Return the deliveries of a page, and the cursor of the next one; a page may be shorter before the end."""
    client = wanted.client if visit.client.admin else visit.client.name
    found: list[Delivery] = []
    below = wanted.cursor
    for _ in range(READS):
        ids = await visit.resources.indexes.deliveries(client=client, state=wanted.state, below=below, limit=CHUNK)
        for each in visible_to(visit.client, await visit.resources.deliveries.many(ids)):
            if matches(visit, each, wanted):
                if len(found) == PAGE_SIZE:
                    return found, found[-1].id
                found.append(each)
        if len(ids) < CHUNK:
            return found, None
        below = ids[-1]
    return found, below


def matches(visit: Visit, delivery: Delivery, wanted: DeliveriesFilter | RedeliveryFilter) -> bool:
    """Return whether a delivery's destination, with its fingerprint, and its reason contain the wanted words."""
    return _contains(place_of(visit.resources, delivery), wanted.destination) and _contains(
        public_reason(delivery.last_reason) or "", wanted.reason
    )


def _contains(text: str, wanted: str | None) -> bool:
    return wanted is None or wanted.casefold() in text.casefold()


@page
async def choose(visit: Visit) -> Response:
    """Show how many abandoned deliveries match the filter, before they are sent again."""
    wanted = parse_query(visit.request, RedeliveryFilter)
    sent = wanted.as_sent(visit.request.query_params)
    since, until = _bounds(visit, wanted)
    count = await count_abandoned(
        visit.resources, visit.client, since=since, until=until, wanted=lambda each: matches(visit, each, wanted)
    )
    return visit.page(
        "send_again.html",
        filter=sent,
        exact={**sent, "since": in_utc(since), "until": in_utc(until)},
        count=count,
        most=MAX_REDELIVERED,
        since=since,
        until=until,
        sent=visit.request.query_params.get("sent", ""),
    )


@action
async def send_again(visit: Visit, form: Mapping[str, str]) -> Response:
    """Send again what the page has counted, and return to it."""
    wanted = validated({name: value for name, value in form.items() if name != "csrf"}, RedeliveryFilter)
    since, until = _bounds(visit, wanted)
    count = await redeliver_abandoned(
        visit.resources, visit.client, since=since, until=until, wanted=lambda each: matches(visit, each, wanted)
    )
    return RedirectResponse(f"/console/deliveries/send-again?{urlencode({'sent': count})}", 303)


def _bounds(visit: Visit, wanted: RedeliveryFilter) -> tuple[int, int]:
    """Return the first and the last moment that the form names; by default those of the last day."""
    until = visit.now if wanted.until is None else wanted.until
    return (until - DAY if wanted.since is None else wanted.since), until
