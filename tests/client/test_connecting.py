"""The time limit for connecting: one for the look-up of the name, all addresses and TLS; nothing is sent after it."""

import asyncio
import threading
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from bridge.client import AsyncBridge, Bridge, Unavailable
from bridge.client.connecting import CONNECTING, SENDING
from tests.support.receivers import OK, receiving, says

pytestmark = pytest.mark.anyio
KEY = "rbk_key"
LIMIT = 0.1
PATIENCE = 10.0
"""Seconds after which a test fails."""


class Slow(httpx.BaseTransport):
    """Connects when the test allows it, as with slow name servers, and reports its steps as httpx's transport does."""

    def __init__(self) -> None:
        self.connected, self.ended = threading.Event(), threading.Event()
        self.sent = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        try:
            request.extensions["trace"](CONNECTING, {})
            self.connected.wait(PATIENCE)
            request.extensions["trace"](SENDING, {})
            self.sent = True
            return httpx.Response(500)
        finally:
            self.ended.set()


def test_a_blocking_call_is_given_up_and_sends_nothing_afterwards() -> None:
    transport = Slow()
    with Bridge(key=KEY, patience=0, connect_timeout=LIMIT, transport=transport) as bridge:
        with pytest.raises(Unavailable) as caught:
            bridge.watch("imp")
        transport.connected.set()
        assert transport.ended.wait(PATIENCE)
    assert caught.value.code == "connect_timeout"
    assert not transport.sent


class SlowAsync(httpx.AsyncBaseTransport):
    """Does the same for asyncio; it never connects."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.extensions["trace"](CONNECTING, {})
        await asyncio.sleep(PATIENCE)
        return httpx.Response(500)


async def test_an_async_call_is_given_up() -> None:
    async with AsyncBridge(key=KEY, patience=0, connect_timeout=LIMIT, transport=SlowAsync()) as bridge:
        with pytest.raises(Unavailable) as caught:
            await bridge.watch("imp")
    assert caught.value.code == "connect_timeout"


async def test_httpx_reports_when_it_connects_and_when_it_sends() -> None:
    seen: list[str] = []
    seen_async: list[str] = []

    def trace(event: str, _: Mapping[str, Any]) -> None:
        seen.append(event)

    async def trace_async(event: str, _: Mapping[str, Any]) -> None:
        seen_async.append(event)

    async with receiving(says(OK)) as receiver, httpx.AsyncClient() as http:
        url = f"http://127.0.0.1:{receiver.port}"
        await http.post(url, content=b"{}", extensions={"trace": trace_async})
        with httpx.Client() as blocking:
            await asyncio.to_thread(blocking.post, url, content=b"{}", extensions={"trace": trace})
    for events in (seen, seen_async):
        assert [each.endswith((CONNECTING, SENDING)) for each in events].count(True) == 2
        assert events[0].endswith(CONNECTING)
