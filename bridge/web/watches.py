"""Watches at the front door: POST one or many, GET one or pages of them, cancel one."""

import asyncio
import json
from typing import Any, TypedDict

import structlog
from starlette.requests import Request
from starlette.responses import Response

from bridge.domain.clients import Client
from bridge.domain.outcomes import Outcome
from bridge.domain.times import SECOND
from bridge.domain.watches import Watch, WatchState
from bridge.errors import DecryptionFailed, Refusal, Refused, StoreUnavailable
from bridge.ids import new_id
from bridge.queue import Alarm
from bridge.resources import Resources
from bridge.store.acceptance import Acceptance, AcceptedWatch, NewWatch
from bridge.store.imports import ImportRecord
from bridge.web.auth import authenticate, charge_batch, may_see
from bridge.web.problems import document_of
from bridge.web.query import (
    WaitQuery,
    WatchesQuery,
    idempotency_key,
    once,
    parse_query,
    reject_query,
    validation_context,
)
from bridge.web.responses import ApiResponse
from bridge.web.schemas.destinations import Context
from bridge.web.schemas.responses import AcceptedResponse, BatchResponse, RefusedResponse, WatchesResponse
from bridge.web.schemas.watches import BATCH_LIMIT, BatchBody, WatchBody, parse, read_json
from bridge.web.serializers import as_json, serialize_watches, wait_until_ended

log = structlog.get_logger()


async def create(request: Request) -> Response:
    """Store a watch and have its import polled. 202: its end is told later."""
    resources: Resources = request.app.state.resources
    client = await authenticate(request)
    reject_query(request)
    key = idempotency_key(request)
    accepted = await _accept(resources, client, await read_json(request), key, validation_context(resources, client))
    headers = {"Location": f"/v1/watches/{accepted.watch.id}"}
    if accepted.acceptance is Acceptance.REPLAYED:
        headers["Idempotent-Replayed"] = "true"
    return ApiResponse(as_json(accepted.watch, accepted.polled, []), 202, headers=headers)


async def create_many(request: Request) -> Response:
    """Store many watches, each by itself: a result for each, in the order in which they were asked for.

    Each counts as a call of your client's. A batch of more than it may still make in this minute is refused whole; one
    of more than it may make in any minute passes in a minute without other calls. A watch that can't be stored just now
    has 503 in its result, and the batch itself where none can: sent again under one Idempotency-Key, each is made once.
    """
    resources: Resources = request.app.state.resources
    client = await authenticate(request)
    reject_query(request)
    key = idempotency_key(request)
    asked = parse(await read_json(request, limit=BATCH_LIMIT), BatchBody).watches
    await charge_batch(resources, client, len(asked))
    context = validation_context(resources, client)

    async def result(number: int, watch: dict[str, Any]) -> AcceptedResponse | RefusedResponse:
        # Each watch of a batch is answered once by itself, so that a batch that broke off can be sent again.
        # No key that a header can hold is the same: a line's end stands in none.
        own_key = None if key is None else f"{key}\n{number}"
        try:
            accepted = await _accept(resources, client, json.dumps(watch).encode(), own_key, context)
        except (Refused, StoreUnavailable) as error:
            problem = document_of(error)
            return {"status": problem["status"], "problem": problem}
        return {"status": 202, "watch": as_json(accepted.watch, accepted.polled, [])}

    results = await asyncio.gather(*(result(number, watch) for number, watch in enumerate(asked)))
    if all(each["status"] == Refusal.SERVICE_UNAVAILABLE.status for each in results):
        raise StoreUnavailable("None of the batch could be stored")
    answer: BatchResponse = {"results": results}
    return ApiResponse(answer)


async def _accept(resources: Resources, client: Client, raw: bytes, key: str | None, context: Context) -> AcceptedWatch:
    """Check one watch and store it; raises Refused."""
    body = parse(raw, WatchBody, context)
    settings = resources.settings
    new = NewWatch(
        id=new_id("wat_"),
        client=client.name,
        workspace=body.workspace,
        import_id=body.import_id,
        notify=tuple(wish.destination() for wish in body.notify),
        label=body.label,
        metadata=body.metadata,
        expires_in=settings.watch_expiry if body.expires_in is None else body.expires_in * SECOND,
    )
    accepted = await resources.watches.accept(
        new,
        grace=settings.not_found_grace,
        reuse=settings.reading_reuse,
        once=once(resources, client, key, raw),
    )
    if accepted is None:
        detail = "With this Idempotency-Key something else was asked for, less than 24 hours ago. Nothing was changed."
        raise Refused(Refusal.IDEMPOTENCY_KEY_REUSED, detail)
    _ring(resources, accepted.acceptance)
    facts = {"client": client.name, "import_id": new.import_id, "joined": accepted.acceptance.value}
    log.info("watch.accepted", watch_id=accepted.watch.id, **facts)
    return accepted


