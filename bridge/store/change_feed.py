"""The change feed: messages over Redis pub/sub that watches or imports have changed, one topic a line.

All subscribers of a process share one connection.

A subscriber reads the store before it waits and after each notification, because notifications may be lost with a
connection. After each reconnect all subscribers are notified. A connection may be lost silently (a firewall drops it, a
host vanishes), so a quiet one is pinged and, without an answer, replaced.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import structlog
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from bridge.redis.errors import in_words
from bridge.redis.pool import Pool
from bridge.store import keys
from bridge.store.calls.connection import Store

PAUSE = 0.5
"""Seconds before a lost connection is replaced."""
READERS = 20
"""The number of subscribers that may read the store at once: a thousand must not open a thousand connections."""
SILENCE = 4.0
"""Seconds without a message before a PING, and as many for its answer."""

log = structlog.get_logger()


class ChangeFeed:
    """The subscriptions of this process; the first one opens the connection, which stays open."""

    def __init__(self, store: Store, *, silence: float = SILENCE) -> None:
        self._store = store
        self._silence = silence
        self._subscribers: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._connected = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None
        self._stopping = False
        self.read_slots = asyncio.Semaphore(READERS)

    @property
    def stopping(self) -> bool:
        """Whether the process is shutting down, so that subscribers must end."""
        return self._stopping

    @property
    def listeners(self) -> int:
        """The number of subscriptions, counted per topic."""
        return sum(len(events) for events in self._subscribers.values())

    @asynccontextmanager
    async def subscribe(self, *topics: str) -> AsyncIterator[asyncio.Event]:
        """Yield an event that is set whenever one of the topics (`keys.…_topic`) changes."""
        if self._reader is None:
            self._reader = asyncio.create_task(self._read())
        changed = asyncio.Event()
        for topic in topics:
            self._subscribers[topic].add(changed)
        if self._stopping:
            changed.set()
        try:
            async with asyncio.timeout(PAUSE):
                await self._connected.wait()
        except TimeoutError:
            pass  # subscribers are notified once it is connected
        try:
            yield changed
        finally:
            for topic in topics:
                self._subscribers[topic].discard(changed)
                if not self._subscribers[topic]:
                    del self._subscribers[topic]

    def stop(self) -> None:
        """Notify all subscribers that the process is shutting down."""
        self._stopping = True
        self._notify_all()

    async def aclose(self) -> None:
        self.stop()
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)

    async def _read(self) -> None:
        while True:
            try:
                await self._receive()
            except (RedisError, OSError) as error:
                log.debug("change_feed.interrupted", error=in_words(error))  # the store logs outages
            self._connected.clear()
            await asyncio.sleep(PAUSE)

    async def _receive(self) -> None:
        async with self._store.redis.pubsub() as channel, self._renewed_with_the_others(channel):
            await channel.subscribe(keys.CHANGES)
            while True:
                message = await self._next_message(channel)
                if message["type"] == "subscribe":
                    self._connected.set()
                    self._notify_all()
                elif message["type"] == "message":
                    for topic in (*message["data"].split("\n"), keys.ANY_TOPIC):
                        for changed in self._subscribers.get(topic, ()):
                            changed.set()

    @asynccontextmanager
    async def _renewed_with_the_others(self, channel: PubSub) -> AsyncIterator[None]:
        """Reconnect when another connection finds that this server is no longer the primary."""

        async def disconnect() -> None:
            connection: Any = channel.connection  # redis-py's type says None
            await connection.disconnect(nowait=True)  # the reader then reconnects

        pool = cast("Pool", self._store.redis.connection_pool)
        pool.on_renewal.add(disconnect)
        try:
            yield
        finally:
            pool.on_renewal.discard(disconnect)

    async def _next_message(self, channel: PubSub) -> Any:
        """Return the next message. Raises TimeoutError if a quiet connection does not answer a PING."""
        message = await channel.get_message(timeout=self._silence)
        if message is None:
            await channel.ping()
            message = await channel.get_message(timeout=self._silence)
        if message is None:
            raise TimeoutError
        return message

    def _notify_all(self) -> None:
        for events in self._subscribers.values():
            for changed in events:
                changed.set()
