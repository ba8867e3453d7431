"""The HTTP client of Rally: one GET request, with kept connections and limits on time and size."""

import asyncio
import ssl
from collections.abc import Callable
from functools import lru_cache, partial
from math import inf
from urllib.parse import quote

import httpx

from bridge.domain.imports import Reply
from bridge.domain.record_sets import LARGEST_SET_KEPT
from bridge.domain.secret import Secret
from bridge.domain.times import Moment
from bridge.http import Connections, NotReceived, Target, Timeouts, Trust
from bridge.http.user_agent import USER_AGENT
from bridge.rally.responses import decipher, unanswered, unusable

BODY_LIMIT = 2 * 1024 * 1024
"""The bytes of a body that are read: about 25,000 failed records, each with an id and an address."""
PARSED_AT_ONCE = 256 * 1024
"""The size up to which a body is parsed at once; the event loop must not wait for a larger one."""
CONNECT_TIMEOUT = 5.0
KEEP_ALIVE = 30.0
URLS_KEPT = 10_000
"""The size of the cache of parsed URLs: the same imports are polled repeatedly, and parsing is costly."""


class RallyClient:
    """A client of one workspace, which sends at most `slots` requests at once."""

    def __init__(
        self,
        *,
        base_url: str,
        key: Secret,
        slots: int,
        total_timeout: float,
        trust: Trust = ssl.create_default_context,
        proxy: Secret | None = None,
    ) -> None:
        """Store the settings: base URL without a trailing slash, total timeout in seconds, TLS trust, forward proxy.

        Raise ValueError for an invalid base URL, without repeating it.
        """
        try:
            httpx.URL(base_url)
        except httpx.InvalidURL:
            raise ValueError("is not a URL that can be sent to") from None
        self.slots = slots
        self._base_url = base_url
        self._headers = [
            (b"Accept", b"application/json, text/plain"),  # Rally's errors are plain text
            (b"Accept-Encoding", b"identity"),  # a compressed body could expand to any size
            (b"User-Agent", USER_AGENT.encode("ascii")),
            (b"Authorization", f"Bearer {key.reveal()}".encode("ascii")),
        ]
        self._target_of = lru_cache(maxsize=URLS_KEPT)(self._target_of_import)
        self._connections = Connections(
            slots=slots,
            timeouts=Timeouts(total=total_timeout, connect=min(CONNECT_TIMEOUT, total_timeout)),
            keep_alive=KEEP_ALIVE,
            trust=trust,
            proxy=proxy,
        )

    async def get_import(
        self,
        import_id: str,
        *,
        at: Callable[[], Moment],
        start_by: float = inf,
        largest_set: int = LARGEST_SET_KEPT,
    ) -> Reply | None:
        """Request an import; `at` returns the time, when the response has arrived. Failures are returned as Unanswered.

        More than `largest_set` failed records are only counted.
        Return None, and send nothing, if no connection is ready before `start_by` (seconds, monotonic).
        """
        received = await self._connections.exchange(
            "GET", self._target_of(import_id), self._headers, body_limit=BODY_LIMIT, start_by=start_by
        )
        if received is None:
            return None
        if isinstance(received, NotReceived):
            return unanswered(received.reason, import_id, at())
        if received.rest is not None:
            return unanswered(received.rest.reason, import_id, at())
        if received.cut:
            reason = f"the answer is larger than {BODY_LIMIT // 1024 // 1024} MiB"
            return unusable(reason, import_id, at(), received.status)
        pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in received.headers]
        parse = partial(
            decipher,
            status=received.status,
            headers=pairs,
            body=received.body,
            import_id=import_id,
            at=at(),
            largest_set=largest_set,
        )
        return parse() if len(received.body) <= PARSED_AT_ONCE else await asyncio.to_thread(parse)

    def _target_of_import(self, import_id: str) -> Target:
        return Target.of(httpx.URL(f"{self._base_url}/imports/{quote(import_id, safe='')}"))

    async def aclose(self) -> None:
        await self._connections.aclose()
