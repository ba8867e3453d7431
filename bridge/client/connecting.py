"""One time limit for connecting as a whole: the look-up of the name, every address, the proxy, and TLS.

httpx applies its limit to each of them, and the blocking one does not limit the look-up. Its extension `trace` reports
when it begins to connect and to send; the wait for one of a client's connections does not count.
Source: https://www.encode.io/httpcore/extensions/#trace
"""

import asyncio
from collections.abc import Mapping
from contextvars import copy_context
from threading import Event, Lock, Thread
from typing import Any

import httpx

CONNECTING = "connect_tcp.started"
SENDING = "send_request_headers.started"
"""The ends of the names of two events."""


def send(http: httpx.Client, request: httpx.Request, limit: float) -> httpx.Response:
    """Send a request; raise httpx.ConnectTimeout, and send nothing, if connecting takes more than `limit` seconds."""
    return _Sending(http, request).within(limit)


async def send_async(http: httpx.AsyncClient, request: httpx.Request, limit: float) -> httpx.Response:
    """Do the same for asyncio."""
    try:
        async with asyncio.timeout(None) as timeout:

            async def trace(event: str, _: Mapping[str, Any]) -> None:
                if event.endswith(CONNECTING):
                    timeout.reschedule(asyncio.get_running_loop().time() + limit)
                elif event.endswith(SENDING):
                    timeout.reschedule(None)

            request.extensions["trace"] = trace
            return await http.send(request, stream=True)
    except TimeoutError as error:
        raise _too_late(request) from error


class _Sending:
    """A request that a thread sends, because nothing can interrupt the look-up of a name."""

    def __init__(self, http: httpx.Client, request: httpx.Request) -> None:
        self._http = http
        self._request = request
        self._lock = Lock()
        self._begun = Event()
        self._connected = Event()
        self._given_up = False
        self._response: httpx.Response | None = None
        self._error: BaseException | None = None
        request.extensions["trace"] = self._trace

    def within(self, limit: float) -> httpx.Response:
        thread = Thread(target=copy_context().run, args=(self._send,), name="rally-bridge-client", daemon=True)
        thread.start()
        self._begun.wait()
        self._connected.wait(limit)
        with self._lock:
            self._given_up = not self._connected.is_set()
        if self._given_up:
            raise _too_late(self._request)
        thread.join()
        if self._response is None:
            assert self._error is not None  # noqa: S101 - the thread has ended
            raise self._error
        return self._response

    def _trace(self, event: str, _: Mapping[str, Any]) -> None:
        if event.endswith(CONNECTING):
            self._begun.set()
        elif event.endswith(SENDING):
            self._begin_to_send()

    def _begin_to_send(self) -> None:
        """Raise ConnectTimeout, so that nothing is sent, if the call was given up meanwhile."""
        with self._lock:
            if self._given_up:
                raise _too_late(self._request)
            self._connected.set()
            self._begun.set()

    def _send(self) -> None:
        try:
            self._response = self._http.send(self._request, stream=True)
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
            self._error = error
        finally:
            self._connected.set()
            self._begun.set()


def _too_late(request: httpx.Request) -> httpx.ConnectTimeout:
    return httpx.ConnectTimeout("no connection in time", request=request)
