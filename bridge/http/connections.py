"""Connections to peers, each kept open for the origin that it served last; one request at a time on each."""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from math import inf
from time import monotonic
from typing import Any, TypeAlias

import httpcore
import httpx

from bridge.domain.secret import Secret
from bridge.http.errors import FAULTS, Fault, NotReceived, not_received
from bridge.http.network import START_BY, MeteredBackend, TooLate

RawHeaders: TypeAlias = Sequence[tuple[bytes, bytes]]
Origin: TypeAlias = tuple[str, str, int | None]
Trust: TypeAlias = Callable[[], ssl.SSLContext]
"""A function that returns the TLS context. It is called at the first connection: it takes 2.5 MB and 18 ms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Timeouts in seconds: `read` between two parts of a response, `body` for the whole body."""

    total: float
    connect: float
    read: float | None = None
    body: float | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """A request's URL for httpcore, its Host header, and its origin."""

    url: httpcore.URL = field(repr=False)
    host: bytes
    origin: Origin

    @classmethod
    def of(cls, url: httpx.URL) -> "Target":
        return cls(_core_url(url), url.netloc, (url.scheme, url.host, url.port))


def _core_url(url: httpx.URL) -> httpcore.URL:
    return httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A response. `cut`: its body was larger than the limit. `rest`: why the rest of the body did not arrive."""

    status: int
    headers: RawHeaders = field(repr=False)
    body: bytes = field(repr=False)
    cut: bool = False
    rest: NotReceived | None = None


@dataclass(slots=True, eq=False)
class _Slot:
    """A place for one request at a time. `clean` if its last request ended regularly."""

    pool: httpcore.AsyncConnectionPool | None = None
    origin: Origin | None = None
    clean: bool = True


class Connections:
    """Sends requests, at most `slots` at once; others wait.

    Each slot has a pool of one connection: httpcore's pool scans all its connections on every request, so one large
    pool is many times slower. httpx's client is not used: we need none of its redirects, cookies and credentials, and
    it would take a third of the CPU time.
    """

    def __init__(
        self,
        *,
        slots: int,
        timeouts: Timeouts,
        keep_alive: float,
        trust: Trust,
        backend: httpcore.AsyncNetworkBackend | None = None,
        proxy: Secret | None = None,
    ) -> None:
        self.slots = slots
        self._timeouts = timeouts
        self._keep_alive = keep_alive
        self._trust = cache(trust)
        self._backend = MeteredBackend(backend or httpcore.AnyIOBackend())
        self._proxy = None if proxy is None else _proxy(proxy, self._trust)
        phases = {"connect": timeouts.connect, "read": timeouts.read, "write": timeouts.read}
        self._extensions: dict[str, Any] = {"timeout": phases}
        self._idle = [_Slot() for _ in range(slots)]
        self._all = tuple(self._idle)
        self._room = asyncio.Semaphore(slots)

    async def exchange(
        self,
        method: str,
        target: Target,
        headers: RawHeaders,
        content: bytes = b"",
        *,
        body_limit: int,
        start_by: float = inf,
    ) -> Received | NotReceived | None:
        """Send a request and read the response; network faults are returned as NotReceived.

        `headers` must not contain Host or Content-Length. Return None, and send nothing, if no slot is free or no
        connection is open before `start_by` (seconds, monotonic). Other exceptions of the backend are passed on.
        """
        own = [(b"Host", target.host), *headers]
        if content:
            own.append((b"Content-Length", str(len(content)).encode()))
        async with self._room:
            if monotonic() >= start_by:
                return None
            request = httpcore.Request(method, target.url, headers=own, content=content, extensions=self._extensions)
            slot = self._take(target.origin)
            began = START_BY.set(start_by)
            try:
                async with asyncio.timeout(self._timeouts.total):
                    return await self._exchange(slot, request, body_limit)
            except TooLate:
                return None
            except TimeoutError:
                return NotReceived(Fault.TIMEOUT, f"within {self._timeouts.total:g} s")
            except FAULTS as error:
                return not_received(error, proxied=self._proxy is not None)
            finally:
                START_BY.reset(began)
                self._idle.append(slot)

    def _take(self, origin: Origin) -> _Slot:
        """Take an idle slot whose connection leads to this origin, else the slot that has been idle for longest."""
        slot = next((slot for slot in reversed(self._idle) if slot.origin == origin), self._idle[0])
        self._idle.remove(slot)
        slot.origin = origin
        return slot

    async def _exchange(self, slot: _Slot, request: httpcore.Request, body_limit: int) -> Received:
        pool = await self._pool_of(slot)
        response = await pool.handle_async_request(request)
        received = await self._read(response, body_limit)
        slot.clean = received.rest is None
        return received

    async def _pool_of(self, slot: _Slot) -> httpcore.AsyncConnectionPool:
        """Return the slot's pool; a new one if there is none, or if the last request did not end regularly.

        A request cancelled at the wrong moment leaves a connection in httpcore's pool that never becomes free.
        """
        if slot.pool is not None and not slot.clean:
            await slot.pool.aclose()
            slot.pool = None
        if slot.pool is None:
            slot.pool = self._new_pool()
        slot.clean = False
        return slot.pool

    def _new_pool(self) -> httpcore.AsyncConnectionPool:
        return httpcore.AsyncConnectionPool(
            ssl_context=self._trust(),
            proxy=self._proxy,
            max_connections=1,
            keepalive_expiry=self._keep_alive,
            network_backend=self._backend,
        )

    async def _read(self, response: httpcore.Response, limit: int) -> Received:
        """Read the body up to the limit. If the connection fails meanwhile, return what was read so far."""
        body, rest = bytearray(), None
        try:
            async with asyncio.timeout(self._timeouts.body):
                async for part in response.aiter_stream():
                    body += part
                    if len(body) > limit:
                        break
        except FAULTS as error:
            rest = not_received(error)
        finally:
            await response.aclose()
        return Received(
            status=response.status,
            headers=response.headers,
            body=bytes(body[:limit]),
            cut=len(body) > limit,
            rest=rest,
        )

    async def aclose(self) -> None:
        for slot in self._all:
            if slot.pool is not None:
                await slot.pool.aclose()


def check_proxy(url: Secret) -> str | None:
    """Return why a proxy's URL can't be used, without repeating it; None if it can."""
    try:
        read = httpx.Proxy(url.reveal())
        if read.url.raw_host and read.raw_auth is not None:
            b"".join(read.raw_auth)
    except (httpx.InvalidURL, ValueError):
        return "is not the URL of a proxy"
    return None


def _proxy(url: Secret, trust: Trust) -> httpcore.Proxy:
    """Parse a proxy's URL, which may contain a user name and password."""
    read = httpx.Proxy(url.reveal())
    secure = read.url.scheme == "https"
    return httpcore.Proxy(_core_url(read.url), auth=read.raw_auth, ssl_context=trust() if secure else None)
