"""`AsyncBridge`: the client for asyncio, which carries out the steps of a call with httpx.AsyncClient."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack
from time import monotonic
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import httpx

from bridge.client import calls, connecting, events, waiting
from bridge.client.answers import Answer
from bridge.client.connection import Connection
from bridge.client.errors import CallFailed
from bridge.client.event_stream import EventDecoder
from bridge.client.exchange import CONNECT_TIMEOUT, PATIENCE, Session
from bridge.client.httpx_adapter import answered, http_request, resumed, stream_end
from bridge.client.method_help import describe
from bridge.client.no_answer import FAULTS, no_answer
from bridge.client.requests import Request
from bridge.client.steps import Call, Feed, Item, NextEvent, Pause, Reply, Send, ServerEvent, Step

P = ParamSpec("P")
T = TypeVar("T")


def _call(
    steps: Callable[Concatenate[Session, P], Call[T]],
) -> "Callable[Concatenate[AsyncBridge, P], Coroutine[Any, Any, T]]":
    """Return the method that carries out a call and returns its value."""

    async def method(bridge: "AsyncBridge", /, *args: P.args, **options: P.kwargs) -> T:
        return await bridge._run(steps(bridge._session, *args, **options))

    describe(method, steps)
    return method


def _feed(
    steps: Callable[Concatenate[Session, P], Feed[T]],
) -> "Callable[Concatenate[AsyncBridge, P], AsyncIterator[T]]":
    """Return the method that carries out a call and yields its values."""

    def method(bridge: "AsyncBridge", /, *args: P.args, **options: P.kwargs) -> AsyncIterator[T]:
        return bridge._iterate(steps(bridge._session, *args, **options))

    describe(method, steps, returns=AsyncIterator)
    return method


class AsyncBridge:
    """A rally-bridge, called as one client. For asyncio; Bridge has the same methods for blocking code."""

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        patience: float = PATIENCE,
        connect_timeout: float = CONNECT_TIMEOUT,
        on_retry: Callable[[CallFailed, float], None] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Call the bridge at `url`, default RALLY_BRIDGE_URL, with `key`, default RALLY_BRIDGE_KEY(_FILE).

        A bridge that is unreachable or busy is retried for `patience` seconds; before its first answer, no longer than
        `connect_timeout`. `on_retry` is called before each retry, with the error and the seconds until then. Raise
        CallFailed if the URL, the key or a proxy is not valid.
        """
        connection = Connection.of(url, key, proxied=transport is None)
        self.url = connection.url
        self._session = Session(
            server=connection.server, patience=patience, connect_timeout=connect_timeout, on_retry=on_retry
        )
        with connection.proxy_errors():
            self._http = httpx.AsyncClient(transport=transport, **connection.http_options())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._http.aclose()

    watch = _call(calls.watch)
    batch = _call(calls.batch)
    get = _call(calls.get)
    list = _feed(calls.list_watches)
    failed_records = _feed(calls.failed_records)
    failed_records_csv = _call(calls.failed_records_csv)
    history = _call(calls.history)
    cancel = _call(calls.cancel)
    wait = _call(waiting.wait)
    follow = _feed(waiting.follow)
    events = _feed(events.watch_events)
    deliveries = _feed(calls.deliveries)
    delivery = _call(calls.delivery)
    redeliver = _call(calls.redeliver)
    redeliver_since = _call(calls.redeliver_since)
    destinations = _call(calls.destinations)
    test = _call(calls.send_test)
    signing_secrets = _call(calls.signing_secrets)
    signing_keys = _call(calls.signing_keys)

    async def _run(self, call: Call[T]) -> T:
        async with _Wire(self._http, self._session.connect_timeout) as wire:
            try:
                step = next(call)
                while True:
                    step = call.send(await wire.perform(step))
            except StopIteration as end:
                value: T = end.value
                return value

    async def _iterate(self, feed: Feed[T]) -> AsyncIterator[T]:
        async with _Wire(self._http, self._session.connect_timeout) as wire:
            step = next(feed, None)
            while step is not None:
                if isinstance(step, Item):
                    yield step.value
                    reply: Reply = resumed()
                else:
                    reply = await wire.perform(step)
                try:
                    step = feed.send(reply)
                except StopIteration:
                    return


class _Wire:
    """Carries out the steps of one call, and closes the stream that it has opened."""

    def __init__(self, http: httpx.AsyncClient, connect_timeout: float) -> None:
        self._http = http
        self._connect_timeout = connect_timeout
        self._stream = AsyncExitStack()
        self._events: AsyncGenerator[ServerEvent, None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stream.aclose()

    async def perform(self, step: Step) -> Reply:
        match step:
            case Pause(seconds):
                await asyncio.sleep(seconds)
                return resumed()
            case Send(request):
                return await self._send(request)
            case NextEvent():
                return await self._next_event()

    async def _send(self, request: Request[Any]) -> Answer:
        began = monotonic()
        await self._stream.aclose()
        try:
            message = http_request(self._http, request, self._connect_timeout)
            response = await connecting.send_async(self._http, message, self._connect_timeout)
            self._stream.push_async_callback(response.aclose)
            if not request.is_open_stream(response.status_code, response.headers):
                return answered(response, began=began, content=await response.aread())
        except FAULTS as error:
            return no_answer(error, began=began, at=monotonic())
        events = _events(response)
        self._stream.push_async_callback(events.aclose)
        self._events = events
        return answered(response, began=began, content=b"")

    async def _next_event(self) -> Reply:
        began = monotonic()
        try:
            return stream_end() if self._events is None else await anext(self._events, stream_end())
        except FAULTS as error:
            return no_answer(error, began=began, at=monotonic())


async def _events(response: httpx.Response) -> AsyncGenerator[ServerEvent, None]:
    decoder = EventDecoder()
    async for chunk in response.aiter_bytes():
        for event in decoder.feed(chunk):
            yield event