def _ring(resources: Resources, acceptance: Acceptance) -> None:
    match acceptance:
        case Acceptance.NEW | Acceptance.REPLAYED:
            resources.bell.ring(Alarm.POLL)
        case Acceptance.FINAL:
            resources.bell.ring(Alarm.SWEEP)
        case Acceptance.JOINED | Acceptance.KNOWN:
            pass


async def show(request: Request) -> Response:
    """Give a watch with its deliveries, with `wait` once it has ended; another client's is as unknown as none."""
    resources: Resources = request.app.state.resources
    client = await authenticate(request)
    wait = parse_query(request, WaitQuery).wait
    watch = await visible(resources, client, request.path_params["watch_id"])
    if wait and watch.state is WatchState.WATCHING:
        watch = await wait_until_ended(resources, watch, wait)
    (document,) = await serialize_watches(resources, [watch])
    return ApiResponse(document)


async def visible(resources: Resources, client: Client, watch_id: str) -> Watch:
    """Give a watch that a client may see; raises Refused with 404, or SealBroken where the client may know of it."""
    try:
        watch = await resources.watches.get(watch_id)
    except DecryptionFailed:
        where = await resources.watches.index_entry(watch_id)
        if where is None or not may_see(client, where.client):
            raise Refused(Refusal.WATCH_NOT_FOUND) from None
        raise
    if watch is None or not may_see(client, watch.client):
        raise Refused(Refusal.WATCH_NOT_FOUND)
    return watch


class Asked(TypedDict):
    """Which watches are asked for."""

    client: str | None
    state: WatchState | None
    outcome: Outcome | None
    below: str | None


async def pages(request: Request) -> Response:
    """Give the client's watches, newest first; an admin's are everybody's."""
    resources: Resources = request.app.state.resources
    client = await authenticate(request)
    query = parse_query(request, WatchesQuery)
    asked: Asked = {
        "client": None if client.admin else client.name,
        "state": None if query.state is None else WatchState(query.state),
        "outcome": None if query.outcome is None else Outcome(query.outcome),
        "below": query.cursor,
    }
    if query.import_id is None:
        ids = await resources.indexes.watches(**asked, limit=query.limit + 1)
        more = ids[query.limit - 1] if len(ids) > query.limit else None
    else:
        ids, more = await resources.indexes.watches_about(query.import_id, **asked, limit=query.limit)
    # The lists are in the clear: whose a watch is, its seal alone tells.
    page = [each for each in await resources.watches.many(ids[: query.limit]) if may_see(client, each.client)]
    answer: WatchesResponse = {"data": await serialize_watches(resources, page), "nextCursor": more}
    return ApiResponse(answer)


async def _as_last_read(resources: Resources, watch_id: str) -> ImportRecord | None:
    """Return a watch's import; None where the watch does not open, as its record may name another's import."""
    try:
        watch = await resources.watches.get(watch_id)
    except DecryptionFailed:
        return None
    if watch is None:
        return None
    (polled,) = await resources.imports.many([(watch.workspace, watch.import_id)])
    return polled


async def cancel(request: Request) -> Response:
    """End a watch without an outcome; with the last watch of an import its polling ends too. 409 when it has settled.

    To cancel what is cancelled changes nothing. A body is not read.
    """
    resources: Resources = request.app.state.resources
    client = await authenticate(request)
    reject_query(request)
    watch_id = request.path_params["watch_id"]
    where = await resources.watches.index_entry(watch_id)
    if where is None or not may_see(client, where.client):
        raise Refused(Refusal.WATCH_NOT_FOUND)
    polled = await _as_last_read(resources, watch_id)
    if await resources.watches.cancel(watch_id, where, polled, await resources.store.now()):
        log.info("watch.cancelled", watch_id=watch_id, client=client.name)
    watch = await visible(resources, client, watch_id)
    if watch.state is not WatchState.CANCELLED:
        raise Refused(Refusal.WATCH_ALREADY_SETTLED, "GET it to see how.")
    (document,) = await serialize_watches(resources, [watch])
    return ApiResponse(document)
