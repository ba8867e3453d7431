"""Answers to Slack's requests: each request is carried out once, and always answered with 200."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from starlette.background import BackgroundTask
from starlette.responses import Response

from bridge.domain.times import SECOND
from bridge.errors import StoreUnavailable
from bridge.resources import Resources
from bridge.web.json_response import ApiResponse
from bridge.web.slack.verification import Verified

PATIENCE = 2.0
"""Seconds until we answer that we can't; Slack waits for three."""
UNAVAILABLE = "⚠️ I can't reach my data now, so nothing was changed that I know of. Try again in a minute."

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Answer:
    """A text that only the person who asked sees, or none; and what is done after the response."""

    text: str = ""
    afterwards: Callable[[], Awaitable[None]] | None = None


async def answer_once(
    resources: Resources, verified: Verified, user: str, act: Callable[[], Awaitable[Answer]]
) -> Response:
    """Carry out a request of a user, unless it came before; a repetition gets the same answer.

    Without Redis, the answer says so.
    """
    try:
        async with asyncio.timeout(PATIENCE):
            return await _answer(resources, verified, user, act)
    except (StoreUnavailable, TimeoutError):
        return _response(UNAVAILABLE)


async def _answer(
    resources: Resources, verified: Verified, user: str, act: Callable[[], Awaitable[Answer]]
) -> Response:
    team = verified.slack.team
    if (repetition := await resources.slack_requests.begin(team, verified.signed)) is not None:
        return _response(repetition.answer)
    if wait := await resources.rate_limiter.acquire(user):
        return _response(f"⚠️ That was too much at once. Try again in {-(-wait // SECOND)} s.")
    answer = await act()
    await resources.slack_requests.end(team, verified.signed, answer.text)
    return _response(answer.text, answer.afterwards)


def _response(text: str, afterwards: Callable[[], Awaitable[None]] | None = None) -> Response:
    """Return a response: an ephemeral message, or nothing that anybody sees."""
    task = None if afterwards is None else BackgroundTask(_logged, afterwards)
    if not text:
        return Response(background=task)
    return ApiResponse({"response_type": "ephemeral", "text": text}, background=task)


async def _logged(act: Callable[[], Awaitable[None]]) -> None:
    """Act after the response. Nobody waits for the result any more, so an error is logged here."""
    try:
        await act()
    except Exception:
        log.error("slack.act_failed", exc_info=True)  # noqa: G201 - the guide lists what is logged as error
