"""The endpoints of watches: create one or many, get one, list and cancel."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypedDict

from starlette.requests import Request
from starlette.responses import Response

from bridge.domain.clients import Client
from bridge.domain.outcomes import Outcome
from bridge.domain.times import SECOND
from bridge.domain.watches import Watch, WatchState
from bridge.domain.workspaces import DEFAULT_WORKSPACE
from bridge.errors import DecryptionFailed, StoreUnavailable
from bridge.ids import new_id
from bridge.resources import Resources
from bridge.store.watches.acceptance_call import Acceptance, AcceptedWatch, IdempotencyKey, NewWatch, OverLimit
from bridge.web.auth import charge_batch, may_see, rate_limited
from bridge.web.endpoints.authenticated import authenticated, authenticated_counting, authenticated_with
from bridge.web.endpoints.long_poll import wait_until_ended
from bridge.web.json_response import ApiResponse
from bridge.web.problems import document_of
from bridge.web.refusals import Refusal, Refused
from bridge.web.requests.body import BATCH_LIMIT, parse, read_json, validation_context
from bridge.web.requests.idempotency import batch_fingerprint, fingerprints, idempotency_key
from bridge.web.requests.query import WaitQuery, WatchesQuery
from bridge.web.schemas.destinations import Context
from bridge.web.schemas.responses import AcceptedResponse, BatchResponse, RefusedResponse, WatchesResponse
from bridge.web.schemas.watches import BatchBody, WatchBody
from bridge.web.serializers import accepted_json, serialize_watches
from bridge.web.watches.watch_steps import announce, cancel_watch


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedWatch:
    """A valid request for a watch."""

    new: NewWatch
    once: IdempotencyKey | None


async def read_wanted(request: Request, resources: Resources, client: Client) -> WantedWatch:
    """Read a request for one watch; raise Refused when it is invalid."""
    key = idempotency_key(request)
    return validate_wanted(resources, client, await read_json(request), key, validation_context(resources, client))


def validate_wanted(
    resources: Resources, client: Client, raw: bytes, key: str | None, context: Context, *, batch: str | None = None
) -> WantedWatch:
    """Validate the body of a request for one watch, of a batch that is told in digests if `batch` is its id.

    Raise Refused when it is invalid.
    """
    body = parse(raw, WatchBody, context)
    notify = tuple(each.destination() for each in body.notify or ())
    new = NewWatch(
        id=new_id("wat_"),
        client=client.name,
        workspace=body.workspace or DEFAULT_WORKSPACE,
        import_id=body.import_id,
        notify=notify,
        living=resources.living_places(notify),
        label=body.label,
        metadata=body.metadata or {},
        expires_in=resources.settings.watch_expiry if body.expires_in is None else body.expires_in * SECOND,
        nudge_after=None if body.nudge_after is None else body.nudge_after * SECOND,
        batch=batch,
        traceparent=None if resources.traces is None else resources.traces.current(),
    )
    request = raw if batch is None else b'{"digest": true, "watch": %s}' % raw
    return WantedWatch(new=new, once=fingerprints(resources, client, key, request))


@authenticated_counting(read_wanted)
async def create(resources: Resources, _: Client, wanted: WantedWatch) -> Response:
    """Create a watch. Its import is polled, and each destination in `notify` receives the outcome later."""
    accepted = await accept_wanted(resources, wanted, limit=resources.settings.client_rate_limit)
    headers = {"Location": f"/v1/watches/{accepted.watch.id}"}
    if accepted.acceptance is Acceptance.REPLAYED:
        headers["Idempotent-Replayed"] = "true"
    return ApiResponse(accepted_json(resources, accepted), 202, headers=headers)


@authenticated
async def create_many(request: Request, resources: Resources, client: Client) -> Response:
    """Create up to 100 watches. Each is validated and accepted by itself; the results have the order of the request.

    Each watch counts as a request of your client. If the rate limit leaves too few in this minute, the whole batch is
    refused. A batch larger than the limit needs a minute without other requests. A watch that can't be stored now has
    the status 503 in its result; if none can be stored, the response is a 503. Send the batch again with the same
    Idempotency-Key: each watch is created once.
    """
    key = idempotency_key(request)
    body = parse(await read_json(request, limit=BATCH_LIMIT), BatchBody)
    await charge_batch(resources, client, len(body.watches))
    if body.digest:
        addition = await resources.batches.begin(client.name, batch_fingerprint(resources, client, key))
        results = await _results(resources, client, body.watches, key, batch=addition.batch)
        with suppress(StoreUnavailable):  # then the digest waits no longer than for a process that died
            await addition.end()
    else:
        results = await _results(resources, client, body.watches, key)
    if all(each["status"] == Refusal.SERVICE_UNAVAILABLE.status for each in results):
        raise StoreUnavailable("No watch of the batch could be stored")
    response: BatchResponse = {"results": results}
    return ApiResponse(response)


async def _results(
    resources: Resources, client: Client, watches: Sequence[Any], key: str | None, *, batch: str | None = None
) -> list[AcceptedResponse | RefusedResponse]:
    """Validate and accept each watch of a batch by itself."""
    context = validation_context(resources, client)

    async def result(number: int, watch: Any) -> AcceptedResponse | RefusedResponse:
        # Each watch has a key of its own, so that a batch that was interrupted can be sent again.
        # A header can't contain a line feed, so no client can send the same key.
        watch_key = None if key is None else f"{key}\n{number}"
        try:
            wanted = validate_wanted(resources, client, json.dumps(watch).encode(), watch_key, context, batch=batch)
            accepted = await accept_wanted(resources, wanted)
        except (Refused, StoreUnavailable) as error:
            problem = document_of(error)
            return {"status": problem["status"], "problem": problem}
        return {"status": 202, "watch": accepted_json(resources, accepted)}

    return await asyncio.gather(*(result(number, watch) for number, watch in enumerate(watches)))


async def accept_wanted(resources: Resources, wanted: WantedWatch, *, limit: int | None = None) -> AcceptedWatch:
    """Store a watch. With a `limit` of calls a minute, this counts as one of the client's.

    Raise Refused with 429 above the limit, and with 422 when the Idempotency-Key was used for another request.
    """
    new, settings = wanted.new, resources.settings
    accepted = await resources.watches.accept(
        new, grace=settings.not_found_grace, reuse=settings.reading_reuse, once=wanted.once, limit=limit
    )
    if accepted is None:
        detail = "A different request used this Idempotency-Key within the last 24 hours. Nothing was changed."
        raise Refused(Refusal.IDEMPOTENCY_KEY_REUSED, detail)
    if isinstance(accepted, OverLimit):
        raise rate_limited(resources, accepted.wait)
    announce(resources, accepted)
    return accepted


@authenticated_with(WaitQuery)
async def show(request: Request, resources: Resources, client: Client, query: WaitQuery) -> Response:
    """Get a watch and its deliveries. With `wait`, the response is held until the watch ends.

    A watch of another client is a 404.
    """
    watch = await visible(resources, client, request.path_params["watch_id"])
    if query.wait and watch.state is WatchState.WATCHING:
        watch = await wait_until_ended(resources, watch, query.wait)
    (document,) = await serialize_watches(resources, [watch])
    return ApiResponse(document)


async def visible(resources: Resources, client: Client, watch_id: str) -> Watch:
    """Return a watch that the client may see.

    Raise Refused with 404 for another watch, and DecryptionFailed if it is the client's but can't be decrypted.
    """
    try:
        watch = await resources.watches.get(watch_id)
    except DecryptionFailed:
        entry = await resources.watches.index_entry(watch_id)
        if entry is None or not may_see(client, entry.client):
            raise Refused(Refusal.WATCH_NOT_FOUND) from None
        raise
    if watch is None or not may_see(client, watch.client):
        raise Refused(Refusal.WATCH_NOT_FOUND)
    return watch


class _Filter(TypedDict):
    """The arguments of both index lookups."""

    client: str | None
    state: WatchState | None
    outcome: Outcome | None
    below: str | None


async def _ids(resources: Resources, query: WatchesQuery, filters: _Filter) -> tuple[Sequence[str], str | None]:
    """Return the ids of a page, and the cursor of the next one."""
    indexes = resources.indexes
    if query.is_undelivered:
        return await indexes.watches_undelivered(query.import_id, **filters, limit=query.limit)
    if query.import_id is not None:
        return await indexes.watches_about(query.import_id, **filters, limit=query.limit)
    return query.split(await indexes.watches(**filters, limit=query.read_limit))


@authenticated_with(WatchesQuery)
async def pages(_: Request, resources: Resources, client: Client, query: WatchesQuery) -> Response:
    """List your watches, newest first. Admins see the watches of all clients."""
    filters: _Filter = {
        "client": None if client.admin else client.name,
        "state": query.state,
        "outcome": query.outcome,
        "below": query.cursor,
    }
    ids, cursor = await _ids(resources, query, filters)
    # The indexes are not encrypted; only a watch's encrypted record is proof of its client.
    page = [each for each in await resources.watches.many(ids) if may_see(client, each.client)]
    response: WatchesResponse = {"data": await serialize_watches(resources, page), "nextCursor": cursor}
    return ApiResponse(response)


@authenticated
async def cancel(request: Request, resources: Resources, client: Client) -> Response:
    """Cancel a watch. It ends without an outcome; a settled watch is a 409.

    When the last watch of an import is cancelled, the import is no longer polled. Cancelling a watch again changes
    nothing. A body is not read.
    """
    watch_id = request.path_params["watch_id"]
    entry = await resources.watches.index_entry(watch_id)
    if entry is None or not may_see(client, entry.client):
        raise Refused(Refusal.WATCH_NOT_FOUND)
    await cancel_watch(resources, watch_id, entry, by=client.name)
    watch = await visible(resources, client, watch_id)
    if watch.state is not WatchState.CANCELLED:
        raise Refused(Refusal.WATCH_ALREADY_SETTLED, "GET the watch for its outcome.")
    (document,) = await serialize_watches(resources, [watch])
    return ApiResponse(document)
