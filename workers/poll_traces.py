"""A poll in the traces of the watches that wait for its import."""

from bridge.domain.polling.poll_results import PollClaim
from bridge.errors import BridgeError
from bridge.resources import Resources


async def trace_poll(resources: Resources, claim: PollClaim, answer: str, seconds: float) -> None:
    """Record a poll that has just ended, in the trace of each watch that has one; does nothing without traces."""
    if resources.traces is None:
        return
    facts: dict[str, str | int] = {"workspace": claim.workspace, "import_id": claim.import_id, "answer": answer}
    resources.traces.record("poll", await _traceparents(resources, claim), seconds, facts)


async def _traceparents(resources: Resources, claim: PollClaim) -> list[str]:
    """Return the traces of the first watches that wait for the import; none if they can't be read now."""
    try:
        waiting = await resources.watches.waiting(claim.workspace, claim.import_id)
        watches = [await resources.watches.load(watch_id, record) for watch_id, record in waiting if record]
    except BridgeError:  # no key decrypts one, or Redis is unavailable, which is logged: the poll goes on
        return []
    return [each.traceparent for each in watches if each is not None and each.traceparent is not None]
