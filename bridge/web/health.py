"""Alive, and able to work."""

from starlette.requests import Request
from starlette.responses import Response

from bridge.errors import StoreUnavailable
from bridge.resources import Resources
from bridge.store.fitness import examine
from bridge.web.problems import RETRY_AFTER_OUTAGE
from bridge.web.responses import ApiResponse
from bridge.web.schemas.responses import AliveResponse, ReadyResponse


async def healthz(_: Request) -> Response:
    """Answer: all that a liveness probe should know."""
    answer: AliveResponse = {"status": "alive"}
    return ApiResponse(answer)


async def readyz(request: Request) -> Response:
    """Tell whether watches can be accepted: Redis takes writes and keeps them; a worker is told of, not required."""
    resources: Resources = request.app.state.resources
    try:
        await resources.store.check()
        fitness = await examine(resources.store, may_evict=resources.settings.redis_may_evict)
        workers = await resources.bell.has_workers()
    except StoreUnavailable as error:
        return _not_ready(str(error))
    if fitness.problem is not None:
        return _not_ready(f"Redis: {fitness.problem}")
    answer: ReadyResponse = {"status": "ready", "redis": "ok", "workers": "seen" if workers else "none seen"}
    if fitness.warnings:
        answer["warnings"] = list(fitness.warnings)
    return ApiResponse(answer)


def _not_ready(why: str) -> Response:
    refusal: ReadyResponse = {"status": "not ready", "redis": why}
    return ApiResponse(refusal, 503, headers={"Retry-After": RETRY_AFTER_OUTAGE})
