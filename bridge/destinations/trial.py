"""A trial of a destination: one test message now, and what came of it; nothing is kept or tried again."""

from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic

from ulid_transform import ulid_now

from bridge.destinations import Sender, judge, prepare, render, resolve
from bridge.destinations.egress import Egress
from bridge.domain.deliveries import Address, Deferred, Destination, NoResponse, Response, Verdict
from bridge.domain.notices import test_message
from bridge.domain.times import SECOND, Moment, Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What came of a test message: `status` of the answer, where there was one, and how long it took (ms)."""

    verdict: Verdict
    status: int | None
    took: Span


async def send_test(
    destination: Destination,
    *,
    client: str,
    now: Moment,
    named: Mapping[str, Address],
    sender: Sender,
    egress: Egress,
) -> Trial:
    """Send a test message in a client's name, as a delivery would be sent."""
    resolved = resolve(destination, render(test_message(client, now), destination), named, sender)
    if isinstance(resolved, NoResponse):
        return Trial(verdict=Deferred(resolved.reason), status=None, took=0)
    address, body = resolved
    message_id = f"ntf_{ulid_now().lower()}"
    request = prepare(address, body, notification_id=message_id, client=client, now=now, sender=sender)
    began = monotonic()
    answer = await egress.send(request)
    return Trial(
        verdict=judge(address, answer, now),
        status=answer.status if isinstance(answer, Response) else None,
        took=int((monotonic() - began) * SECOND),
    )
