"""A limit for large bodies that are read at the same time before their signature can be verified.

They are pushes and the requests of Slack: anyone can send them, until the body has arrived and its signature is wrong.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.requests import Request

from bridge.web.refusals import Refusal, Refused

LARGE = 16 * 1024
"""The size in bytes above which a body needs a slot; a push of three hundred failed records is smaller."""
SLOTS = 64
RETRY_AFTER = 10
"""The Retry-After in seconds: by then, each body has arrived or was refused."""


class UnverifiedBodies:
    """The slots of this process for large bodies."""

    def __init__(self, *, slots: int = SLOTS) -> None:
        self._free = slots

    @contextmanager
    def acquire(self, request: Request) -> Iterator[None]:
        """Use a slot while the body is read, if it is large or of unknown size; raise Refused with 503 without one."""
        size = request.headers.get("content-length")
        needed = 1 if size is None or int(size) > LARGE else 0
        if needed > self._free:
            detail = "Too many large pushes at once. Send it again."
            raise Refused(Refusal.SERVICE_UNAVAILABLE, detail, headers={"Retry-After": str(RETRY_AFTER)})
        self._free -= needed
        try:
            yield
        finally:
            self._free += needed
