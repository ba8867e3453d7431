"""What the answer to a post or an edit changes about a living message: what it is now, and when to edit it again.

None of this concerns a delivery.
"""

from dataclasses import replace

from bridge.domain.delivery.verdicts import Accepted, Deferred, Rejected, Verdict
from bridge.domain.living.edit_results import Edited, EditResult, Gone, Postponed, Refused, Unreadable
from bridge.domain.living.living_message import LivingMessage, Phase
from bridge.domain.times import MINUTE, SECOND, Moment, Span

EDITED_EVERY: Span = MINUTE
"""The shortest time between two edits of a message."""
POSTED_AGAIN_AFTER: Span = MINUTE
"""How long after a post that Slack has refused for now it is tried again."""
LONGEST_WAIT: Span = 5 * MINUTE
END_LOOKED_AGAIN: Span = 15 * SECOND
"""How long after a look at an end that is not told yet there is another one."""
END_AWAITED: Span = 5 * MINUTE
"""How long the last edit waits until the end is told, so that it can say where."""
LAST_EDITS: int = 3
"""The number of tries of the last edit."""


def after_post(message: LivingMessage, verdict: Verdict, words: str, now: Moment) -> LivingMessage:
    """Return the message after a post. One that Slack may have accepted without naming it is given up."""
    match verdict:
        case Accepted(posted) if posted is not None:
            return replace(message, phase=Phase.SHOWN, posted=posted, words=words, due=now + EDITED_EVERY)
        case Deferred(ambiguous=False, as_plain_text=True) if not message.plain:
            return replace(message, phase=Phase.WAITING, plain=True, due=now + SECOND)
        case Deferred(ambiguous=False, as_plain_text=False, max_tries=None) as deferred:
            wait = min(max(POSTED_AGAIN_AFTER, deferred.wait or 0), LONGEST_WAIT)
            return replace(message, phase=Phase.WAITING, due=now + wait)
        case Accepted() | Deferred() | Rejected():
            return replace(message, phase=Phase.GIVEN_UP)


def after_edit(message: LivingMessage, result: EditResult, words: str, now: Moment) -> LivingMessage:
    """Return the message after an edit while the import runs."""
    match result:
        case Edited():
            return replace(message, words=words, failures=0, due=now + EDITED_EVERY)
        case Gone():
            return replace(message, phase=Phase.GIVEN_UP, posted=None)
        case Refused():
            return replace(message, phase=Phase.FROZEN)
        case Unreadable():
            return replace(message, phase=Phase.FROZEN) if message.plain else replace(message, plain=True, due=now)
        case Postponed():
            return replace(message, words="", failures=message.failures + 1, due=now + EDITED_EVERY)


def after_last_edit(message: LivingMessage, result: EditResult, now: Moment) -> LivingMessage:
    """Return the message after the edit that says that the import has ended. It is tried again only a few times."""
    after = after_edit(message, result, "", now)
    match result:
        case Edited():
            return replace(after, phase=Phase.ENDED)
        case Postponed() if after.failures >= LAST_EDITS:
            return replace(after, phase=Phase.ENDED)
        case _:
            return after
