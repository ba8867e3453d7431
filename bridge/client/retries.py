"""Whether a request is sent again, and after which pause."""

from http import HTTPStatus

from bridge.client.answers import NOT_SENT, Answer, Answered, NoAnswer

FIRST_PAUSE = 0.25
LONGEST_RETRY_PAUSE = 5.0
BUSY = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT})
"""The statuses after which a request may succeed later; it may have been carried out nevertheless."""


def retry_pause(answer: Answer, *, repeatable: bool, reached: bool, usual: float) -> float | None:
    """Return the seconds before the request is sent again; None if that is useless or not safe.

    A request that is not `repeatable` is sent again only if it certainly changed nothing. `reached`: the server has
    answered before, so its URL is right. `usual` is the pause unless Retry-After names another.
    """
    match answer:
        case NoAnswer(reason="tls" | "invalid_request"):
            return None
        case NoAnswer(reason="unknown_host") if not reached:
            return None
        case NoAnswer(reason=reason):
            return usual if repeatable or reason in NOT_SENT else None
        case Answered(status=HTTPStatus.TOO_MANY_REQUESTS):
            return _named_pause(answer, usual)
        case Answered(status=status) if status in BUSY and repeatable:
            return _named_pause(answer, usual)
        case Answered():
            return None


def _named_pause(answer: Answered, usual: float) -> float:
    return usual if answer.retry_after is None else max(answer.retry_after, FIRST_PAUSE)


def next_pause(pause: float) -> float:
    return min(2 * pause, LONGEST_RETRY_PAUSE)


def with_jitter(pause: float, chance: float) -> float:
    """Lengthen a pause a little, so that clients do not return all at once; `chance` is from 0 to 1."""
    return pause + chance * min(pause, LONGEST_RETRY_PAUSE) / 4
