"""Writes to a connection: those of one turn of the event loop are sent together, in order, and nothing is lost."""

import asyncio

import pytest

from bridge.web.joined_writes import JOINED_UP_TO, JoinedWrites

pytestmark = pytest.mark.anyio


class Recorded(asyncio.Transport):
    """A transport that records what is done with it."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[bytes | str] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.done.append(bytes(data))

    def write_eof(self) -> None:
        self.done.append("eof")

    def close(self) -> None:
        self.done.append("closed")

    def abort(self) -> None:
        self.done.append("aborted")


@pytest.fixture
async def recorded() -> Recorded:
    return Recorded()


@pytest.fixture
async def joined(recorded: Recorded) -> JoinedWrites:
    return JoinedWrites(recorded, asyncio.get_running_loop())


async def test_the_writes_of_one_turn_are_sent_together(recorded: Recorded, joined: JoinedWrites) -> None:
    joined.write(b"head ")
    joined.write(b"body")
    assert recorded.done == []

    await asyncio.sleep(0)
    joined.write(b"another")
    await asyncio.sleep(0)

    assert recorded.done == [b"head body", b"another"]


async def test_large_writes_are_sent_at_once(recorded: Recorded, joined: JoinedWrites) -> None:
    joined.write(b"head ")
    joined.write(b"x" * JOINED_UP_TO)
    joined.write(b"rest")

    assert recorded.done == [b"head " + b"x" * JOINED_UP_TO]
    await asyncio.sleep(0)
    assert recorded.done[1:] == [b"rest"]


@pytest.mark.parametrize(("end", "done"), [("write_eof", "eof"), ("close", "closed")])
async def test_what_waits_is_sent_before_the_end(recorded: Recorded, joined: JoinedWrites, end: str, done: str) -> None:
    joined.write(b"body")
    getattr(joined, end)()
    await asyncio.sleep(0)

    assert recorded.done == [b"body", done]


async def test_an_abort_sends_nothing_more(recorded: Recorded, joined: JoinedWrites) -> None:
    joined.write(b"body")
    joined.abort()
    await asyncio.sleep(0)

    assert recorded.done == ["aborted"]
