"""The client: one GET, over connections that are kept, within bounds of time and size."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
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
URLS_KEPT = 10_000
"""An import is asked about again and again, and parsing its URL takes as long as all else that we do about it."""
USER_AGENT = f"rally-bridge/{version('rally-bridge')}"


class RallyClient:
    """Ask one workspace of Rally; at most `slots` questions at once.

    Each slot has a transport of one connection: httpcore's pool looks through all its connections on every request,
    so that one large pool is many times slower. The last used slot is taken first, since its connection is warm.
    httpx's transport is used without its client, whose redirects, cookies and authentication have no business here and
    take a third of the time.
    """

    def __init__(
        self,
        *,
        base_url: str,
        key: Secret,
        slots: int,
        total_timeout: float,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Take the base URL without a trailing slash, the seconds that a question may take in all, and whom TLS trusts.

        Raises ValueError for a URL that can't be asked.
        """
        try:
            httpx.URL(base_url)
        except httpx.InvalidURL:
            raise ValueError(f"nothing can be asked at {base_url!r}") from None
        self.slots = slots
        self._base_url = base_url
        self._headers = httpx.Headers(
            {
                "Host": httpx.URL(base_url).netloc.decode("ascii"),
                "Accept": "application/json, text/plain",  # the latter is what Rally's errors are
                "Accept-Encoding": "identity",  # a compressed answer could unfold to any size
                "User-Agent": USER_AGENT,
                "Authorization": f"Bearer {key.reveal()}",
            }
        )
        self._url_of = lru_cache(maxsize=URLS_KEPT)(self._url_of_import)
        self._total_timeout = total_timeout
        connect = min(CONNECT_TIMEOUT, total_timeout)
        self._extensions = {"timeout": httpx.Timeout(total_timeout, connect=connect).as_dict()}
        self._tls = tls or ssl.create_default_context()
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
            except (httpx.HTTPError, OSError) as error:  # a broken TLS record reaches us as ssl.SSLError, an OSError
                return unanswered(_in_words(error), at())
            finally:
                self._idle.append(slot)

    async def _ask(self, slot: "_Slot", import_id: str, at: Callable[[], Moment]) -> Reply:
        transport = await self._transport_of(slot)
        request = httpx.Request("GET", self._url_of(import_id), headers=self._headers, extensions=self._extensions)
        response = await transport.handle_async_request(request)
        try:
            body = await _read(response)
        finally:
            await response.aclose()
        slot.clean = True
        if body is None:
            return unanswered(f"the answer is larger than {BODY_LIMIT // 1024 // 1024} MiB", at())
        pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw]
        return decipher(status=response.status_code, headers=pairs, body=body, import_id=import_id, at=at())

    def _url_of_import(self, import_id: str) -> httpx.URL:
        return httpx.URL(f"{self._base_url}/imports/{quote(import_id, safe='')}")

    async def _transport_of(self, slot: "_Slot") -> httpx.AsyncHTTPTransport:
        """Give the slot's transport, a new one where there is none or the last request did not end regularly.

        A request cancelled at a bad moment leaves httpcore's pool with a connection that never becomes free.
        """
        if slot.transport is None or not slot.clean:
            if slot.transport is not None:
                await slot.transport.aclose()
            slot.transport = self._new_transport()
        slot.clean = False
        return slot.transport

    def _new_transport(self) -> httpx.AsyncHTTPTransport:
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=KEEP_ALIVE)
        return httpx.AsyncHTTPTransport(verify=self._tls, trust_env=False, limits=limits)

    async def aclose(self) -> None:
        for slot in self._all:
            if slot.transport is not None:
                await slot.transport.aclose()


@dataclass(slots=True)
class _Slot:
    """A transport of one connection, made at its first use; `clean` while its last request ended regularly."""

    transport: httpx.AsyncHTTPTransport | None = None
    clean: bool = False


async def _read(response: httpx.Response) -> bytes | None:
    """Read the body; None when it is too large, which is noticed before it has been read whole."""
    read = bytearray()
    assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - as every transport of httpx's gives it
    async for chunk in response.stream:
        read += chunk
        if len(read) > BODY_LIMIT:
            return None
    return bytes(read)


def _in_words(error: httpx.HTTPError | OSError) -> str:
    """Name the kind of trouble; httpx's own texts may hold URLs."""
    match error:
        case httpx.ConnectTimeout() | httpx.ReadTimeout() | httpx.WriteTimeout() | httpx.PoolTimeout():
            return "timeout"
        case httpx.ConnectError():
            return "no connection"
        case httpx.NetworkError() | httpx.RemoteProtocolError() | OSError():
            return "the connection broke"
        case _:
            return f"transport error ({type(error).__name__})"
