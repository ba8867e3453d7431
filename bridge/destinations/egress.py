"""The only place that opens a socket to a host somebody gave: what it dials was checked, whatever the DNS says.

A URL is judged before each attempt; then its name is resolved once, every address it has is judged, and exactly
those addresses are dialled. The URL keeps its name, so that TLS verifies the receiver by it. Behind a forward proxy
the URL is judged all the same, and what it resolves to is the proxy's to decide.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Self, TypeAlias

import httpcore
import httpx

from bridge.destinations.addresses import Address, literal
from bridge.destinations.faults import no_response
from bridge.destinations.rules import DEFAULT_PORTS, EgressRules, Forbidden, check_url, read
from bridge.domain.deliveries import Answer, Failure, NoResponse, Request, Response
from bridge.domain.secret import Secret

__all__ = ["Egress", "EgressRules", "Forbidden", "GuardedBackend", "Resolver", "check_url"]

ANSWER_LIMIT = 16 * 1024
IDLE_SECONDS = 4.0
"""A connection is kept for this long; many servers close it after 5, and a request must not meet that moment."""
RESOLVER_THREADS = 64

Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
SocketOption: TypeAlias = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]


class Unsent(Exception):
    """Nothing was sent; httpcore and httpx let this pass as it is."""

    def __init__(self, failure: Failure, reason: str) -> None:
        super().__init__(reason)
        self.answer = NoResponse(failure=failure, reason=reason)


class Resolver:
    """Ask the system for a name's addresses, in threads of its own; those who ask for one name at once share a thread.

    A lookup can't be interrupted, so a name whose servers hang holds one thread, however often it is asked for.
    """

    def __init__(self, threads: int = RESOLVER_THREADS) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="resolver")
        self._lookups: dict[tuple[str, int], asyncio.Future[list[str]]] = {}

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        asked = (host, port)
        if asked not in self._lookups:
            lookup = asyncio.get_running_loop().run_in_executor(self._threads, _addresses_of, host, port)
            lookup.add_done_callback(lambda _: self._lookups.pop(asked, None))
            self._lookups[asked] = lookup
        return await asyncio.shield(self._lookups[asked])

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _addresses_of(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Connect to checked addresses only."""

    def __init__(self, rules: EgressRules, resolve: Resolve) -> None:
        self._rules = rules
        self._resolve = resolve
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        deadline = None if timeout is None else asyncio.get_running_loop().time() + timeout
        addresses = await self.checked(host.removesuffix("."), port, deadline)
        for left in range(len(addresses) - 1, -1, -1):
            address = addresses[-1 - left]
            try:
                return await self._network.connect_tcp(
                    str(address), port, _share(deadline, left), local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if not left:
                    raise
        raise Unsent(Failure.DNS, "the name has no address")

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        raise Unsent(Failure.REFUSED_ADDRESS, "sockets of this machine are not allowed")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def checked(self, host: str, port: int, deadline: float | None) -> list[Address]:
        """Resolve, and refuse the host for any one address: whom a mixed answer serves is not for us to guess.

        Raises Unsent.
        """
        addresses = await self._addresses(host, port, deadline)
        if not self._rules.allow_host(host, port):
            for address in addresses:
                if wrong := self._rules.objection(address, port):
                    raise Unsent(Failure.REFUSED_ADDRESS, wrong.detail)
        return addresses

    async def _addresses(self, host: str, port: int, deadline: float | None) -> list[Address]:
        try:
            if (address := literal(host)) is not None:
                return [address]
            async with asyncio.timeout_at(deadline):
                return [ip_address(found) for found in await self._resolve(host, port)]
        except TimeoutError as error:
            raise Unsent(Failure.DNS, "the name servers did not answer in time") from error
        except (OSError, ValueError) as error:  # UnicodeError, which is what an impossible name raises, is the latter
            raise Unsent(Failure.DNS, "the name does not resolve") from error


def _share(deadline: float | None, left: int) -> float | None:
    """Give one address half of the time while others are left, so that a silent one does not use up all of it."""
    if deadline is None:
        return None
    remaining = max(0.0, deadline - asyncio.get_running_loop().time())
    return remaining / 2 if left else remaining


class _GuardedTransport(httpx.AsyncHTTPTransport):
    """httpx over one connection of ours."""

    def __init__(self, backend: GuardedBackend, ssl_context: ssl.SSLContext) -> None:
        super().__init__(verify=ssl_context, trust_env=False)
        # httpx has no argument for the network beneath it, httpcore has; a test fails if httpx stops to use this pool.
        # One connection each: httpcore's pool gets slower with the square of its connections.
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl_context, max_connections=1, keepalive_expiry=IDLE_SECONDS, network_backend=backend
        )


@dataclass(slots=True)
class _Slot:
    """Room for one request at a time; its connection stays open for the origin it served last."""

    transport: httpx.AsyncHTTPTransport
    origin: tuple[str, str, int | None] | None = None
    clean: bool = True
    """Whether its last request came to a regular end."""


