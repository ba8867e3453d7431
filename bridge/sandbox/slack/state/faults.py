"""Faults of the simulated Slack: how the next calls of a method fail."""

from dataclasses import dataclass

RESPONSE_URL, UPLOAD = "response_url", "upload"
"""The names of what is no method of the API."""


@dataclass(slots=True, kw_only=True)
class SlackFault:
    """A fault of the next `times` calls of a method: an error code, or a status of HTTP, or a lost answer.

    With `lost`, the call is carried out, and the connection is closed before the answer.
    """

    method: str
    times: int = 1
    error: str | None = None
    status: int | None = None
    retry_after: int | None = None
    lost: bool = False
    delay: float = 0.0


class SlackFaults:
    """The faults that are still to come."""

    def __init__(self) -> None:
        self._faults: list[SlackFault] = []

    def add(self, fault: SlackFault) -> None:
        self._faults.append(fault)

    def take(self, method: str) -> SlackFault | None:
        """Return the fault of this call, if there is one."""
        for fault in self._faults:
            if fault.method == method:
                fault.times -= 1
                if fault.times <= 0:
                    self._faults.remove(fault)
                return fault
        return None

    def clear(self) -> None:
        self._faults.clear()
