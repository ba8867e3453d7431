"""Alive, and able to work."""

from starlette.requests import Request
from starlette.responses import Response

from bridge.errors import StoreUnavailable
from bridge.resources import Resources
from bridge.store.fitness import examine
from bridge.web.answers import AliveAnswer, ReadyAnswer
from bridge.web.json_answer import JSONAnswer
from bridge.web.problems import RETRY_AFTER_OUTAGE


async def healthz(_: Request) -> Response:
    """Answer: all that a liveness probe should know."""
    answer: AliveAnswer = {"status": "alive"}
    return JSONAnswer(answer)


async def readyz(request: Request) -> Response:
    """Tell whether watches can be accepted: Redis takes writes and keeps them; a worker is told of, not required."""
    resources: Resources = request.app.state.resources
    try:
        await resources.store.check()
        fitness = await examine(resources.store, may_evict=resources.settings.redis_may_evict)
        workers = await resources.bell.workers_seen()
    except StoreUnavailable as error:
        return _not_ready(str(error))
    if fitness.problem is not None:
        return _not_ready(f"Redis: {fitness.problem}")
    answer: ReadyAnswer = {"status": "ready", "redis": "ok", "workers": "seen" if workers else "none seen"}
    if fitness.warnings:
        answer["warnings"] = list(fitness.warnings)
    return JSONAnswer(answer)


def _not_ready(why: str) -> Response:
    refusal: ReadyAnswer = {"status": "not ready", "redis": why}
    return JSONAnswer(refusal, 503, headers={"Retry-After": RETRY_AFTER_OUTAGE})