class Egress:
    """Send requests, as many at once as there are slots."""

    def __init__(
        self,
        rules: EgressRules,
        *,
        slots: int = 50,
        connect_timeout: float = 5.0,
        read_timeout: float = 10.0,
        body_timeout: float = 5.0,
        total_timeout: float = 20.0,
        resolve: Resolve | None = None,
        ssl_context: ssl.SSLContext | None = None,
        proxy: Secret | None = None,
    ) -> None:
        self.slots = slots
        self._rules = rules
        self._body_timeout = body_timeout
        self._total_timeout = total_timeout
        self._connect_timeout = connect_timeout
        self._resolver = Resolver()
        self._room = asyncio.Semaphore(slots)
        self._backend = GuardedBackend(rules, resolve or self._resolver)
        self._ssl_context = ssl_context or ssl.create_default_context()
        self._proxy = None if proxy is None else httpx.Proxy(proxy.reveal())
        self._extensions = {"timeout": httpx.Timeout(read_timeout, connect=connect_timeout).as_dict()}
        self._idle = [_Slot(self._new_transport()) for _ in range(slots)]
        self._all = tuple(self._idle)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        for slot in self._all:
            await slot.transport.aclose()
        self._resolver.close()

    async def refusal(self, url: Secret) -> NoResponse | None:
        """Say why nothing would be sent to a URL, without connecting: the rules, or what its name resolves to.

        None when it would be; behind a proxy, whose the resolving is, the rules alone are asked.
        """
        if wrong := check_url(url.reveal(), self._rules, slack=False):
            return NoResponse(failure=Failure.REFUSED_ADDRESS, reason=wrong.detail)
        if self._proxy is not None:
            return None
        parsed = httpx.URL(url.reveal())
        deadline = asyncio.get_running_loop().time() + self._connect_timeout
        try:
            await self._backend.checked(
                parsed.raw_host.decode("ascii").removesuffix("."), parsed.port or DEFAULT_PORTS[parsed.scheme], deadline
            )
        except Unsent as unsent:
            return unsent.answer
        return None

    async def send(self, request: Request) -> Answer:
        """POST once; what goes wrong on the way is an answer as well, in words that hold no secret."""
        if wrong := check_url(request.url.reveal(), self._rules, slack=False):
            return NoResponse(failure=Failure.REFUSED_ADDRESS, reason=wrong.detail)
        url = read(request.url.reveal())
        async with self._room:
            slot = self._take((url.scheme, url.host, url.port))
            try:
                async with asyncio.timeout(self._total_timeout):
                    return await self._post(slot, url, request)
            except Unsent as unsent:
                return unsent.answer
            except TimeoutError:
                return NoResponse(failure=Failure.TIMEOUT, reason=f"no answer within {self._total_timeout:g} s")
            except (httpx.HTTPError, OSError) as error:  # OSError: a TLS alert in place of an answer
                return no_response(error)
            finally:
                self._idle.append(slot)

    def _take(self, origin: tuple[str, str, int | None]) -> _Slot:
        """Prefer the slot that served this origin last, else the one that has been idle for longest."""
        slot = next((slot for slot in reversed(self._idle) if slot.origin == origin), self._idle[0])
        self._idle.remove(slot)
        slot.origin = origin
        return slot

    async def _post(self, slot: _Slot, url: httpx.URL, request: Request) -> Response:
        if not slot.clean:
            # A request cancelled at a bad moment leaves httpcore's pool with a connection that never becomes free.
            await slot.transport.aclose()
            slot.transport = self._new_transport()
        slot.clean = False
        answer = await _post(slot.transport, url, request, self._extensions, self._body_timeout)
        slot.clean = answer.whole
        return answer

    def _new_transport(self) -> httpx.AsyncHTTPTransport:
        if self._proxy is None:
            return _GuardedTransport(self._backend, self._ssl_context)
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=IDLE_SECONDS)
        return httpx.AsyncHTTPTransport(verify=self._ssl_context, trust_env=False, limits=limits, proxy=self._proxy)


async def _post(
    transport: httpx.AsyncHTTPTransport,
    url: httpx.URL,
    request: Request,
    extensions: dict[str, Any],
    body_timeout: float,
) -> Response:
    """Send through httpx's transport alone: its client's redirects, cookies and credentials are not for a receiver.

    The status has told by then: a body that never ends, or breaks off, is no reason to send again what was accepted.
    """
    headers = {"accept": "*/*", **request.headers, "accept-encoding": "identity"}  # compressed could unfold to any size
    asked = httpx.Request("POST", url, headers=headers, content=request.body, extensions=extensions)
    answer = await transport.handle_async_request(asked)
    body, whole = bytearray(), True
    try:
        assert isinstance(answer.stream, httpx.AsyncByteStream)  # noqa: S101 - as every transport of httpx's gives it
        async with asyncio.timeout(body_timeout):
            async for chunk in answer.stream:
                body += chunk
                if len(body) >= ANSWER_LIMIT:
                    break
    except (TimeoutError, httpx.HTTPError):
        whole = False
    finally:
        await answer.aclose()
    found = bytes(body[:ANSWER_LIMIT])
    return Response(status=answer.status_code, headers=dict(answer.headers), body=found, whole=whole)
