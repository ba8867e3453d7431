"""Asking sentinels for the master, and connections to it whose role is checked."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import MasterNotFoundError
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError

from bridge.domain.sentinel_urls import Address, SentinelLogin, SentinelUrl
from bridge.redis.server import server_of

PATIENCE = 2.0
"""Seconds that a sentinel has to answer. All are asked at once."""
GRACE = 0.1
"""Seconds that the others have to answer once one has named a master."""
OF_REDIS = frozenset({"username", "password", "credential_provider", "db", "host", "port"})
"""The options of connections to Redis that those to its sentinels don't share."""


class Sentinels:
    """The sentinels of one master. Connections that are opened at the same time share one question."""

    def __init__(
        self, url: SentinelUrl, login: SentinelLogin, kind: type[AbstractConnection], options: Mapping[str, Any]
    ) -> None:
        """`kind` and `options` are those of connections to Redis; TLS is the same for the sentinels."""
        self._url = url
        self._kind = kind
        self._options = {name: value for name, value in options.items() if name not in OF_REDIS} | {
            "username": None if login.user is None else login.user.reveal(),
            "password": None if login.password is None else login.password.reveal(),
            "socket_connect_timeout": PATIENCE,
            "socket_timeout": PATIENCE,
            "retry": Retry(NoBackoff(), 0),
            "decode_responses": True,
        }
        self._asking: asyncio.Task[Sequence[Address | Exception | None]] | None = None

    async def masters(self) -> Sequence[Address]:
        """Return the address that most sentinels name as the master, then others that some still name.

        Raises MasterNotFoundError, or AuthenticationError if each sentinel that answers refuses the login.
        """
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask_all())
        answers = await asyncio.shield(self._asking)
        named = Counter(each for each in answers if isinstance(each, tuple))
        if not named:
            raise _failure(self._url.master, answers)
        return [address for address, _ in named.most_common()]

    async def _ask_all(self) -> "Sequence[Address | Exception | None]":
        """Return the answers; those that come long after the first address are left out."""
        asking = [asyncio.create_task(self._ask(*address)) for address in self._url.sentinels]
        for answered in asyncio.as_completed(asking):
            if isinstance(await answered, tuple):
                break
        in_time, late = await asyncio.wait(asking, timeout=GRACE)
        for each in late:
            each.cancel()
        return [each.result() for each in in_time]

    async def _ask(self, host: str, port: int) -> Address | Exception | None:
        """Return the address that a sentinel names, None if it does not know the master, or the error."""
        pool = ConnectionPool(connection_class=self._kind, host=host, port=port, **self._options)
        try:
            async with asyncio.timeout(PATIENCE), Redis.from_pool(pool) as sentinel:
                answer: Any = await sentinel.sentinel_get_master_addr_by_name(self._url.master)  # type: ignore[no-untyped-call]  # redis-py's
        except (RedisError, OSError) as error:
            return error
        return None if answer is None else (str(answer[0]), int(answer[1]))


def _failure(master: str, answers: "Sequence[Address | Exception | None]") -> RedisConnectionError:
    """Return the error for answers none of which names a master."""
    if None in answers:
        return MasterNotFoundError(f"the sentinels know no master named {master}")
    refusals = [each for each in answers if isinstance(each, AuthenticationError)]
    if refusals:
        login = "REDIS_SENTINEL_USERNAME or REDIS_SENTINEL_PASSWORD"
        return AuthenticationError(f"the sentinels refuse {login}: {refusals[0]}")
    return MasterNotFoundError("no sentinel answers")


class MasterConnection(AbstractConnection):
    """A connection to what the sentinels name, if it has the role of a master; a mixin for redis-py's classes.

    redis-py's own asks one sentinel after the other for each connection, needs a pool of its own class, and trusts the
    first answer without asking the server for its role. No upstream issue found.
    """

    sentinels: Sentinels
    host: str
    port: int

    async def connect(self) -> None:
        if self.is_connected:
            return
        *first, last = await self.sentinels.masters()
        for address in first:
            with suppress(RedisError):
                await self._connect_to(address)
                return
        await self._connect_to(last)

    async def _connect_to(self, address: Address) -> None:
        self.host, self.port = address
        await super().connect()  # type: ignore[no-untyped-call]  # redis-py's

    async def on_connect(self) -> None:
        await super().on_connect()
        await self.send_command("HELLO", check_health=False)
        if server_of(await self.read_response()).role != "master":
            raise MasterNotFoundError("what the sentinels name is no master yet")
