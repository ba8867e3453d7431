"""Hostile peers: how long one response blocks all other tasks of the process, for a delivery and for a poll.

The CPU time of the thread is measured, which excludes other load of the machine.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from statistics import median
from threading import Thread
from time import thread_time

from bridge.destinations.egress.client import Egress, EgressRules
from bridge.domain.delivery.destination_requests import Request
from bridge.domain.secret import Secret
from bridge.rally import RallyClient
from tests.benchmarks.stage import RUNS, row

KB = 1024
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"
READING = b'{"importId":"imp","type":"CSV","status":"COMPLETED","personCount":1,"other":%b,"failedRecords":%b}'
RECORD = b'{"personId":"cm1uwhduy001vle4gr4soyqkq","email":"person@example.com"}'
TLS = ssl.create_default_context()
Ask = Callable[[int], Awaitable[object]]


def filled(size: int, unit: bytes) -> bytes:
    return b"[" + b",".join([unit] * (size // (len(unit) + 1))) + b"]"


def whole(body: bytes) -> bytes:
    return OK + b"content-length: %d\r\n\r\n" % len(body) + body


def other(size: int, unit: bytes) -> bytes:
    return whole(READING % (filled(size, unit), b"[]"))


def records(size: int, unit: bytes) -> bytes:
    return whole(READING % (b"0", filled(size, unit)))


PEERS = {
    "10,000 header fields": OK + b"".join(b"%x: b\r\n" % number for number in range(10_000)) + b"\r\n",
    "one field of 64 KB": OK + b"a: " + b"b" * 64 * KB + b"\r\n\r\n",
    "endless informational responses": b"HTTP/1.1 100 Continue\r\n\r\n" * 50_000,
    "a body in chunks of one byte": CHUNKED + b"1\r\nx\r\n" * 256 * KB + b"0\r\n\r\n",
    "100 KB of trailers": CHUNKED + b"0\r\n" + b"a:\r\n" * 25_000 + b"\r\n",
    "256 KB of failed records": records(255 * KB, RECORD),
    "256 KB of records that name nobody": records(255 * KB, b"{}"),
    "256 KB of numbers for records": records(255 * KB, b"1"),
    "256 KB of arrays": other(255 * KB, b"[]"),
    "256 KB of 190 levels each": other(255 * KB, b"[" * 190 + b"]" * 190),
    "256 KB of half characters": other(255 * KB, b'"' + b"\\ud800" * 1000 + b'"'),
    "10,000 failed records": records(10_000 * (len(RECORD) + 1), RECORD),
    "2 MB of failed records": records(2000 * KB, RECORD),
    "2 MB of records that name nobody": records(2000 * KB, b"{}"),
    "2 MB of arrays": other(2000 * KB, b"[]"),
    "2 MB of numbers": other(2000 * KB, b"1"),
}


async def deliver(port: int) -> object:
    async with Egress(EgressRules.parse((f"127.0.0.1:{port}",)), slots=1, trust=lambda: TLS) as egress:
        return await egress.send(Request(url=Secret(f"http://127.0.0.1:{port}/"), headers={}, body=b"{}"))


async def poll(port: int) -> object:
    rally = RallyClient(
        base_url=f"http://127.0.0.1:{port}", key=Secret("k"), slots=1, total_timeout=20, trust=lambda: TLS
    )
    try:
        return await rally.get_import("imp", at=lambda: 0)
    finally:
        await rally.aclose()


def answer_once(server: socket.socket, sent: bytes) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(64 * KB)
        try:
            connection.sendall(sent)
            connection.recv(1)
        except OSError:
            return  # the client closed the connection, as it should


async def stop(ask: Ask, sent: bytes) -> float:
    """Return the longest CPU time, in ms, in which no other task ran."""
    longest, last = 0.0, thread_time()

    async def take_turns() -> None:
        nonlocal longest, last
        while True:
            now = thread_time()
            longest, last = max(longest, now - last), now
            await asyncio.sleep(0)

    with socket.create_server(("127.0.0.1", 0)) as server:
        peer = Thread(target=answer_once, args=(server, sent))
        peer.start()
        other_task = asyncio.create_task(take_turns())
        last = thread_time()
        await ask(server.getsockname()[1])
        await asyncio.sleep(0)
        other_task.cancel()
        await asyncio.to_thread(peer.join)
    return longest * 1000


def main() -> None:
    asyncio.run(stop(deliver, whole(b"ok")))  # loads late imports before the first measurement
    asyncio.run(stop(poll, whole(b"ok")))
    print("Hostile peers: the longest stop of all other tasks, in ms, by one response")
    worst = 0.0
    for name, sent in PEERS.items():
        found = {ask: median(asyncio.run(stop(ask, sent)) for _ in range(RUNS)) for ask in (deliver, poll)}
        row(f"{name}: a delivery, a poll", ", ".join(f"{stopped:.0f}" for stopped in found.values()))
        worst = max(worst, *found.values())
    row("the longest", f"{worst:.0f}", "goal ≤ 50")


if __name__ == "__main__":
    main()
