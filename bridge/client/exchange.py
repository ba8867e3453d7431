"""The steps of one request: send it, judge the answer, and pause and send it again where `retries` says so."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from random import random
from typing import TypeVar

from bridge.client.answers import UNREADABLE, Answer, Answered, Server, judge
from bridge.client.errors import CallFailed, RateLimited
from bridge.client.requests import Request
from bridge.client.retries import FIRST_PAUSE, next_pause, retry_pause, with_jitter
from bridge.client.steps import Call, pause, send

CONNECT_TIMEOUT = 5.0
PATIENCE = 75.0
"""Seconds for which a call is retried: longer than a 429 of the bridge lasts."""

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Session:
    """What the calls of one client share."""

    server: Server
    patience: float
    """Seconds for which a bridge that is unreachable or busy is retried."""
    connect_timeout: float
    on_retry: Callable[[CallFailed, float], None] | None = None
    """Is called before each retry, with the error and the seconds until then."""
    reached: bool = False
    """Whether the bridge has answered before. Until then its URL may be wrong, and retries end with the timeout."""

    @property
    def retried_for(self) -> float:
        return self.patience if self.reached else min(self.patience, self.connect_timeout)


def exchange(
    session: Session, request: Request[T], *, wait_if_limited: bool = True, deadline: float | None = None
) -> Call[T]:
    """Send a request until its answer has a value; raise CallFailed when a retry is useless, unsafe or too late.

    Without `wait_if_limited`, RateLimited is raised at once. No retry begins after `deadline`.
    """
    usual, began = FIRST_PAUSE, None
    while True:
        answer = yield from send(request)
        outcome = judge(request, answer, session.server)
        session.reached |= _is_of_a_bridge(answer, outcome)
        if not isinstance(outcome, CallFailed):
            return outcome
        if isinstance(outcome, RateLimited) and not wait_if_limited:
            raise outcome
        began = answer.began if began is None else began
        wait = retry_pause(answer, repeatable=request.repeatable, reached=session.reached, usual=usual)
        if wait is None:
            raise outcome
        wait = with_jitter(wait, random())  # noqa: S311 - only spreads clients
        if answer.at + wait > min(began + session.retried_for, inf if deadline is None else deadline):
            raise outcome
        if session.on_retry is not None:
            session.on_retry(outcome, wait)
        yield from pause(wait)
        usual = next_pause(usual)


def _is_of_a_bridge(answer: Answer, outcome: object) -> bool:
    """Return whether a bridge has answered, and not a proxy that does not reach one."""
    return isinstance(answer, Answered) and not (isinstance(outcome, CallFailed) and outcome.code == UNREADABLE)
