"""What people should look at: problems of the fleet, of workspaces, of Redis and of receivers, the worst first."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from bridge.destinations.reasons import public_reason
from bridge.domain.delivery.deliveries import Delivery, DeliveryState
from bridge.domain.history.standstill import RefusedWrites, Service, standstill
from bridge.domain.notices.redis_risks import replication_risk
from bridge.domain.runbook import Section
from bridge.domain.times import DAY, Moment, Span
from bridge.store.operations.heartbeats import Fleet
from bridge.store.operations.redis_check import check_redis
from bridge.store.operations.redis_health import RedisHealth, read_redis_health
from bridge.web.console.visits import Visit
from bridge.web.console.workspaces import WorkspaceView, read_workspaces
from bridge.web.operations.service_state import read_service
from bridge.web.watches.delivery_places import place_of
from bridge.web.watches.delivery_steps import visible_to

LOOKED_BACK: Span = DAY
LOOKED_AT = 100
"""The number of deliveries of each kind that are looked at."""
FILLING = 0.8
"""The used share of Redis' memory that the overview shows: before NEARLY_FULL, at which the operator is notified."""


_STANDSTILLS: Mapping[RefusedWrites | None, Section] = {
    None: Section.NO_WORKER,
    RefusedWrites.FULL: Section.REDIS_FULL,
    RefusedWrites.REPLICAS: Section.REPLICAS_MISSING,
}
"""The section for each reason for which nothing is polled and sent; None is for workers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """Something that a person should look at: a sentence, since when, the page that shows more, and what to do."""

    text: str
    section: Section | None
    """The section of the runbook; None if the sentence says what to do."""
    page: str = ""
    since: Moment | None = None
    grave: bool = True


async def read_attention(visit: Visit) -> Sequence[Attention]:
    """Return what people should look at: for an admin everything, for another client only its own deliveries."""
    found: list[Attention] = []
    if visit.client.admin:
        fleet = await visit.resources.heartbeats.read()
        found += of_fleet(fleet, await read_service(visit.resources, fleet))
        found += await _of_redis(visit)
        found += of_workspaces(await read_workspaces(visit))
    return [*found, *await _of_deliveries(visit)]


def of_fleet(fleet: Fleet, service: Service) -> Iterator[Attention]:
    """Yield that Redis refuses writes, that no worker is alive, or which workers are missing."""
    page = "/console/workers"
    stopped = standstill(service)
    if stopped is not None:
        text = f"{stopped.detail[0].upper()}{stopped.detail[1:]}"
        page = page if service.refused_writes is None else ""
        yield Attention(text=text, section=_STANDSTILLS[service.refused_writes], page=page, since=stopped.since)
        return
    for each in fleet.missing:
        text = f"The worker {each.process.id} on {each.process.host} ended without saying so"
        yield Attention(text=text, section=Section.NO_WORKER, page=page, since=each.at, grave=False)


async def _of_redis(visit: Visit) -> Sequence[Attention]:
    resources = visit.resources
    checked = await check_redis(resources.store, may_evict=resources.settings.redis_may_evict)
    problems = [Attention(text=f"Redis: {checked.problem}", section=None)] if checked.problem is not None else []
    warnings = [
        Attention(text=f"Redis: {each}", section=Section.REDIS_EVICTS, grave=False) for each in checked.warnings
    ]
    health = await read_redis_health(resources.store)
    return [*problems, *warnings, *of_memory(health), *of_durability(health, resources.settings.redis_min_replicas)]


def of_durability(health: RedisHealth, required: int) -> Iterator[Attention]:
    """Yield that Redis keeps no file, could not write it, or has fewer replicas than the `required` ones."""
    if health.append_ok is False:
        text = "Redis could not write its append-only file, so it accepts nothing"
        yield Attention(text=text, section=Section.REDIS_NOT_DURABLE)
    elif health.append_only is False:
        text = "Redis writes no append-only file: a crash of it loses accepted watches"
        yield Attention(text=text, section=Section.REDIS_NOT_DURABLE, grave=False)
    risk = replication_risk(health.replicas, required)
    if risk is not None and risk.certain:
        yield Attention(text=f"Redis: {risk.text}", section=Section.REPLICAS_MISSING)


def of_memory(health: RedisHealth) -> Iterator[Attention]:
    """Yield that Redis is nearly full."""
    if health.memory_share is not None and health.memory_share >= FILLING:
        consequence = "nothing is accepted" if health.memory_share >= 1 else "when it is full, nothing is accepted"
        yield Attention(
            text=f"Redis uses {health.memory_share:.0%} of its memory; {consequence}",
            section=Section.REDIS_FULL,
        )


def of_workspaces(workspaces: Sequence[WorkspaceView]) -> Iterator[Attention]:
    """Yield the troubles of workspaces, and limits that other programs use up."""
    page = "/console/workspaces"
    for each in workspaces:
        for trouble in each.troubles:
            text = f"Workspace {each.name}: {trouble.text}"
            yield Attention(text=text, section=trouble.section, page=page, since=trouble.since)
        usage = each.usage
        if usage is not None and not usage.left_to_us and usage.by_others > usage.ours:
            text = (
                f"Workspace {each.name}: other programs use up Rally's limit ({usage.by_others} of {usage.limit} calls)"
            )
            yield Attention(text=text, section=Section.LIMIT_USED_UP, page=page, grave=False)


async def _of_deliveries(visit: Visit) -> Sequence[Attention]:
    """Return the receivers that got nothing in the last day, and those whose attempts fail now."""
    resources, client = visit.resources, None if visit.client.admin else visit.client.name
    since = visit.now - LOOKED_BACK
    abandoned, _ = await resources.indexes.abandoned_since(
        since, until=visit.now, client=client, below=None, limit=LOOKED_AT
    )
    pending = await resources.indexes.deliveries(
        client=client, state=DeliveryState.PENDING, below=None, limit=LOOKED_AT
    )
    found = visible_to(visit.client, await resources.deliveries.many([*abandoned, *pending]))
    return list(of_deliveries(found, {each.id: place_of(resources, each) for each in found}))


def of_deliveries(deliveries: Sequence[Delivery], places: Mapping[str, str]) -> Iterator[Attention]:
    """Yield a sentence for each receiver with abandoned deliveries, and for each whose attempts fail.

    `places` are where the deliveries go, by their ids.
    """
    abandoned = [each for each in deliveries if each.state is DeliveryState.ABANDONED]
    failing = [each for each in deliveries if each.state is DeliveryState.PENDING and each.failures]
    for group, words, state, section in (
        (abandoned, "abandoned in the last 24 hours", "abandoned", Section.ABANDONED),
        (failing, "failing", "pending", Section.RECEIVER_FAILS),
    ):
        for place, number in Counter(places[each.id] for each in group).most_common():
            last = next(each for each in group if places[each.id] == place)
            more = "at least " if number >= LOOKED_AT else ""
            noun = "delivery" if number == 1 else "deliveries"
            reason = public_reason(last.last_reason)
            yield Attention(
                text=f"{more}{number} {noun} to {place} {words}{f': {reason}' if reason else ''}",
                page=f"/console/deliveries?{urlencode({'state': state, 'destination': place})}",
                section=section,
                grave=state == "abandoned",
            )
