"""The page of destinations: how the last deliveries to each went, its pace, and test messages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog
from starlette.responses import Response

from bridge.destinations import kind
from bridge.destinations.descriptions import describe
from bridge.destinations.reasons import public_reason
from bridge.domain.delivery.deliveries import Delivery, DeliveryState
from bridge.domain.delivery.verdicts import Accepted
from bridge.domain.destinations import Destination, NamedDestination
from bridge.domain.times import Moment
from bridge.store.deliveries.lanes import LaneState
from bridge.web.console.visits import Visit, action, page
from bridge.web.endpoints.destinations import send_now, verdict_name
from bridge.web.refusals import Refusal, Refused
from bridge.web.watches.delivery_steps import sendable_delivery, visible_to

LOOKED_AT = 300
"""The number of deliveries from which the page is made."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationView:
    """What the last deliveries to one receiver show."""

    newest: str
    """The id of the newest delivery."""
    type: str
    destination: str
    fingerprint: str
    counts: Mapping[DeliveryState, int]
    last_success: Moment | None
    last_failure: Moment | None
    reason: str | None
    """Why the newest delivery that failed or waits for another attempt did."""
    lane: LaneState


@page
async def show(visit: Visit) -> Response:
    return await _page(visit)


@action
async def test(visit: Visit, form: Mapping[str, str]) -> Response:
    """Send a test message to a named destination, or to that of a delivery, now, and show what came of it."""
    destination, owner = await _chosen(visit, form)
    async with visit.request.app.state.send_test_slots.acquire(visit.client.name):
        trial = await send_now(visit.resources, visit.client.name, destination, owner=owner)
    reason = None if isinstance(trial.verdict, Accepted) else public_reason(trial.verdict.reason)
    verdict = verdict_name(trial.verdict)
    log.info(
        "destination.tested",
        client=visit.client.name,
        type=kind(destination),
        destination=describe(destination),
        fingerprint=visit.resources.fingerprint(destination),
        verdict=verdict,
        status=trial.status,
    )
    return await _page(visit, tested={"destination": describe(destination), "verdict": verdict, "reason": reason})


async def _chosen(visit: Visit, form: Mapping[str, str]) -> tuple[Destination, str]:
    """Return the destination of a form, and the client whose secrets it needs. Raise Refused if it may not be used."""
    if delivery_id := form.get("delivery"):
        delivery = await sendable_delivery(visit.resources, visit.client, delivery_id)
        return delivery.destination, delivery.client
    name = form.get("name", "")
    if name not in visit.resources.named or not visit.client.permissions.may_name(name):
        raise Refused(Refusal.NOT_FOUND, "There is no such destination.")
    return NamedDestination(name=name), visit.client.name


async def _page(visit: Visit, tested: Mapping[str, str | None] | None = None) -> Response:
    named = [name for name in sorted(visit.resources.named) if visit.client.permissions.may_name(name)]
    return visit.page(
        "destinations.html",
        named={name: kind(visit.resources.named[name]) for name in named},
        destinations=await _views(visit),
        looked_at=LOOKED_AT,
        tested=tested,
    )


async def _views(visit: Visit) -> Sequence[DestinationView]:
    """Return the receivers of the newest deliveries, those with problems first."""
    client = None if visit.client.admin else visit.client.name
    ids = await visit.resources.indexes.deliveries(client=client, state=None, below=None, limit=LOOKED_AT)
    by_receiver: dict[str, list[Delivery]] = {}
    for each in visible_to(visit.client, await visit.resources.deliveries.many(ids)):
        by_receiver.setdefault(visit.resources.fingerprint(each.destination), []).append(each)
    lanes = await visit.resources.lanes.states([group[0].lane for group in by_receiver.values()])
    found = zip(by_receiver.items(), lanes, strict=True)
    views = [destination_view(group, fingerprint, lane) for (fingerprint, group), lane in found]
    return sorted(views, key=lambda view: (view.last_failure or 0) <= (view.last_success or 0))


def destination_view(group: Sequence[Delivery], fingerprint: str, lane: LaneState) -> DestinationView:
    """Sum up deliveries to one receiver, newest first."""
    troubled = [
        each for each in group if each.state is DeliveryState.ABANDONED or (each.failures and not each.ended_at)
    ]
    return DestinationView(
        newest=group[0].id,
        type=kind(group[0].destination).replace("_", " "),
        destination=describe(group[0].destination),
        fingerprint=fingerprint,
        counts={state: count for state in DeliveryState if (count := sum(each.state is state for each in group))},
        last_success=_last_end(group, DeliveryState.DELIVERED),
        last_failure=max((each.ended_at or each.waits_since for each in troubled), default=None),
        reason=public_reason(troubled[0].last_reason) if troubled else None,
        lane=lane,
    )


def _last_end(group: Sequence[Delivery], state: DeliveryState) -> Moment | None:
    return max((each.ended_at for each in group if each.state is state and each.ended_at is not None), default=None)
