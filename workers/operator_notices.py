"""Notices: what the operator should hear of is owed to the destination that OPERATOR_NOTIFY names."""

from collections.abc import Callable, Sequence

from bridge.destinations import render
from bridge.domain.deliveries import NamedDestination
from bridge.domain.notices import Notice
from bridge.ids import new_id
from bridge.resources import Resources


class OperatorNotices:
    """The one who runs this; without OPERATOR_NOTIFY only the log tells."""

    def __init__(self, resources: Resources, *, owed: Callable[[], None]) -> None:
        """Take the resources, and what to call when a delivery has become due."""
        self._resources = resources
        self._owed = owed

    async def tell(self, notice: Notice, *, of: Sequence[str] = ()) -> None:
        """Owe the operator a notice; `of` names the abandoned deliveries that it tells of, which are told of once."""
        name = self._resources.settings.operator_notify
        if name is None:
            return
        destination = NamedDestination(name=name)
        body = render(notice, destination)
        lane = self._resources.lane(destination)
        notice_id = new_id("dlv_")
        if await self._resources.deliveries.owe_notice(notice_id, destination, lane, body, told=of):
            self._owed()
