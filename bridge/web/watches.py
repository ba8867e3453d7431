"""Watches at the front door: POST one, GET one."""

from typing import Any

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from ulid import ULID

from bridge.domain.deliveries import Delivery
from bridge.domain.notifications import reading_as_json
from bridge.domain.polls import wish_at
from bridge.domain.times import SECOND, rfc3339
from bridge.domain.watches import Watch, WatchState
from bridge.errors import Refused
from bridge.queue import Alarm
from bridge.resources import Resources
from bridge.store.imports import Polled
from bridge.store.watches import Joined, NewWatch
from bridge.web import deliveries
from bridge.web.auth import client_of
from bridge.web.bodies import Context, WatchBody, parse, read_json
from bridge.web.times import time_or_none

log = structlog.get_logger()


async def create(request: Request) -> Response:
    """Store a watch and have its import polled. 202: its end is told later."""
    resources: Resources = request.app.state.resources
    client = client_of(request)
    workspaces = frozenset(name for name in resources.rally if client.may_use(name))
    context = Context(rules=resources.egress_rules, workspaces=workspaces, named=resources.named)
    body = parse(await read_json(request), WatchBody, context)
    settings = resources.settings
    new = NewWatch(
        id=f"wat_{str(ULID()).lower()}",
        client=client.name,
        workspace=body.workspace,
        import_id=body.import_id,
        notify=tuple(wish.destination() for wish in body.notify),
        label=body.label,
        metadata=body.metadata,
        expires_in=settings.watch_expiry if body.expires_in is None else body.expires_in * SECOND,
    )
    wish = wish_at(resources.poll_schedule, 0)
    accepted = await resources.watches.accept(
        new, grace=settings.not_found_grace, reuse=settings.reading_reuse, wish=wish
    )
    _ring(resources, accepted.joined)
    facts = {"client": client.name, "import_id": new.import_id, "joined": accepted.joined.value}
    log.info("watch.accepted", watch_id=new.id, **facts)
    document = as_json(accepted.watch, accepted.polled, [])
    return JSONResponse(document, 202, headers={"Location": f"/v1/watches/{new.id}"})


def _ring(resources: Resources, joined: Joined) -> None:
    match joined:
        case Joined.NEW:
            resources.bell.ring(Alarm.POLL)
        case Joined.FINAL:
            resources.bell.ring(Alarm.SWEEP)
        case Joined.JOINED | Joined.KNOWN:
            pass


async def show(request: Request) -> Response:
    """Give a watch with its deliveries; one of another client is as unknown as one that never was."""
    resources: Resources = request.app.state.resources
    client = client_of(request)
    watch = await resources.watches.get(request.path_params["watch_id"])
    if watch is None or not client.may_see(watch.client):
        raise Refused(404, "No such watch")
    polled = None
    if watch.state is WatchState.WATCHING:
        polled = await resources.imports.get(watch.workspace, watch.import_id)
    return JSONResponse(as_json(watch, polled, await resources.deliveries.of(watch.deliveries)))


async def cancel(request: Request) -> Response:
    """End a watch without an outcome; with the last watch of an import its polling ends too. 409 when it has ended."""
    resources: Resources = request.app.state.resources
    client = client_of(request)
    watch_id = request.path_params["watch_id"]
    where = await resources.watches.whereabouts(watch_id)
    if where is None or not client.may_see(where.client):
        raise Refused(404, "No such watch")
    if not await resources.watches.cancel(watch_id, where, await resources.store.now()):
        raise Refused(409, "The watch has ended already", "GET it to see how.")
    log.info("watch.cancelled", watch_id=watch_id, client=client.name)
    return await show(request)


def as_json(watch: Watch, polled: Polled | None, owed: list[Delivery]) -> dict[str, Any]:
    """Give a watch as the API shows it; an open one shows what is known of its import by now."""
    watching = watch.state is WatchState.WATCHING
    reading = polled.known.reading if watching and polled else watch.reading
    return {
        "id": watch.id,
        "importId": watch.import_id,
        "workspace": watch.workspace,
        "state": watch.state.value,
        "outcome": None if watch.outcome is None else watch.outcome.value,
        "reason": watch.reason,
        "import": None if reading is None else reading_as_json(reading),
        "polls": polled.polls if watching and polled else watch.polls,
        "lastPolledAt": time_or_none(polled.known.polled_at if watching and polled else watch.polled_at),
        "nextPollAt": time_or_none(polled.next_due if watching and polled else None),
        "label": watch.label,
        "metadata": dict(watch.metadata),
        "createdBy": watch.client,
        "createdAt": rfc3339(watch.created_at),
        "expiresAt": rfc3339(watch.expires_at),
        "settledAt": time_or_none(watch.settled_at),
        "deliveries": [deliveries.as_json(delivery) for delivery in owed],
    }
