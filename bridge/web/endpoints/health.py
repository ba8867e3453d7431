"""The endpoints for liveness and readiness probes."""

from starlette.requests import Request
from starlette.responses import Response

from bridge.errors import StoreUnavailable
from bridge.resources import Resources
from bridge.store.operations.redis_check import check_redis
from bridge.web.json_response import ApiResponse
from bridge.web.problems import RETRY_AFTER_OUTAGE
from bridge.web.schemas.health_responses import AliveResponse, ReadyResponse
from bridge.web.serializers import process_json, worker_json


async def healthz(_: Request) -> Response:
    """Check that the process responds. For liveness probes."""
    response: AliveResponse = {"status": "alive"}
    return ApiResponse(response)


async def readyz(request: Request) -> Response:
    """Check whether watches can be accepted. Redis must accept and keep writes; a missing worker is only reported."""
    resources: Resources = request.app.state.resources
    try:
        await resources.store.check()
        checked = await check_redis(resources.store, may_evict=resources.settings.redis_may_evict)
        fleet = await resources.heartbeats.read()
        apis = await resources.api_heartbeats.read()
    except StoreUnavailable as error:
        return _not_ready(str(error))
    if checked.problem is not None:
        return _not_ready(f"Redis: {checked.problem}")
    response: ReadyResponse = {
        "status": "ready",
        "redis": "ok",
        "workers": [worker_json(each) for each in fleet.alive],
        "apis": [process_json(each) for each in apis.alive],
    }
    if checked.warnings:
        response["warnings"] = list(checked.warnings)
    return ApiResponse(response)


def _not_ready(reason: str) -> Response:
    response: ReadyResponse = {"status": "not ready", "redis": reason}
    return ApiResponse(response, 503, headers={"Retry-After": RETRY_AFTER_OUTAGE})
