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

PATIENCE = 1.0
"""Seconds until we answer that we can't. Slack waits for three, in which a modal must also be opened."""
UNAVAILABLE = "⚠️ I can't reach my data now, so nothing was changed that I know of. Try again in a minute."

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A text that only the person who asked sees, or none; and what is done after the response."""

    text: str = ""
    replace: bool = False
    """Whether the text replaces the message that the person clicked in."""
    repeated: bool = False
    """Whether it is the answer to a request that came before."""
    afterwards: Callable[[], Awaitable[None]] | None = None


async def carry_out(
    resources: Resources, verified: Verified, user: str, act: Callable[[], Awaitable[Answer]]
) -> Answer:
    """Carry out a request of a user, unless it came before; a repetition gets the same answer.

    Without Redis, the answer says so.
    """
    try:
        async with asyncio.timeout(PATIENCE):
            return await _carry_out(resources, verified, user, act)
    except (StoreUnavailable, TimeoutError):
        return Answer(text=UNAVAILABLE)


async def _carry_out(
    resources: Resources, verified: Verified, user: str, act: Callable[[], Awaitable[Answer]]
) -> Answer:
    team = verified.slack.team
    if (repetition := await resources.slack_requests.begin(team, verified.signed)) is not None:
        return Answer(text=repetition.answer, repeated=True)
    if wait := await resources.rate_limiter.acquire(user):
        return Answer(text=f"⚠️ That was too much at once. Try again in {-(-wait // SECOND)} s.")
    answer = await act()
    await resources.slack_requests.end(team, verified.signed, answer.text)
    return answer


def respond(answer: Answer) -> Response:
    """Return the response to a command: an ephemeral message, or nothing that anybody sees."""
    task = None if answer.afterwards is None else BackgroundTask(logged, answer.afterwards)
    if not answer.text:
        return Response(background=task)
    return ApiResponse({"response_type": "ephemeral", "text": answer.text}, background=task)


def acknowledge(answer: Answer, say_text: Callable[[], Awaitable[None]]) -> Response:
    """Return the response to a click, which shows nothing; `say_text` says the text of the answer after it."""
    afterwards = say_text if answer.text and not answer.repeated else answer.afterwards
    return Response(background=None if afterwards is None else BackgroundTask(logged, afterwards))


async def logged(act: Callable[[], Awaitable[None]]) -> None:
    """Run `act`, and log what it raises. It is run after the response, when no caller waits for an error any more."""
    try:
        await act()
    except Exception:
        log.error("slack.act_failed", exc_info=True)  # noqa: G201 - the guide lists what is logged as error
