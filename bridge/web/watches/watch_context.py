"""What is read together with watches to show them: their imports and deliveries, the workspaces and the workers.

Only with these can it be said what a watch waits for.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bridge.destinations.reasons import public_reason
from bridge.domain.delivery.deliveries import Delivery, DeliveryState
from bridge.domain.history.delivery_waits import waiting_for_deliveries
from bridge.domain.history.poll_waits import Polling, Workspace, waiting_for_poll
from bridge.domain.history.standstill import Service, standstill, waiting_for_replicas
from bridge.domain.history.wait_reasons import WaitingFor
from bridge.domain.polling.workspace_trouble import effective_state
from bridge.domain.times import Moment
from bridge.domain.watches import Watch, WatchState
from bridge.resources import Resources
from bridge.store.imports.import_records import ImportRecord
from bridge.web.operations.service_state import read_service
from bridge.web.watches.delivery_places import place_of

Place = tuple[str, str]
"""The workspace and the id of an import."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchContext:
    """The imports, deliveries, workspaces and workers that some watches depend on, as they were at one moment."""

    now: Moment
    service: Service
    imports: Mapping[Place, ImportRecord]
    """The imports of open watches."""
    deliveries: Mapping[str, Delivery]
    workspaces: Mapping[str, Workspace]
    """The workspaces of open watches."""
    pauses: Mapping[str, Moment]
    """The ends of the pauses of lanes with pending deliveries."""
    places: Mapping[str, str]
    """Where pending deliveries go, by their ids."""
    unconfirmed: frozenset[str]
    """The open watches whose outcome is decided, but not confirmed by the replicas that must do so."""
    replicas_required: int

    def import_of(self, watch: Watch) -> ImportRecord | None:
        """Return the import of an open watch in view of its workspace."""
        record = self.imports.get((watch.workspace, watch.import_id))
        if record is None:
            return None
        return replace(record, state=effective_state(self.workspaces[watch.workspace].budget, record.state))

    def deliveries_of(self, watch: Watch) -> list[Delivery]:
        found = (self.deliveries.get(id_) for id_ in watch.deliveries)
        return [each for each in found if each is not None and each.watch_id == watch.id]

    def waiting_for(self, watch: Watch) -> WaitingFor | None:
        """Return what a watch waits for; None if nothing is left to be done for it."""
        match watch.state:
            case WatchState.WATCHING:
                return self._waiting_while_open(watch)
            case WatchState.SETTLED:
                public = [
                    replace(each, last_reason=public_reason(each.last_reason)) for each in self.deliveries_of(watch)
                ]
                return waiting_for_deliveries(public, self.places, self.pauses, self.service, self.now)
            case WatchState.CANCELLED:
                return None

    def _waiting_while_open(self, watch: Watch) -> WaitingFor:
        polling = polling_of(self.imports.get((watch.workspace, watch.import_id)))
        waiting = waiting_for_poll(watch, polling, self.workspaces[watch.workspace], self.service, self.now)
        is_decided = watch.id in self.unconfirmed and standstill(self.service) is None
        return waiting_for_replicas(waiting.since, self.replicas_required) if is_decided else waiting


def polling_of(record: ImportRecord | None) -> Polling | None:
    if record is None:
        return None
    return Polling(next_due=record.next_due, polled_at=record.state.polled_at, by_rule=record.by_rule)


async def read_watch_context(resources: Resources, watches: Sequence[Watch]) -> WatchContext:
    """Read what the watches depend on. For watches with nothing left to be done, only their deliveries are read."""
    open_watches = [each for each in watches if each.state is WatchState.WATCHING]
    places = list({(each.workspace, each.import_id) for each in open_watches})
    records, deliveries = await asyncio.gather(
        resources.imports.many(places),
        resources.deliveries.many([id_ for each in watches for id_ in each.deliveries]),
    )
    pending = [each for each in deliveries if each.state is DeliveryState.PENDING]
    names = list({workspace for workspace, _ in places})
    (now, service), pauses, workspaces, unconfirmed = await asyncio.gather(
        _service(resources, needed=bool(places or pending)),
        resources.lanes.paused_until(list({each.lane for each in pending})),
        asyncio.gather(*(_workspace(resources, name) for name in names)),
        resources.endings.kept.of([each.id for each in open_watches]),
    )
    return WatchContext(
        now=now,
        service=service,
        imports={place: record for place, record in zip(places, records, strict=True) if record is not None},
        deliveries={each.id: each for each in deliveries},
        workspaces={each.name: each for each in workspaces},
        pauses=pauses,
        places={each.id: place_of(resources, each) for each in pending},
        unconfirmed=unconfirmed,
        replicas_required=resources.store.min_replicas,
    )


async def _service(resources: Resources, *, needed: bool) -> tuple[Moment, Service]:
    """Return the present time, and whether the bridge can work."""
    if not needed:
        return 0, Service(workers_alive=True)
    fleet = await resources.heartbeats.read()
    return fleet.now, await read_service(resources, fleet)


async def _workspace(resources: Resources, name: str) -> Workspace:
    configured = resources.settings.workspaces.get(name)
    return Workspace(
        name=name,
        budget=await resources.budgets.get(name),
        share=1.0 if configured is None else configured.budget_share,
        configured=name in resources.rally,
    )
