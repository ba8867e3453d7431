"""The result of a call of Slack's API that a person waits for: what Slack answered, or why the call was not done."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeAlias

from bridge.destinations import MAYBE_SENT
from bridge.destinations.reasons import full_reason
from bridge.destinations.slack.bot_verdicts import document_of, judge
from bridge.destinations.slack.error_sentences import SLOW, UNREACHABLE, error_sentence
from bridge.domain.delivery.destination_requests import NoResponse, Response, SendResult
from bridge.domain.delivery.verdicts import Accepted, Deferred, Rejected
from bridge.domain.times import Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class NotDone:
    """Slack has refused a call, or did not answer it.

    `reason` is for the log, `sentence` for the person. `perhaps`: Slack may have done it nevertheless.
    """

    reason: str
    sentence: str
    error: str | None = None
    perhaps: bool = False


CallResult: TypeAlias = Mapping[str, Any] | NotDone


def result_of(answer: SendResult, now: Moment) -> CallResult:
    """Return the document of a successful call, or why it was not done.

    Of a very long answer only the beginning is read. Refusals are short, so it is a success; its document is empty.
    """
    if isinstance(answer, NoResponse):
        maybe = answer.failure in MAYBE_SENT
        return NotDone(reason=full_reason(answer), sentence=SLOW if maybe else UNREACHABLE, perhaps=maybe)
    if answer.status == HTTPStatus.OK and not answer.whole:
        return {}
    return _judged(answer, now)


def _judged(answer: Response, now: Moment) -> CallResult:
    document = document_of(answer)
    error = document.get("error")
    name = error if isinstance(error, str) else None
    match judge(answer, now):
        case Accepted():
            return document
        case Rejected(reason=reason) as rejected:
            return NotDone(reason=reason, sentence=error_sentence(name, rejected), error=name)
        case Deferred(reason=reason, ambiguous=perhaps) as deferred:
            return NotDone(reason=reason, sentence=error_sentence(name, deferred), error=name, perhaps=perhaps)
