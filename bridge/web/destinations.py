"""A test of a destination: one message now, and what came of it."""

from typing import Literal

import structlog
from starlette.requests import Request
from starlette.responses import Response

from bridge.destinations import describe, kind
from bridge.destinations.reasons import for_everyone, is_in_confidence
from bridge.destinations.trial import Trial, send_test
from bridge.domain.deliveries import Accepted, Deferred, Destination, Rejected, Verdict
from bridge.domain.times import SECOND
from bridge.errors import Refusal, Refused
from bridge.resources import Resources
from bridge.web.answers import TestAnswer
from bridge.web.asked import context_of, without_query
from bridge.web.auth import client_of
from bridge.web.bodies import TestBody, parse, read_json
from bridge.web.json_answer import JSONAnswer

log = structlog.get_logger()


async def test(request: Request) -> Response:
    """Send a test message to a destination, at its pace, and tell how that went."""
    resources: Resources = request.app.state.resources
    client = await client_of(request)
    without_query(request)
    body = parse(await read_json(request), TestBody, context_of(resources, client))
    destination = body.destination.destination()
    async with request.app.state.trial_places.place_of(client.name):
        trial = await _sent(resources, client.name, destination)
    document: TestAnswer = {
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
    return JSONAnswer(document)


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
