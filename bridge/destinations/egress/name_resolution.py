"""Name resolution and connecting, in which every address is checked first."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Any, TypeAlias

import httpcore

from bridge.destinations.egress.addresses import IPAddress, parse_address
from bridge.destinations.egress.rules import EgressRules
from bridge.domain.delivery.destination_requests import Failure, NoResponse

RESOLVER_THREADS = 64
MOST_ADDRESSES = 64
"""A name with more addresses is refused: a DNS response can hold thousands, and each would be checked."""

Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
SocketOption: TypeAlias = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]


class NotSent(Exception):
    """Nothing was sent. httpcore passes this exception on unchanged."""

    def __init__(self, failure: Failure, reason: str) -> None:
        super().__init__(reason)
        self.answer = NoResponse(failure=failure, reason=reason)


class Resolver:
    """Resolves names with getaddrinfo in its own threads; concurrent lookups of one name share a thread.

    A lookup can't be interrupted, so a name whose servers hang occupies one thread, however often it is looked up.
    """

    def __init__(self, threads: int = RESOLVER_THREADS) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="resolver")
        self._lookups: dict[tuple[str, int], asyncio.Future[list[str]]] = {}

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        key = (host, port)
        if key not in self._lookups:
            lookup = asyncio.get_running_loop().run_in_executor(self._threads, _addresses_of, host, port)
            lookup.add_done_callback(lambda _: self._lookups.pop(key, None))
            self._lookups[key] = lookup
        return await asyncio.shield(self._lookups[key])

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _addresses_of(host: str, port: int) -> list[str]:
    infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in infos))


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """A network backend that connects to checked addresses only."""

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
        addresses = await self.resolve(host.removesuffix("."), port, deadline)
        for left in range(len(addresses) - 1, -1, -1):
            address = addresses[-1 - left]
            try:
                return await self._network.connect_tcp(
                    str(address), port, _share(deadline, left), local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if not left:
                    raise
        raise NotSent(Failure.DNS, "the name has no address")

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        raise NotSent(Failure.REFUSED_ADDRESS, "sockets of this machine are not allowed")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def resolve(self, host: str, port: int, deadline: float | None) -> list[IPAddress]:
        """Return a host's addresses; raise NotSent if the rules refuse the host or any of its addresses."""
        addresses = await self._addresses(host, port, deadline)
        if len(addresses) > MOST_ADDRESSES:
            raise NotSent(Failure.DNS, f"the name has more than {MOST_ADDRESSES} addresses")
        if not self._rules.allow_host(host, port):
            for address in addresses:
                if wrong := self._rules.check_address(address, port):
                    raise NotSent(Failure.REFUSED_ADDRESS, wrong.for_operators)
        return addresses

    async def _addresses(self, host: str, port: int, deadline: float | None) -> list[IPAddress]:
        try:
            if (address := parse_address(host)) is not None:
                return [address]
            async with asyncio.timeout_at(deadline):
                return [ip_address(found) for found in await self._resolve(host, port)]
        except TimeoutError as error:
            raise NotSent(Failure.DNS, "the name servers did not answer in time") from error
        except (OSError, ValueError) as error:  # invalid names raise UnicodeError, a ValueError
            raise NotSent(Failure.DNS, "the name does not resolve") from error


def _share(deadline: float | None, left: int) -> float | None:
    """Return the timeout for one address: half of the remaining time unless it is the last address."""
    if deadline is None:
        return None
    remaining = max(0.0, deadline - asyncio.get_running_loop().time())
    return remaining / 2 if left else remaining
