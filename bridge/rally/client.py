"""The client: one GET, over connections that are kept, within bounds of time and size."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from math import inf
from time import monotonic
from urllib.parse import quote

import httpx

from bridge.domain.imports import Reply
from bridge.domain.secret import Secret
from bridge.domain.times import Moment
from bridge.rally.answers import decipher, unanswered

BODY_LIMIT = 8 * 1024 * 1024
CONNECT_TIMEOUT = 5.0
KEEP_ALIVE = 30.0
USER_AGENT = f"rally-bridge/{version('rally-bridge')}"


class RallyClient:
    """Ask one workspace of Rally; at most `slots` questions at once.

    Each slot is a client of one connection: httpcore's pool looks through all its connections on every request, so
    that one large pool is many times slower. The last used slot is taken first, since its connection is warm.
    """

    def __init__(
        self,
        *,
        base_url: str,
        key: Secret,
        slots: int,
        total_timeout: float,
    ) -> None:
        """Take the base URL without a trailing slash, and the seconds that a question may take in all.

        Raises ValueError for a URL that can't be asked.
        """
        try:
            httpx.URL(base_url)
        except httpx.InvalidURL:
            raise ValueError(f"nothing can be asked at {base_url!r}") from None
        self.slots = slots
        self._base_url = base_url
        self._key = key
        self._total_timeout = total_timeout
        self._tls = ssl.create_default_context()  # 18 ms each, so one for all; the system's store of authorities
        self._idle = [_Slot() for _ in range(slots)]
        self._all = tuple(self._idle)
        self._room = asyncio.Semaphore(slots)

    async def get_import(self, import_id: str, *, at: Callable[[], Moment], start_by: float = inf) -> Reply | None:
        """Ask for an import; `at` tells the time when the answer is there. What goes wrong is an Unanswered.

        Gives None, and asks nothing, when no slot is free before `start_by` (seconds, monotonic).
        """
        async with self._room:
            if monotonic() >= start_by:
                return None
            slot = self._idle.pop()
            try:
                async with asyncio.timeout(self._total_timeout):
                    return await self._ask(slot, import_id, at)
            except TimeoutError:
                return unanswered(f"no answer within {self._total_timeout:g} s", at())
            except httpx.HTTPError as error:
                return unanswered(_in_words(error), at())
            finally:
                self._idle.append(slot)

    async def _ask(self, slot: "_Slot", import_id: str, at: Callable[[], Moment]) -> Reply:
        client = await self._client_of(slot)
        url = f"{self._base_url}/imports/{quote(import_id, safe='')}"
        headers = {"Authorization": f"Bearer {self._key.reveal()}"}
        async with client.stream("GET", url, headers=headers) as response:
            body = await _read(response)
        slot.clean = True
        if body is None:
            return unanswered(f"the answer is larger than {BODY_LIMIT // 1024 // 1024} MiB", at())
        pairs = response.headers.multi_items()
        return decipher(status=response.status_code, headers=pairs, body=body, import_id=import_id, at=at())

    async def _client_of(self, slot: "_Slot") -> httpx.AsyncClient:
        """Give the slot's client, a new one where there is none or the last request did not end regularly.

        A request cancelled at a bad moment leaves httpcore's pool with a connection that never becomes free.
        """
        if slot.client is None or not slot.clean:
            if slot.client is not None:
                await slot.client.aclose()
            slot.client = self._new_client()
        slot.clean = False
        return slot.client

    def _new_client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            verify=self._tls,
            trust_env=False,
            follow_redirects=False,
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=KEEP_ALIVE),
            timeout=httpx.Timeout(self._total_timeout, connect=min(CONNECT_TIMEOUT, self._total_timeout)),
            headers={"Accept": "application/json", "User-Agent": USER_AGENT},
        )

    async def aclose(self) -> None:
        for slot in self._all:
            if slot.client is not None:
                await slot.client.aclose()


@dataclass(slots=True)
class _Slot:
    """A client of one connection, made at its first use; `clean` while its last request ended regularly."""

    client: httpx.AsyncClient | None = None
    clean: bool = False


async def _read(response: httpx.Response) -> bytes | None:
    """Read the body; None when it is too large, which is noticed before it has been read whole."""
    read = bytearray()
    async for chunk in response.aiter_bytes():
        read += chunk
        if len(read) > BODY_LIMIT:
            return None
    return bytes(read)


def _in_words(error: httpx.HTTPError) -> str:
    """Name the kind of trouble; httpx's own texts may hold URLs."""
    match error:
        case httpx.ConnectTimeout() | httpx.ReadTimeout() | httpx.WriteTimeout() | httpx.PoolTimeout():
            return "timeout"
        case httpx.ConnectError():
            return "no connection"
        case httpx.NetworkError() | httpx.RemoteProtocolError():
            return "the connection broke"
        case _:
            return f"transport error ({type(error).__name__})"
