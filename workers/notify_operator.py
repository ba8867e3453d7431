"""Notices to the operator: deliveries to the destination that OPERATOR_NOTIFY names."""

from collections.abc import Callable, Sequence

from bridge.destinations import render
from bridge.domain.destinations import NamedDestination
from bridge.domain.notices.notices import Notice
from bridge.ids import new_id
from bridge.resources import Resources


class OperatorNotifier:
    """Creates the deliveries of notices. Without OPERATOR_NOTIFY it does nothing."""

    def __init__(self, resources: Resources, *, on_due: Callable[[], None]) -> None:
        """`on_due` is called when a delivery is due."""
        self._resources = resources
        self._on_due = on_due

    async def send(self, notice: Notice, *, abandoned: Sequence[str] = (), notice_id: str | None = None) -> None:
        """Create the delivery of a notice, unless there is one with the id `notice_id`.

        `abandoned` are the deliveries that it reports; the store lets one worker report each of them, once.
        """
        name = self._resources.settings.operator_notify
        if name is None:
            return
        destination = NamedDestination(name=name)
        body = render(notice, destination)
        lane = self._resources.lane(destination)
        id_ = notice_id or new_id("dlv_")
        if await self._resources.notices.create(id_, destination, lane, body, reported=abandoned):
            self._on_due()
