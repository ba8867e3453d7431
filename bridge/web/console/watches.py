"""The page of watches: searched and filtered, newest first."""

from collections.abc import Sequence

from starlette.responses import Response

from bridge.domain.outcomes import Outcome
from bridge.domain.watches import Watch, WatchState
from bridge.ids import lowest_id
from bridge.store.indexes import Filters
from bridge.web.auth import may_see
from bridge.web.console.filters import PAGE_SIZE, WatchesFilter
from bridge.web.console.visits import Visit, page
from bridge.web.requests.query import parse_query
from bridge.web.serializers import serialize_watches


@page
async def show(visit: Visit) -> Response:
    """Show a page of the watches that match the filter."""
    wanted = parse_query(visit.request, WatchesFilter)
    watches, cursor = await _find(visit, wanted)
    return visit.page(
        "watches.html",
        watches=await serialize_watches(visit.resources, watches),
        filter=wanted.as_sent(visit.request.query_params),
        older=cursor,
        first=wanted.cursor is None,
        states=list(WatchState),
        outcomes=list(Outcome),
    )


async def _find(visit: Visit, wanted: WatchesFilter) -> tuple[Sequence[Watch], str | None]:
    """Return the watches of a page, and the cursor of the next one; a page may be shorter before the end."""
    indexes, filters = visit.resources.indexes, _filters(visit, wanted)
    if wanted.undelivered:
        ids, cursor = await indexes.watches_undelivered(wanted.import_id, **filters)
    elif wanted.import_id is not None:
        ids, cursor = await indexes.watches_about(wanted.import_id, **filters)
    elif wanted.label is not None:
        ids, cursor = await indexes.watches_labelled(wanted.label, **filters)
    else:
        filters["limit"] += 1
        found = await indexes.watches(**filters)
        ids, cursor = found[:PAGE_SIZE], found[PAGE_SIZE - 1] if len(found) > PAGE_SIZE else None
    # The indexes are not encrypted; only a watch's encrypted record is proof of its client.
    seen = [each for each in await visit.resources.watches.many(ids) if may_see(visit.client, each.client)]
    return [each for each in seen if _has_label(each, wanted.label)], cursor


def _filters(visit: Visit, wanted: WatchesFilter) -> Filters:
    bounds = [each for each in (wanted.cursor, _id_at(wanted.until)) if each is not None]
    return {
        "client": wanted.client if visit.client.admin else visit.client.name,
        "state": wanted.state,
        "outcome": wanted.outcome,
        "below": min(bounds, default=None),
        "above": _id_at(wanted.since),
        "limit": PAGE_SIZE,
    }


def _id_at(moment: int | None) -> str | None:
    return None if moment is None else lowest_id("wat_", moment)


def _has_label(watch: Watch, label: str | None) -> bool:
    return label is None or (watch.label or "").strip().casefold() == label.casefold()
