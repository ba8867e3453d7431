"""Steps of watches that the API and the Slack app share: what follows an acceptance, and cancelling."""

import structlog

from bridge.errors import DecryptionFailed
from bridge.queue import Job
from bridge.resources import Resources
from bridge.store.acceptance import Acceptance, AcceptedWatch
from bridge.store.import_records import ImportRecord
from bridge.store.watches import WatchIndexEntry

log = structlog.get_logger()


def announce(resources: Resources, accepted: AcceptedWatch) -> None:
    """Log that a watch was accepted, and ring for the worker's job that must follow, if there is one.

    A replayed request rings again, in case the first one was interrupted before its ring.
    """
    watch = accepted.watch
    match accepted.acceptance:
        case Acceptance.NEW | Acceptance.REPLAYED:
            resources.bell.ring(Job.POLL)
        case Acceptance.FINAL:
            resources.bell.ring(Job.SWEEP)
        case Acceptance.JOINED | Acceptance.KNOWN:
            pass
    facts = {"client": watch.client, "import_id": watch.import_id, "acceptance": accepted.acceptance.value}
    log.info("watch.accepted", watch_id=watch.id, **facts)


async def cancel_watch(resources: Resources, watch_id: str, entry: WatchIndexEntry, *, by: str) -> bool:
    """End a watch without an outcome, for a client. Return False if it had ended already."""
    record = await _import_of(resources, watch_id)
    cancelled = await resources.endings.cancel(watch_id, entry, record, await resources.store.now())
    if cancelled:
        log.info("watch.cancelled", watch_id=watch_id, client=by)
    return cancelled


async def _import_of(resources: Resources, watch_id: str) -> ImportRecord | None:
    """Return the import of a watch; None if the watch can't be decrypted, since its index may name another import."""
    try:
        watch = await resources.watches.get(watch_id)
    except DecryptionFailed:
        return None
    if watch is None:
        return None
    (record,) = await resources.imports.many([(watch.workspace, watch.import_id)])
    return record
