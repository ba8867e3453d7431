"""Sending of one message to one destination: prepare, send, judge; and redact the destination's secrets."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from bridge.destinations import Sender, judge, prepare, resolve
from bridge.destinations.egress.client import Egress
from bridge.destinations.redaction import redact
from bridge.domain.delivery.destination_requests import NoResponse, SendResult
from bridge.domain.delivery.posted_messages import Thread
from bridge.domain.delivery.verdicts import Accepted, Deferred, Verdict
from bridge.domain.destinations import Destination, ResolvedDestination
from bridge.domain.times import Moment

ANSWER_KEPT = 500
"""The number of characters of a response that are kept."""
EXCERPT_READ = ANSWER_KEPT + 100
"""The number of characters that are redacted before the rest is cut off; a cut secret would not be recognized."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedResult:
    """The verdict, and the response's status and beginning, if there was one."""

    verdict: Verdict
    status: int | None = None
    excerpt: str = field(default="", repr=False)


async def send(
    destination: Destination,
    body: str,
    *,
    message_id: str,
    client: str,
    now: Callable[[], Moment],
    named: Mapping[str, ResolvedDestination],
    sender: Sender,
    egress: Egress,
    plain: bool = False,
    thread: Thread | None = None,
    traceparent: str | None = None,
) -> JudgedResult:
    """Send a rendered message once, for a client; the Slack bot posts it in the `thread`, if there is one.

    A callback gets the `traceparent`, if there is one.
    """
    found = resolve(destination, body, named, sender)
    if isinstance(found, NoResponse):
        return JudgedResult(verdict=Deferred(found.reason))
    resolved, body = found
    request = prepare(
        resolved,
        body,
        notification_id=message_id,
        client=client,
        now=now(),
        sender=sender,
        plain=plain,
        thread=thread,
        traceparent=traceparent,
    )
    answer = await egress.send(request)
    once = sender.slack_at_most_once
    verdict = judge(resolved, answer, now(), slack_at_most_once=once, in_thread=thread is not None)
    return _result(resolved, answer, verdict, sender)


def _result(resolved: ResolvedDestination, answer: SendResult, verdict: Verdict, sender: Sender) -> JudgedResult:
    if isinstance(answer, NoResponse):  # its reason contains nothing from the receiver
        return JudgedResult(verdict=verdict)
    if not isinstance(verdict, Accepted):
        verdict = replace(verdict, reason=redact(verdict.reason, resolved, sender.slack_bot))
    excerpt = redact(answer.body.decode("utf-8", "replace")[:EXCERPT_READ], resolved, sender.slack_bot)[:ANSWER_KEPT]
    return JudgedResult(verdict=verdict, status=answer.status, excerpt=excerpt)
