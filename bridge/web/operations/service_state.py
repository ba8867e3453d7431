"""Whether the bridge can work now, as the API process sees it."""

from bridge.domain.history.standstill import RefusedWrites, Service
from bridge.errors import ReplicasMissing, StoreFull, StoreUnavailable
from bridge.resources import Resources
from bridge.store.operations.heartbeats import Fleet


async def read_service(resources: Resources, fleet: Fleet) -> Service:
    """Return what the heartbeats say. If all are late, also whether Redis refuses writes, and so heartbeats."""
    refused = await _refused_writes(resources) if fleet.is_silent else None
    return Service(workers_alive=bool(fleet.alive), worker_seen_at=fleet.seen_at, refused_writes=refused)


async def _refused_writes(resources: Resources) -> RefusedWrites | None:
    try:
        await resources.store.check_writes()
    except StoreFull:
        return RefusedWrites.FULL
    except ReplicasMissing:
        return RefusedWrites.REPLICAS
    except StoreUnavailable:
        return None  # the reads that follow say so, unless they work: then the answer needs no more
    return None
