"""Peers that send too much, or in too many pieces, are disconnected, and don't block other tasks."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from bridge.destinations import judge
from bridge.destinations.egress.client import Egress, EgressRules
from bridge.domain.delivery.destination_requests import Failure, NoResponse, Request, Response, SendResult
from bridge.domain.delivery.verdicts import Accepted
from bridge.domain.destinations import Callback
from bridge.domain.imports import ImportAnswer, Read, Unanswered, Unusable
from bridge.domain.secret import Secret
from bridge.rally import RallyClient

pytestmark = pytest.mark.anyio

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n"
READING = {"importId": "imp", "type": "CSV", "status": "COMPLETED", "personCount": 1, "failedRecords": []}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def peer(*parts: bytes, then_hangs: bool = False) -> AsyncIterator[tuple[int, list[int]]]:
    """Answer each request on a connection with the parts; yield the port, and the connections so far."""
    connections: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(1)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
                await reader.readexactly(int(length or 0))
                for part in parts:
                    writer.write(part)
                    await writer.drain()
                if then_hangs:
                    await reader.read()
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], connections
    finally:
        server.close()


async def deliver(port: int, times: int = 1) -> Sequence[SendResult]:
    rules = EgressRules.parse((f"127.0.0.1:{port}",))
    request = Request(url=Secret(f"http://127.0.0.1:{port}/"), headers={}, body=b"{}")
    async with Egress(rules, slots=1, total_timeout=10) as egress:
        return [await egress.send(request) for _ in range(times)]


async def poll(port: int) -> ImportAnswer:
    rally = RallyClient(base_url=f"http://127.0.0.1:{port}", key=Secret("k"), slots=1, total_timeout=10)
    try:
        reply = await rally.get_import("imp", at=lambda: 0)
    finally:
        await rally.aclose()
    assert reply is not None
    return reply.answer


FLOODS = {
    "10,000 fields": (
        OK + b"".join(b"a%d: b\r\n" % each for each in range(10_000)) + b"\r\nok",
        "more than 200 header fields",
    ),
    "201 fields": (OK + b"a: b\r\n" * 200 + b"\r\nok", "more than 200 header fields"),
    "201 folded lines": (OK + b" b\r\n" * 200 + b"\r\nok", "more than 200 header fields"),
    "a field of 70 KB": (OK + b"a: " + b"b" * 70_000 + b"\r\n\r\nok", "more than 64 KB of header fields"),
    "a field without an end": (OK + b"a: " + b"b" * 70_000, "more than 64 KB of header fields"),
    "a status line of 70 KB": (b"HTTP/1.1 200 " + b"b" * 70_000, "more than 64 KB of header fields"),
    "11 informational": (
        b"HTTP/1.1 100 Continue\r\n\r\n" * 11 + OK + b"\r\nok",
        "more than 10 informational responses",
    ),
    "endless informational": (b"HTTP/1.1 103 X\r\na: b\r\n\r\n" * 30_000, "more than 10 informational responses"),
    "bare line feeds": (b"HTTP/1.1 100\n\n" * 11 + OK + b"\r\nok", "more than 10 informational responses"),
    "fields of informational": (
        (b"HTTP/1.1 103 X\r\n" + b"a: b\r\n" * 50 + b"\r\n") * 5 + OK + b"\r\nok",
        "more than 200 header fields",
    ),
}


@pytest.mark.parametrize("flood", FLOODS)
async def test_a_head_beyond_the_limits_is_a_broken_connection_of_a_receiver(flood: str) -> None:
    sent, why = FLOODS[flood]
    async with peer(sent, then_hangs=True) as (port, connections):
        answers = await deliver(port, times=2)

    assert answers == [NoResponse(failure=Failure.BROKEN, reason=f"the answer has {why}")] * 2
    assert len(connections) == 2, "the connection was dropped"


@pytest.mark.parametrize("flood", FLOODS)
async def test_a_head_beyond_the_limits_is_a_fault_of_rallys_line(flood: str) -> None:
    sent, why = FLOODS[flood]
    async with peer(sent, then_hangs=True) as (port, _):
        assert await poll(port) == Unanswered(f"the answer has {why}")


async def test_a_response_within_the_limits_is_accepted() -> None:
    body = json.dumps(READING).encode()
    length = b"content-length: %d\r\n\r\n" % len(body)
    sent = b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" * 10 + b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 189 + length
    async with peer(sent + body) as (port, connections):
        answers = await deliver(port, times=3)
        reading = await poll(port)

    assert [answer.status for answer in answers if isinstance(answer, Response)] == [200, 200, 200]
    assert len(connections) == 2, "the counts begin anew with each response, and the connection is kept"
    assert isinstance(reading, Read)


async def test_trailers_beyond_the_limits_cut_the_response_off_and_its_status_remains() -> None:
    body = json.dumps(READING).encode()
    sent = CHUNKED + b"\r\n%x;extension\r\n%b\r\n0\r\n" % (len(body), body) + b"a: b\r\n" * 2_000 + b"\r\n"
    async with peer(sent) as (port, _):
        (answer,) = await deliver(port)
        reading = await poll(port)

    assert isinstance(answer, Response)
    assert not answer.whole
    assert judge(Callback(url=Secret("https://crm.example/")), answer, 0) == Accepted()
    assert reading == Unanswered("the answer has more than 200 header fields")


async def test_trailers_within_the_limits_are_an_answer() -> None:
    body = json.dumps(READING).encode()
    sent = CHUNKED + b"\r\n%x\r\n%b\r\n0\r\n" % (len(body), body) + b"a: b\r\n" * 100 + b"\r\n"
    async with peer(sent) as (port, connections):
        answers = await deliver(port, times=2)
        reading = await poll(port)

    assert [answer.whole for answer in answers if isinstance(answer, Response)] == [True, True]
    assert len(connections) == 2
    assert isinstance(reading, Read)


async def test_other_tasks_run_after_every_4_kb_of_an_arrived_response() -> None:
    # One chunk for each byte, so that a body of 40 KB is 240 KB on the wire and 40,000 events of the parser.
    body = json.dumps(READING).encode() + b" " * 40_000
    sent = CHUNKED + b"\r\n" + b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        poll_task = asyncio.create_task(poll(server.getsockname()[1]))
        connection, _ = await asyncio.get_running_loop().sock_accept(server)
        with connection:
            await asyncio.get_running_loop().sock_recv(connection, 1000)
            await asyncio.get_running_loop().sock_sendall(connection, sent)
            counting = asyncio.create_task(count())
            reading = await poll_task
            counting.cancel()

    assert isinstance(reading, Read)
    assert turns >= len(sent) / 4096


def answer_with(**fields: str) -> bytes:
    """Return a response with an import that has further JSON fields."""
    body = json.dumps(READING)[:-1] + "".join(f', "{name}": {text}' for name, text in fields.items()) + "}"
    return OK.replace(b"2\r\n", b"%d\r\n\r\n" % len(body)) + body.encode()


@pytest.mark.parametrize(
    "parts",
    [
        "[" + "[]," * 66_000 + "0]",
        "[" + "{}," * 66_000 + "0]",
        "[" + "0," * 132_000 + "0]",
        "[" * 66_000 + "]" * 66_000,
    ],
    ids=["arrays", "objects", "numbers", "levels"],
)
@pytest.mark.parametrize("field", ["other", "failedRecords"])
async def test_a_response_with_too_many_parts_is_not_parsed(field: str, parts: str) -> None:
    async with peer(answer_with(**{field: parts})) as (port, _):
        assert await poll(port) == Unusable("the answer has too many parts to be that of an import")


async def test_failed_records_beyond_the_limit_are_counted() -> None:
    records = [{"personId": f"cm1uwhduy001vle4gr4s{number:05}", "email": "a@crm.example"} for number in range(25_000)]
    async with peer(answer_with(failedRecords=json.dumps(records))) as (port, _):
        answer = await poll(port)

    assert isinstance(answer, Read)
    assert answer.reading.failed_record_count == 25_000
    assert len(answer.reading.failed_records) == 100


async def test_an_overlong_id_or_email_is_cut() -> None:
    long = json.dumps("x" * 100_000)
    records = json.dumps([{"personId": "x" * 100_000, "email": "x" * 100_000}])
    async with peer(answer_with(status=long, type=long, updatedAt=long, failedRecords=records)) as (port, _):
        answer = await poll(port)

    assert isinstance(answer, Read)
    (record,) = answer.reading.failed_records
    texts = (answer.reading.status, answer.reading.type, answer.reading.updated_at, record.person_id, record.email)
    assert texts == ("x" * 500,) * 5
