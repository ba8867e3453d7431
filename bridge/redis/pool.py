"""The pool of connections to one Redis; it replaces connections that cannot recover."""

import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, cast

import hiredis
from redis.asyncio.connection import AbstractConnection, Connection, ConnectionPool
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from bridge.domain.secret import Secret
from bridge.domain.sentinel_urls import WITHOUT_LOGIN, SentinelLogin, sentinel_url
from bridge.redis.credentials import Credentials
from bridge.redis.errors import in_words, needs_new_connection, refuses_credentials
from bridge.redis.options import defaults_for, read
from bridge.redis.sentinels import MasterConnection, Sentinels

YOUNG = 1.0
"""The age in seconds below which a connection is new: an error on it shows that another new one would not help."""
RECENT = 1.0
"""The seconds after its last use within which a connection is taken to be open."""


@dataclass(frozen=True, slots=True)
class Fault:
    """An error that requires a new connection, and when the failed one was made."""

    error: Exception
    made_at: float


class Watched(AbstractConnection):
    """A connection that records when it was opened and used, and an error after which it must be replaced.

    redis-py 5.3 replaces a connection only after its own error. No upstream issue found.
    """

    made_at = -math.inf
    used_at = -math.inf
    pending = 0
    """The number of commands whose reply was not read."""
    fault: Fault | None = None

    async def connect(self) -> None:
        if not self.is_connected:
            self.made_at = -math.inf
            await super().connect()  # type: ignore[no-untyped-call]  # redis-py's
            self.made_at = monotonic()

    async def disconnect(self, nowait: bool = False) -> None:  # noqa: FBT001, FBT002 - redis-py's signature
        """Close the connection, whose replies will not come any more.

        `pending` is reset here, not by `connect`: redis-py connects between packing a command and sending it.
        """
        try:
            await super().disconnect(nowait)
        finally:
            self.pending = 0

    def pack_command(self, *args: Any) -> list[bytes]:
        """Encode a command in C, as redis-py's blocking client does. Its asyncio client needs ten times longer.

        Needless once it does so as well (https://github.com/redis/redis-py/issues/4176, open).
        """
        self.pending += 1
        words: Any = (*str(args[0]).split(), *args[1:])  # a command's name may be two words
        return [hiredis.pack_command(words)]

    async def read_response(self, *args: Any, **options: Any) -> Any:
        try:
            response = await super().read_response(*args, **options)
        except (RedisError, OSError) as error:
            self._note(error)
            raise
        finally:
            if self.is_connected:
                self.pending -= 1
        if isinstance(response, list):  # of a transaction or a batch script
            for each in response:
                if isinstance(each, Exception):
                    self._note(each)
        return response

    def _note(self, error: Exception) -> None:
        if needs_new_connection(error):
            self.fault = Fault(error, self.made_at)


def _watched(
    kind: type[AbstractConnection], url: Secret, login: SentinelLogin, options: Mapping[str, Any]
) -> type[AbstractConnection]:
    """Return the class of a pool's connections: of redis-py's kind, to a server or to what its sentinels name."""
    named = sentinel_url(url.reveal())
    if named is None:
        return type(f"Watched{kind.__name__}", (Watched, kind), {})
    sentinels = Sentinels(named, login, kind, options)
    return type(f"Watched{kind.__name__}", (Watched, MasterConnection, kind), {"sentinels": sentinels})


class Pool(ConnectionPool):
    """Connections to the Redis at a URL; several clients may share it.

    When an error shows that only new connections help (the server was demoted or restarts, the password was changed,
    the server is silent), all older connections are replaced: idle ones before their next use, others afterwards. A
    client that keeps a connection for long is called through `on_renewal`.
    """

    def __init__(
        self, url: Secret, file: Path | None = None, login: SentinelLogin = WITHOUT_LOGIN, **options: Any
    ) -> None:
        """`file` is the file that the URL was read from, `login` that of the sentinels which it may name.

        Nothing is sent before the first call.

        Raises ValueError, and for some malformed URLs other exceptions, as redis-py does.
        """
        given = {name: value for name, value in read(url.reveal()).items() if name not in {"username", "password"}}
        kind = given.pop("connection_class", Connection)
        options = {**options, **defaults_for(url.reveal()), **given}
        self.credentials = Credentials(url, file)
        self.on_renewal: set[Callable[[], Awaitable[None]]] = set()
        self._renewed_at = -math.inf
        super().__init__(
            connection_class=_watched(kind, url, login, options),
            **{**options, "credential_provider": self.credentials},
        )
        self.make_connection()  # type: ignore[no-untyped-call]  # validates the options after the URL's ?

    async def get_connection(self, _command: Any = None, *_keys: Any, **_options: Any) -> AbstractConnection:
        """Return a connection from the pool, connected.

        redis-py 5.3 connects one at a time under a lock: if a host has vanished, callers would wait for each other.
        Needless from redis-py 8.1 on (https://github.com/redis/redis-py/issues/3842).
        """
        connection: AbstractConnection = self.get_available_connection()  # type: ignore[no-untyped-call]  # redis-py's
        try:
            await self.ensure_connection(connection)
        except BaseException:
            await self.release(connection)
            raise
        return connection

    async def ensure_connection(self, connection: AbstractConnection) -> None:
        """Connect if necessary. Raises AuthenticationError at once if Redis has just rejected the credentials.

        redis-py checks each time that a connection is open and has no unread reply. It waits two turns of the event
        loop for that; under load, these take longer than the command. A connection that was used a moment ago, and all
        of whose replies were read, needs no check: a command whose connection was lost is repeated. redis-py 8.0 checks
        without waiting (https://github.com/redis/redis-py/pull/4063).
        """
        watched = cast("Watched", connection)
        if watched.made_at <= self._renewed_at:
            await connection.disconnect(nowait=True)
        connected = connection.is_connected
        if connected and not watched.pending and watched.used_at > monotonic() - RECENT:
            return
        if not connected:
            self.credentials.check()
        try:
            await super().ensure_connection(connection)
        except RedisConnectionError:
            await self._hear(connection)
            raise
        if not connected:
            self.credentials.accepted()

    @staticmethod
    async def _hear(connection: AbstractConnection) -> None:
        """Raise the reply that Redis sends unasked: in protected mode, why it closes the connection.

        redis-py 5 discards it (https://github.com/redis/redis-py/issues/3150, closed without a change).
        """
        if connection.is_connected:
            try:
                await connection.read_response()
            finally:
                await connection.disconnect(nowait=True)

    async def release(self, connection: AbstractConnection) -> None:
        """Return a connection to the pool; its last error may renew the others."""
        await super().release(connection)
        watched = cast("Watched", connection)
        watched.used_at = monotonic()
        fault, watched.fault = watched.fault, None
        if fault is not None:
            await self._learn_from(fault)

    async def renew(self) -> None:
        """Replace all connections that are older than a second: another server may be the primary by now."""
        now = monotonic()
        if self._renewed_at < now - YOUNG:
            await self._renew(now)

    async def _learn_from(self, fault: Fault) -> None:
        now = monotonic()
        was_connected = fault.made_at > self._renewed_at
        if refuses_credentials(fault.error):
            self.credentials.refused(in_words(fault.error))
            renew = was_connected  # otherwise older connections may still be authenticated
        else:
            renew = was_connected and fault.made_at < now - YOUNG
        if renew:
            await self._renew(now)

    async def _renew(self, now: float) -> None:
        self._renewed_at = now
        for reconnect in list(self.on_renewal):
            await reconnect()
