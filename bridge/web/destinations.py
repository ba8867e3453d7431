"""A test of a destination: one message now, and what came of it."""

import time
from typing import Literal

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from ulid import ULID

from bridge.destinations import describe, judge, kind, prepare, render, resolve
from bridge.domain.deliveries import Accepted, Deferred, Destination, NoResponse, Rejected, Verdict
from bridge.domain.deliveries import Response as Answered
from bridge.domain.notices import test_message
from bridge.domain.times import SECOND
from bridge.errors import Refusal, Refused
from bridge.resources import Resources
from bridge.web.answers import TestAnswer
from bridge.web.asked import context_of
from bridge.web.auth import client_of
from bridge.web.bodies import TestBody, parse, read_json

log = structlog.get_logger()


async def test(request: Request) -> Response:
    """Send a test message to a destination, at its pace, and tell how that went; nothing is kept or tried again."""
    resources: Resources = request.app.state.resources
    client = await client_of(request)
    body = parse(await read_json(request), TestBody, context_of(resources, client))
    destination = body.destination.destination()
    if wait := await resources.deliveries.take_turn(resources.lane(destination)):
        seconds = str(-(-wait // SECOND))
        raise Refused(Refusal.DESTINATION_BUSY, "Its pace allows no message now.", headers={"Retry-After": seconds})
    began = time.monotonic()
    verdict, status = await _send(resources, client.name, destination)
    document: TestAnswer = {
        "type": kind(destination),
        "destination": describe(destination),
        "verdict": _named(verdict),
        "reason": None if isinstance(verdict, Accepted) else verdict.reason,
        "status": status,
        "tookMs": int((time.monotonic() - began) * SECOND),
    }
    log.info("destination.tested", client=client.name, **document)
    return JSONResponse(document)


async def _send(resources: Resources, client: str, destination: Destination) -> tuple[Verdict, int | None]:
    now = await resources.store.now()
    message = test_message(client, now)
    resolved = resolve(destination, render(message, destination), resources.named, resources.sender)
    if isinstance(resolved, NoResponse):
        return Deferred(resolved.reason), None
    address, body = resolved
    message_id = f"ntf_{str(ULID()).lower()}"
    sender = resources.sender
    request = prepare(address, body, notification_id=message_id, client=client, now=now, sender=sender)
    answer = await resources.egress.send(request)
    verdict: Accepted | Deferred | Rejected = judge(address, answer, now)
    return verdict, answer.status if isinstance(answer, Answered) else None


def _named(verdict: Verdict) -> Literal["accepted", "deferred", "rejected"]:
    match verdict:
        case Accepted():
            return "accepted"
        case Deferred():
            return "deferred"
        case Rejected():
            return "rejected"
