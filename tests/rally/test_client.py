"""The client: requests arrive as intended, and faults of the connection become answers."""

import asyncio
import json
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bridge.domain.imports import (
    Unanswered,
    Unusable,
)
from bridge.domain.secret import Secret
from bridge.rally import RallyClient
from tests.support.certificates import certificate_for
from tests.support.rally_responses import GOOD, answer
from tests.support.samples import NOW, only


@dataclass
class Vendor:
    """A raw server that answers each connection with the bytes it is expected to, and keeps what it was asked."""

    url: str = ""
    requests: list[bytes] = field(default_factory=list)


Speak = Callable[[asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def vendor(speak: Speak, tls: ssl.SSLContext | None = None) -> AsyncIterator[Vendor]:
    known = Vendor()
    writers: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        try:
            known.requests.append(await reader.readuntil(b"\r\n\r\n"))
            await speak(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    known.url = f"{'https://localhost' if tls else 'http://127.0.0.1'}:{server.sockets[0].getsockname()[1]}"
    try:
        yield known
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)


@asynccontextmanager
async def client(url: str, **changes: Any) -> AsyncIterator[RallyClient]:
    rally = RallyClient(base_url=url, key=Secret("hunter2"), **{"slots": 2, "total_timeout": 2.0, **changes})
    try:
        yield rally
    finally:
        await rally.aclose()


def says(text: bytes) -> Speak:
    async def speak(writer: asyncio.StreamWriter) -> None:
        writer.write(text)
        await writer.drain()

    return speak


def ok(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("import_id", "segment"),
    [
        ("cm1uwhduy001vle4gr4soyqkq", "cm1uwhduy001vle4gr4soyqkq"),
        ("a/b", "a%2Fb"),
        ("../../people", "..%2F..%2Fpeople"),
        ("a b", "a%20b"),
        ("a%2Fb", "a%252Fb"),
        ("ü", "%C3%BC"),
        ("a?b#c", "a%3Fb%23c"),
        ("..a", "..a"),
        ("@:;,+&=", "%40%3A%3B%2C%2B%26%3D"),
    ],
)
async def test_an_import_id_arrives_as_one_segment_behind_any_prefix(import_id: str, segment: str) -> None:
    async with vendor(says(ok(b"{}"))) as known, client(f"{known.url}/a/prefix") as rally:
        await rally.get_import(import_id, at=lambda: NOW)

    head = only(known.requests).decode()
    assert head.startswith(f"GET /a/prefix/imports/{segment} HTTP/1.1\r\n")
    assert "authorization: bearer hunter2" in head.lower()
    assert "user-agent: rally-bridge/" in head.lower()
    assert "\r\naccept: application/json, text/plain\r\n" in head.lower()


@pytest.mark.anyio
async def test_an_import_is_requested_and_read() -> None:
    async with vendor(says(ok(json.dumps(GOOD).encode()))) as known, client(known.url) as rally:
        reply = await rally.get_import("imp", at=lambda: NOW)

    assert reply == answer()


async def trickle(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(1000):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


async def hang(_: asyncio.StreamWriter) -> None:
    await asyncio.sleep(5)


async def reset(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def flood(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
    for _ in range(20):
        writer.write(b" " * 1024 * 1024)
        await writer.drain()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("speak", "expected"),
    [
        (trickle, "no answer within 0.3 s"),
        (hang, "0.3 s|in time"),
        (reset, "broke"),
        (flood, "larger than 2 MiB"),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"), "broke"),
        (says(b"garbage\r\n\r\n"), "broke"),
        (says(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"), "HTTP 302"),
        (says(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"), "not JSON"),
    ],
)
async def test_a_connection_fault_is_returned_as_an_answer(speak: Speak, expected: str) -> None:
    total = 0.3 if speak in {trickle, hang} else 5.0
    async with vendor(speak) as known, client(known.url, total_timeout=total) as rally:
        reply = await rally.get_import("imp", at=lambda: NOW)

    assert reply is not None
    found = reply.answer
    assert isinstance(found, Unusable if expected in {"not JSON", "larger than 2 MiB"} else Unanswered)
    assert any(part in found.reason for part in expected.split("|")), found.reason
    assert "127.0.0.1" not in found.reason


@pytest.mark.anyio
async def test_a_broken_tls_record_is_returned_as_an_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, tls = certificate_for("localhost", tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))

    async def fall_out_of_tls(writer: asyncio.StreamWriter) -> None:
        os.write(writer.get_extra_info("socket").fileno(), b"HTTP/1.1 200 OK\r\n\r\n")

    async with vendor(fall_out_of_tls, tls) as known, client(known.url) as rally:
        reply = await rally.get_import("imp", at=lambda: NOW)

    assert len(known.requests) == 1
    assert reply is not None
    assert reply.answer == Unanswered("the connection broke")


@pytest.mark.anyio
async def test_a_refused_connection_is_returned_as_an_answer() -> None:
    async with client("http://127.0.0.1:1") as rally:
        reply = await rally.get_import("imp", at=lambda: NOW)

    assert reply is not None
    assert reply.answer == Unanswered("the connection was refused or is not possible")


@pytest.mark.anyio
async def test_a_request_that_would_start_too_late_is_not_sent() -> None:
    async with vendor(says(ok(b"{}"))) as known, client(known.url) as rally:
        assert await rally.get_import("imp", at=lambda: NOW, start_by=0) is None

    assert known.requests == []


@pytest.mark.anyio
async def test_a_slot_is_free_again_after_a_fault() -> None:
    async with vendor(reset) as known, client(known.url, slots=1) as rally:
        for _ in range(3):
            await rally.get_import("imp", at=lambda: NOW)

    assert len(known.requests) == 3
