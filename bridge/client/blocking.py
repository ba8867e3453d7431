"""`Bridge`: the blocking client, which carries out the steps of a call with httpx.Client."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from time import monotonic, sleep
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


def _call(steps: Callable[Concatenate[Session, P], Call[T]]) -> "Callable[Concatenate[Bridge, P], T]":
    """Return the method that carries out a call and returns its value."""

    def method(bridge: "Bridge", /, *args: P.args, **options: P.kwargs) -> T:
        return bridge._run(steps(bridge._session, *args, **options))

    describe(method, steps)
    return method


def _feed(steps: Callable[Concatenate[Session, P], Feed[T]]) -> "Callable[Concatenate[Bridge, P], Iterator[T]]":
    """Return the method that carries out a call and yields its values."""

    def method(bridge: "Bridge", /, *args: P.args, **options: P.kwargs) -> Iterator[T]:
        return bridge._iterate(steps(bridge._session, *args, **options))

    describe(method, steps, returns=Iterator)
    return method


class Bridge:
    """A rally-bridge, called as one client. Blocking; AsyncBridge has the same methods for asyncio."""

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        patience: float = PATIENCE,
        connect_timeout: float = CONNECT_TIMEOUT,
        on_retry: Callable[[CallFailed, float], None] | None = None,
        transport: httpx.BaseTransport | None = None,
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
            self._http = httpx.Client(transport=transport, **connection.http_options())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

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

    def _run(self, call: Call[T]) -> T:
        with _Wire(self._http, self._session.connect_timeout) as wire:
            try:
                step = next(call)
                while True:
                    step = call.send(wire.perform(step))
            except StopIteration as end:
                value: T = end.value
                return value

    def _iterate(self, feed: Feed[T]) -> Iterator[T]:
        with _Wire(self._http, self._session.connect_timeout) as wire:
            step = next(feed, None)
            while step is not None:
                if isinstance(step, Item):
                    yield step.value
                    reply: Reply = resumed()
                else:
                    reply = wire.perform(step)
                try:
                    step = feed.send(reply)
                except StopIteration:
                    return


class _Wire:
    """Carries out the steps of one call, and closes the stream that it has opened."""

    def __init__(self, http: httpx.Client, connect_timeout: float) -> None:
        self._http = http
        self._connect_timeout = connect_timeout
        self._stream = ExitStack()
        self._events: Iterator[ServerEvent] = iter(())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def perform(self, step: Step) -> Reply:
        match step:
            case Pause(seconds):
                sleep(seconds)
                return resumed()
            case Send(request):
                return self._send(request)
            case NextEvent():
                return self._next_event()

    def _send(self, request: Request[Any]) -> Answer:
        began = monotonic()
        self._stream.close()
        try:
            message = http_request(self._http, request, self._connect_timeout)
            response = connecting.send(self._http, message, self._connect_timeout)
            self._stream.callback(response.close)
            if not request.is_open_stream(response.status_code, response.headers):
                return answered(response, began=began, content=response.read())
        except FAULTS as error:
            return no_answer(error, began=began, at=monotonic())
        self._events = _events(response)
        return answered(response, began=began, content=b"")

    def _next_event(self) -> Reply:
        began = monotonic()
        try:
            return next(self._events, stream_end())
        except FAULTS as error:
            return no_answer(error, began=began, at=monotonic())


def _events(response: httpx.Response) -> Iterator[ServerEvent]:
    decoder = EventDecoder()
    for chunk in response.iter_bytes():
        yield from decoder.feed(chunk)
