"""The endpoints of destinations: the named ones that a client may use, and a test message to any."""

from typing import Literal

import structlog
from starlette.requests import Request
from starlette.responses import Response

from bridge.destinations import kind
from bridge.destinations.descriptions import describe
from bridge.destinations.reasons import is_confidential, public_reason
from bridge.destinations.send_test import TestOutcome, send_test
from bridge.domain.clients import Client
from bridge.domain.delivery.verdicts import Accepted, Deferred, Rejected, Verdict
from bridge.domain.destinations import Destination
from bridge.domain.times import SECOND
from bridge.resources import Resources
from bridge.web.endpoints.authenticated import authenticated
from bridge.web.json_response import ApiResponse
from bridge.web.refusals import Refusal, Refused
from bridge.web.requests.body import parse, read_json, validation_context
from bridge.web.schemas.destination_responses import NamedDestinationsResponse, TestResponse
from bridge.web.schemas.send_test import TestBody

log = structlog.get_logger()


@authenticated
async def list_named(_: Request, resources: Resources, client: Client) -> Response:
    """List the operator's named destinations that your client may use, by name. Their URLs stay unknown to you."""
    permitted = sorted(name for name in resources.named if client.permissions.may_name(name))
    document: NamedDestinationsResponse = {
        "data": [{"name": name, "type": kind(resources.named[name])} for name in permitted]
    }
    return ApiResponse(document)


@authenticated
async def test(request: Request, resources: Resources, client: Client) -> Response:
    """Send a test message to a destination now, within its rate limit, and return the result.

    It is sent once and leaves no delivery.
    """
    body = parse(await read_json(request), TestBody, validation_context(resources, client))
    destination = body.destination.destination()
    async with request.app.state.send_test_slots.acquire(client.name):
        trial = await send_now(resources, client.name, destination)
    document: TestResponse = {
        "type": kind(destination),
        "destination": describe(destination),
        "fingerprint": resources.fingerprint(destination),
        "verdict": verdict_name(trial.verdict),
        "reason": None if isinstance(trial.verdict, Accepted) else trial.verdict.reason,
        "status": trial.status,
        "tookMs": trial.took,
    }
    log.info("destination.tested", client=client.name, **document)
    if is_confidential(document["reason"]) and not client.admin:
        document |= {"reason": public_reason(document["reason"]), "tookMs": 0}
    return ApiResponse(document)


async def send_now(
    resources: Resources, client: str, destination: Destination, *, owner: str | None = None
) -> TestOutcome:
    """Send a test message that a client asked for; `owner` is the client of the destination, if that is another."""
    if wait := await resources.lanes.reserve(resources.lane(destination)):
        seconds = str(-(-wait // SECOND))
        raise Refused(Refusal.DESTINATION_BUSY, "No message was sent.", headers={"Retry-After": seconds})
    return await send_test(
        destination,
        client=client,
        now=await resources.store.now(),
        named=resources.named,
        sender=resources.sender,
        egress=resources.egress,
        owner=owner,
    )


def verdict_name(verdict: Verdict) -> Literal["accepted", "deferred", "rejected"]:
    match verdict:
        case Accepted():
            return "accepted"
        case Deferred():
            return "deferred"
        case Rejected():
            return "rejected"
