"""The pool of connections to Redis: which errors replace its connections, and which leave them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Any

import pytest
from redis.asyncio.connection import AbstractConnection

from bridge.domain.secret import Secret
from bridge.errors import StoreUnavailable
from bridge.redis.pool import YOUNG
from bridge.store.calls.connection import Store, connect

pytestmark = pytest.mark.anyio
PATIENCE = 20.0


class Speaker:
    """A server that answers PING. After `turn`, the existing connections get an error instead."""

    def __init__(self) -> None:
        self.url = ""
        self.commands: list[int] = []
        """The number of the connection of each command."""
        self._connections = 0
        self._turned = 0
        self._error = b""

    def turn(self, error: str) -> None:
        self._turned, self._error = self._connections, f"-{error}\r\n".encode()
        self.commands.clear()

    async def speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        number = self._connections
        with suppress(ConnectionError):
            while said := await reader.read(4096):
                for _ in range(said.count(b"PING")):
                    self.commands.append(number)
                    writer.write(self._error if number <= self._turned else b"+PONG\r\n")
        writer.close()


@pytest.fixture
async def speaker() -> AsyncIterator[Speaker]:
    speaker = Speaker()
    server = await asyncio.start_server(speaker.speak, "127.0.0.1", 0)
    speaker.url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield speaker
    server.close()


@pytest.fixture
async def store(speaker: Speaker) -> AsyncIterator[Store]:
    """A store with three idle connections."""
    store = Store(connect(Secret(speaker.url)))
    await asyncio.gather(*(store.call("PING") for _ in range(3)))
    yield store
    await store.redis.aclose()


async def grow_old(store: Store) -> None:
    """Make the idle connections look old."""
    pool = store.redis.connection_pool
    taken: Sequence[AbstractConnection] = [await pool.get_connection() for _ in range(3)]
    for each in taken:
        vars(each)["made_at"] -= YOUNG + 1
        await pool.release(each)


@pytest.mark.parametrize(
    "error",
    [
        "READONLY You can't write against a read only replica.",
        "ERR Error running script (call to f_12): @user_script:1: -READONLY You can't write against a replica.",
        "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
        "LOADING Redis is loading the dataset in memory",
        "NOAUTH Authentication required.",
    ],
)
async def test_one_such_error_replaces_every_connection_made_before(error: str, store: Store, speaker: Speaker) -> None:
    await grow_old(store)
    speaker.turn(error)
    answered = False
    async with asyncio.timeout(PATIENCE):
        while not answered:
            with suppress(StoreUnavailable):
                answered = await store.call("PING")
            await asyncio.sleep(0.05)  # refused credentials are tried again after a pause

    assert all(await asyncio.gather(*(store.call("PING") for _ in range(3))))
    assert [number for number in speaker.commands if number <= 3] == speaker.commands[:1]


async def test_an_error_of_a_new_connection_replaces_none(store: Store, speaker: Speaker) -> None:
    """A Redis that rejects all writes does not cause a new connection for each call."""
    speaker.turn("READONLY You can't write against a read only replica.")
    for _ in range(5):
        with pytest.raises(StoreUnavailable):
            await store.call("PING")

    assert set(speaker.commands) <= {1, 2, 3}


@pytest.mark.parametrize("error", ["OOM command not allowed when used memory > 'maxmemory'.", "ERR unknown command"])
async def test_other_errors_replace_no_connection(error: str, store: Store, speaker: Speaker) -> None:
    await grow_old(store)
    speaker.turn(error)
    for _ in range(5):
        with pytest.raises(StoreUnavailable):
            await store.call("PING")

    assert set(speaker.commands) <= {1, 2, 3}


def as_number(response: Any, **_: Any) -> int:
    return int(response)


async def test_a_reply_that_was_left_unread_reaches_no_other_caller(redis_url: str) -> None:
    """Also if the connection was lost, and made again while a command was sent."""
    redis, other = connect(Secret(redis_url)), connect(Secret(redis_url))
    await redis.set("word", "reply of another")
    await other.client_kill_filter(_type="normal", skipme=True)
    await redis.ping()

    redis.set_response_callback("GET", as_number)
    pipeline = redis.pipeline(transaction=False)
    pipeline.get("word")
    pipeline.get("word")
    with pytest.raises(ValueError, match="invalid literal"):
        await pipeline.execute()
    answer = await redis.ping()
    await redis.aclose()
    await other.aclose()

    assert answer is True
