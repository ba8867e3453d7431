"""Steps of watches that the API and the Slack app share: what follows an acceptance, and cancelling."""

import structlog

from bridge.domain.history.stored_history import StoredHistory
from bridge.domain.times import Moment
from bridge.errors import DecryptionFailed
from bridge.queue import Job
from bridge.resources import Resources
from bridge.store.imports.import_records import ImportRecord
from bridge.store.watches.acceptance_call import Acceptance, AcceptedWatch
from bridge.store.watches.watches import WatchIndexEntry

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
    now = await resources.store.now()
    record, history = await _import_of(resources, watch_id, now)
    cancelled = await resources.endings.cancel(watch_id, entry, record, now, by=by, history=history)
    if cancelled:
        log.info("watch.cancelled", watch_id=watch_id, client=by)
    return cancelled


async def _import_of(resources: Resources, watch_id: str, now: Moment) -> tuple[ImportRecord | None, StoredHistory]:
    """Return the import of a watch and its history.

    Nothing if the watch can't be decrypted, since its index may name another import.
    """
    try:
        watch = await resources.watches.get(watch_id)
    except DecryptionFailed:
        return None, StoredHistory()
    if watch is None:
        return None, StoredHistory()
    (record,) = await resources.imports.many([(watch.workspace, watch.import_id)])
    notes = await resources.history.about(watch.workspace, watch.import_id)
    return record, notes.for_watch(watch, now)
