"""The heartbeat of the whole fleet: a call of OPERATOR_HEARTBEAT_URL each minute in which all is well.

The service behind it tells the operator when the calls stop, also when nothing of ours runs any more.
"""

import structlog

from bridge.domain.delivery.destination_requests import NoResponse, Request, SendResult
from bridge.domain.times import MINUTE, Span
from bridge.http.user_agent import USER_AGENT
from bridge.resources import Resources

EVERY: Span = MINUTE
SUCCESS = range(200, 300)

log = structlog.get_logger()


class FleetHeartbeat:
    """Calls the URL, once a minute for the whole fleet."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._failed = False

    async def send(self) -> None:
        """Call the URL, if there is one and it is time; log a failure once, and its end."""
        url = self._resources.settings.operator_heartbeat_url
        if url is None or not await self._resources.alarms.take_turn("heartbeat", EVERY):
            return
        answer = await self._resources.egress.send(Request(url=url, headers={"user-agent": USER_AGENT}, body=b""))
        problem = _problem(answer)
        if problem is not None and not self._failed:
            log.warning("operator_heartbeat.failed", reason=problem)
        if problem is None and self._failed:
            log.warning("operator_heartbeat.recovered")
        self._failed = problem is not None


def _problem(answer: SendResult) -> str | None:
    if isinstance(answer, NoResponse):
        return answer.reason
    return None if answer.status in SUCCESS else f"HTTP {answer.status}"
