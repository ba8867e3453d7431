"""Deliveries at the front door: one, with its attempts."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bridge.destinations import describe, kind
from bridge.domain.deliveries import Attempt, Delivery
from bridge.domain.times import rfc3339
from bridge.errors import Refused
from bridge.resources import Resources
from bridge.web.auth import client_of
from bridge.web.times import time_or_none


async def show(request: Request) -> Response:
    """Give a delivery with its last attempts, newest first; another client's is as unknown as one that never was."""
    resources: Resources = request.app.state.resources
    client = client_of(request)
    found = await resources.deliveries.of([request.path_params["delivery_id"]])
    if not found or not client.may_see(found[0].client):
        raise Refused(404, "No such delivery")
    (delivery,) = found
    attempts = await resources.deliveries.attempts(delivery.id)
    document = {"watchId": delivery.watch_id, **as_json(delivery), "log": [attempt_as_json(each) for each in attempts]}
    return JSONResponse(document)


def as_json(delivery: Delivery) -> dict[str, Any]:
    """Give a delivery as the API shows it, without its secret."""
    return {
        "id": delivery.id,
        "type": kind(delivery.destination),
        "destination": describe(delivery.destination),
        "state": delivery.state.value,
        "attempts": delivery.attempts,
        "nextAttemptAt": time_or_none(delivery.due),
        "lastReason": delivery.last_reason,
        "endedAt": time_or_none(delivery.ended_at),
    }


def attempt_as_json(attempt: Attempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "at": rfc3339(attempt.at),
        "tookMs": attempt.took,
        "status": attempt.status,
        "reason": attempt.reason,
        "answer": attempt.answer,
    }
