"""How long the end of an import went unseen."""

from bridge.domain.imports import Read, Reply
from bridge.domain.polling.poll_results import PollClaim
from bridge.domain.times import Span, moment_of


def detection_delay(claim: PollClaim, reply: Reply) -> Span | None:
    """Return the time from the end of an import until this reply showed it, by Rally's clock.

    None if the reply shows no end, if it names no times, or if the import was never seen running: it may have ended
    long before it was watched.
    """
    if not isinstance(reply.answer, Read) or not reply.answer.reading.finished or not claim.shown:
        return None
    ended_at = moment_of(reply.answer.reading.updated_at or "")
    if ended_at is None or reply.sent_at is None:
        return None
    return max(0, reply.sent_at - ended_at)
