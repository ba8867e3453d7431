"""The access log: a line for each call, for each that failed, or none (ACCESS_LOG).

What nobody has authenticated may come from anyone. Of its refusals, each route and kind gets a line a minute, with the
number of those before it that were left out.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from time import monotonic
from typing import Any, Literal, TypeAlias

import structlog

AccessLogMode: TypeAlias = Literal["off", "errors", "all"]

ACCESS_LOG = "access_log"
"""The key in the state of the lifespan for the function that writes a line."""
THINNED_FOR = 60.0
"""Seconds after a line about a refusal during which others like it are left out."""
PUSHES = "/v1/push/"
"""Refused pushes are only counted: what is not signed leaves nothing in the log, and what is signed has an event."""
LONGEST_PATH = 200
FIRST_ERROR = 400
FIRST_FAULT = 500

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A call that was answered. `client` is None if it was not authenticated, `code` if it was not refused."""

    method: str
    route: str
    path: str
    status: int
    took_ms: int
    client: str | None = None
    code: str | None = None


def is_left_out(status: int, mode: AccessLogMode) -> bool:
    """Return whether a call gets no line, whatever else is known of it."""
    return mode == "off" or (mode == "errors" and status < FIRST_ERROR)


class AccessLog:
    """Decides which calls get a line, and writes it."""

    def __init__(self, *, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._thinned: dict[tuple[str, int, str | None], tuple[float, int]] = {}
        """For each kind of refusal: when a line was written, and how many were left out since then."""

    def write(self, call: Answered, mode: AccessLogMode) -> None:
        """Write the line of a call, if it gets one."""
        if is_left_out(call.status, mode):
            return
        if mode == "all":
            _write(call)
        elif not call.route.startswith(PUSHES):
            if call.client is not None or call.status >= FIRST_FAULT:
                _write(call)
            else:
                self._write_thinned(call)

    def _write_thinned(self, call: Answered) -> None:
        kind = (call.route, call.status, call.code)
        now = self._clock()
        written_at, left_out = self._thinned.get(kind, (None, 0))
        if written_at is not None and now - written_at < THINNED_FOR:
            self._thinned[kind] = written_at, left_out + 1
            return
        self._thinned[kind] = now, 0
        _write(call, **({"left_out": left_out} if left_out else {}))


def _write(call: Answered, **more: Any) -> None:
    facts = {**asdict(call), "path": call.path[:LONGEST_PATH], **more}
    if call.status >= FIRST_FAULT:
        log.warning("request.answered", **facts)
    else:
        log.info("request.answered", **facts)
