"""The news: what changed just now, heard over one connection however many in this process listen for it.

A listener reads the store once it is told, and once before: news may be lost with a connection, and nothing rests on
them. After every reconnect all are told. A connection may be lost silently (a firewall drops it, a host vanishes): a
quiet one is pinged, and one that does not answer is opened anew.
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
from bridge.store.connection import Store

PAUSE = 0.5
"""Seconds before a lost connection is opened anew."""
READERS = 20
"""So many listeners may read the store at once: what is news to a thousand must not open as many connections."""
SILENCE = 4.0
"""Seconds without a message after which the connection is asked for a sign of life, and after as many more given up."""

log = structlog.get_logger()


class ChangeFeed:
    """Who listens for what; the connection is opened with the first listener, and stays."""

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
        """Whether the process is about to end, so that nobody should listen any longer."""
        return self._stopping

    @property
    def listeners(self) -> int:
        """How many listen, each counted once for each of its topics."""
        return sum(len(events) for events in self._subscribers.values())

    @asynccontextmanager
    async def subscribe(self, *topics: str) -> AsyncIterator[asyncio.Event]:
        """Give an event that is set whenever something about one of the topics (`keys.news_of_…`) changed."""
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
            pass  # whoever listens is told when the connection stands
        try:
            yield changed
        finally:
            for topic in topics:
                self._subscribers[topic].discard(changed)
                if not self._subscribers[topic]:
                    del self._subscribers[topic]

    def stop(self) -> None:
        """Tell all listeners, for good: the process is asked to end."""
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
                log.debug("changes.interrupted", error=in_words(error))  # the store tells of outages
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
                    for changed in self._subscribers.get(message["data"], ()):
                        changed.set()

    @asynccontextmanager
    async def _renewed_with_the_others(self, channel: PubSub) -> AsyncIterator[None]:
        """Reconnect as soon as another connection shows that this Redis is not the right one any more."""

        async def disconnect() -> None:
            connection: Any = channel.connection  # redis-py's type says None
            await connection.disconnect(nowait=True)  # whoever reads from it then connects again

        pool = cast("Pool", self._store.redis.connection_pool)
        pool.on_renewal.add(disconnect)
        try:
            yield
        finally:
            pool.on_renewal.discard(disconnect)

    async def _next_message(self, channel: PubSub) -> Any:
        """Wait for a message; raises TimeoutError when a quiet connection does not even answer a PING."""
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
