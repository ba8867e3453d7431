"""The port of the metrics."""

import asyncio
from contextlib import AsyncExitStack

import httpx
import pytest
from structlog.testing import capture_logs

from bridge.metrics import server
from bridge.metrics.server import serving_metrics
from tests.support.plain_http import plain_async_client
from tests.support.processes import free_ports

pytestmark = pytest.mark.anyio


async def rendered() -> bytes:
    return b"up 1\n"


async def exchange(port: int, sent: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    return answer


async def test_the_metrics_are_served_and_nothing_else() -> None:
    port = free_ports()
    async with serving_metrics("127.0.0.1", port, rendered), plain_async_client(f"http://127.0.0.1:{port}") as http:
        answers = [
            await http.get("/metrics"),
            await http.get("/metrics?name=x"),
            await http.post("/metrics"),
            await http.get("/v1/watches"),
        ]

    assert [answer.status_code for answer in answers] == [200, 200, 405, 404]
    assert answers[0].text == "up 1\n"
    assert answers[0].headers["content-type"].startswith("text/plain; version=0.0.4")


async def test_a_port_that_is_taken_is_logged_and_nothing_else_happens() -> None:
    port = free_ports()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(serving_metrics("127.0.0.1", port, rendered))
        with capture_logs() as lines:
            await stack.enter_async_context(serving_metrics("127.0.0.1", port, rendered))

    assert [(line["event"], line["log_level"], line["port"]) for line in lines] == [
        ("metrics.not_served", "warning", port)
    ]


async def test_without_a_port_nothing_is_served() -> None:
    with capture_logs() as lines:
        async with serving_metrics("no.such.host.invalid", 0, rendered):
            pass
    assert lines == []


@pytest.mark.parametrize(
    "sent", [b"", b"\r\n\r\n", b"GET\r\n\r\n", b"\xff" * 50, b"GET /" + b"x" * (server.HEAD_LIMIT * 2)]
)
async def test_what_is_no_request_stops_nothing(sent: bytes) -> None:
    port = free_ports()
    async with serving_metrics("127.0.0.1", port, rendered):
        assert b" 200 " not in await exchange(port, sent)
        async with plain_async_client(f"http://127.0.0.1:{port}") as http:
            assert (await http.get("/metrics")).status_code == 200


async def status_soon(http: httpx.AsyncClient) -> int:
    """Return the status of the first answer: the server may not have seen yet that other connections ended."""
    for _ in range(100):
        try:
            return (await http.get("/metrics")).status_code
        except httpx.HTTPError:
            await asyncio.sleep(0.01)
    raise AssertionError("no answer")


async def test_idle_connections_do_not_take_all_places() -> None:
    port = free_ports()
    async with serving_metrics("127.0.0.1", port, rendered):
        idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(server.CONNECTIONS)]
        async with plain_async_client(f"http://127.0.0.1:{port}") as http:
            with pytest.raises(httpx.HTTPError):
                await http.get("/metrics")
            for _, writer in idle:
                writer.close()
                await writer.wait_closed()
            assert await status_soon(http) == 200
