"""Test messages: sent to a destination at once, neither stored nor repeated."""

from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic

from bridge.destinations import Sender, render
from bridge.destinations.egress.client import Egress
from bridge.destinations.sending import send
from bridge.domain.delivery.verdicts import Verdict
from bridge.domain.destinations import Destination, ResolvedDestination
from bridge.domain.notices.notice_texts import test_message
from bridge.domain.times import SECOND, Moment, Span
from bridge.ids import new_id


@dataclass(frozen=True, slots=True, kw_only=True)
class TestOutcome:
    """The result of a test message: the response's `status`, if there was one, and the duration in ms."""

    verdict: Verdict
    status: int | None
    took: Span


async def send_test(
    destination: Destination,
    *,
    client: str,
    now: Moment,
    named: Mapping[str, ResolvedDestination],
    sender: Sender,
    egress: Egress,
    owner: str | None = None,
) -> TestOutcome:
    """Send a test message that a client asked for, in the same way as a delivery.

    `owner` is the client with whose secrets it is signed, if that is another.
    """
    body = render(test_message(client, now), destination)
    message_id = new_id("ntf_")
    began = monotonic()
    result = await send(
        destination,
        body,
        message_id=message_id,
        client=owner or client,
        now=lambda: now,
        named=named,
        sender=sender,
        egress=egress,
    )
    return TestOutcome(verdict=result.verdict, status=result.status, took=int((monotonic() - began) * SECOND))
