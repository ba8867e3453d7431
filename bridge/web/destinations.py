"""A test of a destination: one message now, and what came of it."""

from typing import Literal

import structlog
from starlette.requests import Request
from starlette.responses import Response

from bridge.destinations import describe, kind
from bridge.destinations.reasons import for_everyone, is_in_confidence
from bridge.destinations.send_test import Trial, send_test
from bridge.domain.deliveries import Accepted, Deferred, Destination, Rejected, Verdict
from bridge.domain.times import SECOND
from bridge.errors import Refusal, Refused
from bridge.resources import Resources
from bridge.web.auth import authenticate
from bridge.web.query import reject_query, validation_context
from bridge.web.responses import ApiResponse
from bridge.web.schemas.responses import TestResponse
from bridge.web.schemas.watches import TestBody, parse, read_json

log = structlog.get_logger()


async def test(request: Request) -> Response:
    """Send a test message to a destination, at its pace, and tell how that went."""
    resources: Resources = request.app.state.resources
    client = await authenticate(request)
    reject_query(request)
    body = parse(await read_json(request), TestBody, validation_context(resources, client))
    destination = body.destination.destination()
    async with request.app.state.trial_places.place_of(client.name):
        trial = await _sent(resources, client.name, destination)
    document: TestResponse = {
        "type": kind(destination),
        "destination": describe(destination),
        "verdict": _named(trial.verdict),
        "reason": None if isinstance(trial.verdict, Accepted) else trial.verdict.reason,
        "status": trial.status,
        "tookMs": trial.took,
    }
    log.info("destination.tested", client=client.name, **document)
    if is_in_confidence(document["reason"]) and not client.admin:
        document |= {"reason": for_everyone(document["reason"]), "tookMs": 0}
    return ApiResponse(document)


async def _sent(resources: Resources, client: str, destination: Destination) -> Trial:
    if wait := await resources.deliveries.take_turn(resources.lane(destination)):
        seconds = str(-(-wait // SECOND))
        raise Refused(Refusal.DESTINATION_BUSY, "Its pace allows no message now.", headers={"Retry-After": seconds})
    return await send_test(
        destination,
        client=client,
        now=await resources.store.now(),
        named=resources.named,
        sender=resources.sender,
        egress=resources.egress,
    )


def _named(verdict: Verdict) -> Literal["accepted", "deferred", "rejected"]:
    match verdict:
        case Accepted():
            return "accepted"
        case Deferred():
            return "deferred"
        case Rejected():
            return "rejected"
