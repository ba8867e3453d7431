"""The connections to Redis: one with an unread reply is never reused, and a silent Redis is an error."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import pytest
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError

from bridge.domain.secret import Secret
from bridge.errors import StoreUnavailable
from bridge.store.calls.connection import Store, connect
from tests.support.vanished_server import vanished_server

pytestmark = pytest.mark.anyio
PATIENCE = 5.0


@pytest.fixture
async def idle(store: Store) -> AsyncIterator[AbstractConnection]:
    """The only connection of the store's pool, taken out of it; the test gives it back."""
    await store.call("PING")
    connection = await store.redis.connection_pool.get_connection()
    yield connection
    await connection.disconnect()


async def of_no_use(connection: AbstractConnection) -> None:
    """Wait until the connection is reported as unusable."""
    async with asyncio.timeout(PATIENCE):
        with suppress(RedisConnectionError):  # redis-py's error for a connection that was closed
            while not await connection.can_read_destructive():  # type: ignore[no-untyped-call]  # noqa: ASYNC110 - redis-py's
                await asyncio.sleep(0.01)


async def test_an_unread_reply_is_not_given_to_another_caller(store: Store, idle: AbstractConnection) -> None:
    await idle.send_command("ECHO", "for somebody else")
    await of_no_use(idle)
    await store.redis.connection_pool.release(idle)

    assert await store.call("ECHO", "for me") == "for me"


async def test_a_second_unread_reply_is_not_given_to_another_caller(store: Store, idle: AbstractConnection) -> None:
    await idle.send_packed_command([b"PING\r\nPING\r\n"])
    await idle.read_response()
    await of_no_use(idle)
    await store.redis.connection_pool.release(idle)

    assert await store.call("ECHO", "for me") == "for me"


async def test_a_connection_that_was_closed_while_idle_is_replaced(
    store: Store, idle: AbstractConnection, redis_url: str
) -> None:
    await idle.send_command("CLIENT", "ID")
    number = await idle.read_response()
    await store.redis.connection_pool.release(idle)
    killer = Store(connect(Secret(redis_url)))
    await killer.call("CLIENT", "KILL", "ID", number)
    await killer.redis.aclose()
    await of_no_use(idle)

    assert await store.call("ECHO", "for me") == "for me"


async def test_a_connection_that_was_reset_while_idle_is_replaced() -> None:
    lines: list[asyncio.StreamWriter] = []

    async def agree(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines.append(writer)
        with suppress(ConnectionError):
            while said := await reader.read(4096):
                writer.write(b"+PONG\r\n" * said.count(b"*"))

    server = await asyncio.start_server(agree, "127.0.0.1", 0)
    store = Store(connect(Secret(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}")))
    await store.call("PING")
    idle = await store.redis.connection_pool.get_connection()
    for line in lines:
        line.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        line.transport.abort()

    await of_no_use(idle)

    await idle.disconnect()
    server.close()


@pytest.mark.parametrize("answers", [0, 1], ids=["from the start", "after a while"])
async def test_a_silent_redis_is_an_error_and_is_not_retried(answers: int) -> None:
    async def fall_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left = answers
        while said := await reader.read(4096):
            writer.write(b"+PONG\r\n" * min(left, said.count(b"*")))
            left -= said.count(b"*")
        writer.close()

    server = await asyncio.start_server(fall_silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    store = Store(connect(Secret(f"redis://127.0.0.1:{port}?socket_timeout=0.3")))
    if answers:
        await store.call("PING")

    async with asyncio.timeout(1):
        with pytest.raises(StoreUnavailable, match="no answer in time"):
            await store.call("PING")

    await store.redis.aclose()
    server.close()


@pytest.fixture
def vanished() -> Iterator[str]:
    """An address at which every attempt to connect times out: its backlog is full."""
    with vanished_server() as port:
        yield f"redis://127.0.0.1:{port}?socket_connect_timeout=0.3"


async def test_concurrent_attempts_to_connect_to_a_vanished_host_do_not_wait_for_each_other(vanished: str) -> None:
    store = Store(connect(Secret(vanished)))
    async with asyncio.timeout(PATIENCE):  # one after the other they took 18 s
        answers = await asyncio.gather(*(store.call("PING") for _ in range(20)), return_exceptions=True)

    assert {str(answer) for answer in answers} == {"Redis: no answer in time"}
    await store.redis.aclose()


async def test_the_error_for_an_unreachable_redis_has_no_address() -> None:
    store = Store(connect(Secret("redis://:hush@127.0.0.1:1/0")))
    with pytest.raises(StoreUnavailable) as error:
        await store.now()
    await store.redis.aclose()
    assert "hush" not in str(error.value)
    assert "127.0.0.1" not in str(error.value)


async def test_a_rejected_password_is_an_error_at_once(store: Store, redis_url: str) -> None:
    await store.call("CONFIG", "SET", "requirepass", "hunter2")
    stranger = Store(connect(Secret(redis_url)))
    try:
        async with asyncio.timeout(5):
            with pytest.raises(StoreUnavailable, match=r"Redis: .*[Aa]uthentication"):
                await stranger.check()
    finally:
        await store.call("CONFIG", "SET", "requirepass", "")
        await stranger.redis.aclose()
