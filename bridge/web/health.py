"""Alive, and able to work."""

from starlette.requests import Request
from starlette.responses import Response

from bridge.errors import StoreUnavailable
from bridge.resources import Resources
from bridge.web.answers import AliveAnswer, ReadyAnswer
from bridge.web.json_answer import JSONAnswer
from bridge.web.problems import RETRY_AFTER_OUTAGE


async def healthz(_: Request) -> Response:
    """Answer: all that a liveness probe should know."""
    answer: AliveAnswer = {"status": "alive"}
    return JSONAnswer(answer)


async def readyz(request: Request) -> Response:
    """Tell whether watches can be accepted: Redis takes writes. Whether a worker is there is told, not required."""
    resources: Resources = request.app.state.resources
    try:
        await resources.store.check()
        workers = await resources.bell.workers_seen()
    except StoreUnavailable as error:
        refusal: ReadyAnswer = {"status": "not ready", "redis": str(error)}
        return JSONAnswer(refusal, 503, headers={"Retry-After": RETRY_AFTER_OUTAGE})
    answer: ReadyAnswer = {"status": "ready", "redis": "ok", "workers": "seen" if workers else "none seen"}
    return JSONAnswer(answer)
