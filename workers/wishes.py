"""The shift of wishes: watches that people asked for in Slack, if the process that asked Slack did not come to its end.

A worker asks Slack again, so that nothing is accepted that the person is not told.
"""

from collections.abc import Sequence

import structlog

from bridge.destinations.slack.confirming import Confirmation, said_beside, show
from bridge.destinations.slack.ephemeral import NotShown
from bridge.destinations.slack.response_url import say
from bridge.domain.clients import slack_user_of
from bridge.domain.destinations import SlackChannel
from bridge.domain.times import MINUTE, SECOND, Span
from bridge.queue import Job
from bridge.resources import Resources
from bridge.store.slack.wishes import KeptWish
from bridge.store.watches.acceptance_call import NewWatch

ROOM = 5
"""The number of wishes that a worker asks Slack about at once."""
LEASE: Span = MINUTE
"""Longer than two requests to Slack."""

log = structlog.get_logger()


class WishWork:
    """The steps of the shift. What an interrupted step has done is done again: it changes nothing more."""

    name = "wishes"
    room = ROOM

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    async def claim(self, room: int) -> tuple[Sequence[KeptWish], float | None]:
        now, next_due, wishes = await self._resources.slack_wishes.claim(room, LEASE)
        return wishes, None if next_due is None else max(0.0, (next_due - now) / SECOND)

    async def act(self, wish: KeptWish) -> None:
        """Confirm a watch in its channel and accept it; if the app can't post there, forget it, and say so."""
        confirmation = _confirmation(wish.new)
        showing = await show(confirmation, self._resources.egress, self._resources.sender.slack_bot)
        if isinstance(showing, NotShown):
            log.info("slack.watch_refused", client=wish.new.client, import_id=wish.new.import_id, reason=showing.reason)
        if text := said_beside(confirmation, showing):
            await say(self._resources.egress, wish.answers, text)
        if isinstance(showing, NotShown):
            await self._resources.slack_wishes.forget(wish.new)
        else:
            await self._accept(wish.new)

    async def _accept(self, new: NewWatch) -> None:
        settings = self._resources.settings
        await self._resources.slack_wishes.fulfil(new, grace=settings.not_found_grace, reuse=settings.reading_reuse)
        self._resources.bell.ring(Job.POLL)
        log.info("watch.accepted", watch_id=new.id, client=new.client, import_id=new.import_id)

    def set_aside(self, wish: KeptWish, error: Exception) -> None:
        """Leave a wish on which our own code has failed until its lease ends; the shift has logged it."""

    async def commit(self, results: Sequence[None]) -> None:
        """Commit nothing: a wish that was fulfilled or forgotten is not listed any more."""


def _confirmation(new: NewWatch) -> Confirmation:
    user, (destination,) = slack_user_of(new.client), new.notify
    assert user is not None  # noqa: S101 - people in Slack have asked for it
    assert isinstance(destination, SlackChannel)  # noqa: S101 - and for one channel
    return Confirmation(watch_id=new.id, user=user, destination=destination, import_id=new.import_id, label=new.label)
