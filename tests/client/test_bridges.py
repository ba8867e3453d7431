"""`Bridge` and `AsyncBridge`: the same methods, which carry out the same steps on a transport."""

import asyncio
import inspect
import json
from collections.abc import AsyncIterator, Callable, Iterator
from importlib.metadata import version
from importlib.resources import files
from typing import Any

import httpx
import pytest

from bridge.client import AsyncBridge, Bridge, CallFailed
from tests.support.played_calls import DELIVERED, DELIVERY, ENDED, READING, WATCH
from tests.support.samples import only

Handler = Callable[[httpx.Request], httpx.Response]
Used = Callable[..., Any]
URL, KEY = "http://bridge.example.com/prefix", "rbk_key"


def blocking(handler: Handler, method: str, *arguments: Any) -> Any:
    """Call a method of Bridge; return its value, or the list of its values."""
    with Bridge(URL, KEY, transport=httpx.MockTransport(handler)) as bridge:
        value = getattr(bridge, method)(*arguments)
        return list(value) if isinstance(value, Iterator) else value


def asynchronous(handler: Handler, method: str, *arguments: Any) -> Any:
    """Call a method of AsyncBridge; return its value, or the list of its values."""

    async def call() -> Any:
        async with AsyncBridge(URL, KEY, transport=httpx.MockTransport(handler)) as bridge:
            value = getattr(bridge, method)(*arguments)
            return [each async for each in value] if isinstance(value, AsyncIterator) else await value

    return asyncio.run(call())


both = pytest.mark.parametrize("use", [blocking, asynchronous])


class Answers:
    """Answers each request with the next of these; an exception is raised."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self._answers = iter(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_both_have_the_same_methods() -> None:
    def methods(of: type) -> dict[str, str]:
        return {
            name: str(inspect.signature(method).replace(return_annotation=None))
            for name, method in inspect.getmembers(of, inspect.isfunction)
            if not name.startswith("_") and name not in {"close", "aclose"}
        }

    assert methods(Bridge) == methods(AsyncBridge)
    assert {"watch", "batch", "get", "list", "wait", "follow", "events", "test", "signing_secrets"} <= methods(
        Bridge
    ).keys()


WATCH_TYPE = "bridge.client.values.watch.Watch"


@pytest.mark.parametrize(
    ("method", "signature"),
    [
        (Bridge.get, f"(self, watch: {WATCH_TYPE} | str, *, wait: int = 0) -> {WATCH_TYPE}"),
        (AsyncBridge.get, f"(self, watch: {WATCH_TYPE} | str, *, wait: int = 0) -> {WATCH_TYPE}"),
        (Bridge.events, f"(self, watch: {WATCH_TYPE} | str) -> collections.abc.Iterator[bridge.client.events.Event]"),
        (
            AsyncBridge.events,
            f"(self, watch: {WATCH_TYPE} | str) -> collections.abc.AsyncIterator[bridge.client.events.Event]",
        ),
    ],
)
def test_help_shows_parameters_and_values(method: Callable[..., Any], signature: str) -> None:
    assert str(inspect.signature(method)) == signature
    assert inspect.getdoc(method)


def test_scripts_see_the_types() -> None:
    assert (files("bridge") / "py.typed").is_file()


@both
def test_a_request_names_its_client_and_bears_the_key(use: Used) -> None:
    answers = Answers(httpx.Response(202, json=WATCH))
    assert use(answers, "watch", "imp").id == "wat_1"
    (request,) = answers.requests
    assert (request.method, str(request.url)) == ("POST", f"{URL}/v1/watches")
    assert request.headers["authorization"] == "Bearer rbk_key"
    assert request.headers["user-agent"].startswith(f"rally-bridge-client/{version('rally-bridge')} (Python 3.")
    assert request.headers["content-type"] == "application/json"
    assert len(request.headers["idempotency-key"]) == 36
    assert json.loads(request.content) == {"importId": "imp", "notify": []}


@both
def test_retries_are_the_same_request(use: Used) -> None:
    answers = Answers(httpx.ReadError("reset"), httpx.Response(503, json={}), httpx.Response(202, json=WATCH))
    use(answers, "watch", "imp")
    assert len(answers.requests) == 3
    assert len({request.headers["idempotency-key"] for request in answers.requests}) == 1


@both
def test_a_list_is_iterated(use: Used) -> None:
    answers = Answers(
        httpx.Response(200, json={"data": [WATCH, WATCH], "nextCursor": "wat_1"}),
        httpx.Response(200, json={"data": [ENDED], "nextCursor": None}),
    )
    assert [each.state for each in use(answers, "list")] == ["watching", "watching", "settled"]
    assert [dict(request.url.params) for request in answers.requests] == [
        {"limit": "50"},
        {"limit": "50", "cursor": "wat_1"},
    ]


def event_stream(*events: tuple[str, Any], then: Exception | None = None) -> httpx.Response:
    """Return a stream of events in small chunks, which may break."""
    text = "".join(f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n" for name, data in events).encode()
    return httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=Chunks(text, then))


class Chunks(httpx.SyncByteStream, httpx.AsyncByteStream):
    def __init__(self, text: bytes, then: Exception | None) -> None:
        self._chunks = [text[start : start + 100] for start in range(0, len(text), 100)]
        self._then = then

    def __iter__(self) -> Iterator[bytes]:
        yield from self._chunks
        if self._then is not None:
            raise self._then

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self:
            yield chunk


@both
def test_events_are_iterated_and_a_broken_stream_is_opened_again(use: Used) -> None:
    ended = {**ENDED, "label": "Pänel\u2028", "deliveries": [DELIVERY]}
    answers = Answers(
        event_stream(("watch", WATCH), ("reading", READING), then=httpx.ReadError("reset")),
        event_stream(("watch", ended), ("delivery", DELIVERED)),
    )
    found = use(answers, "events", "wat_1")
    assert [each.name for each in found] == ["watch", "reading", "watch", "delivery"]
    assert found[2].data.label == "Pänel\u2028"


@both
def test_a_page_in_place_of_a_stream_is_reported(use: Used) -> None:
    page = httpx.Response(200, html="<html>")
    with pytest.raises(CallFailed, match="answered HTTP 200, which we can't read"):
        use(Answers(page), "events", "wat_1")


def test_a_loop_may_end_before_its_values() -> None:
    answers = Answers(*[event_stream(("watch", WATCH)) for _ in range(2)])
    with Bridge(URL, KEY, transport=httpx.MockTransport(answers)) as bridge:
        assert next(bridge.events("wat_1")).name == "watch"

    async def first() -> str:
        async with AsyncBridge(URL, KEY, transport=httpx.MockTransport(answers)) as bridge:
            return (await anext(bridge.events("wat_1"))).name

    assert asyncio.run(first()) == "watch"


@both
def test_failed_records_are_loaded_in_pages(use: Used) -> None:
    pages = ([{"email": "ada@example.com"}, {"personId": "p1"}], "0123456789abcdef_2"), ([{"personId": "p2"}], None)
    answers = Answers(*(httpx.Response(200, json={"data": data, "nextCursor": cursor}) for data, cursor in pages))

    found = use(answers, "failed_records", "wat_1")

    assert [(each.email, each.person_id) for each in found] == [("ada@example.com", None), (None, "p1"), (None, "p2")]
    assert "ada@example.com" not in repr(found)
    path = f"{URL}/v1/watches/wat_1/failed-records?limit=1000"
    assert [str(each.url) for each in answers.requests] == [path, f"{path}&cursor=0123456789abcdef_2"]


@both
def test_a_csv_is_returned_as_it_came(use: Used) -> None:
    content = "email,personId,importId\r\nمريم@example.com,,imp\r\n".encode()
    answers = Answers(httpx.Response(200, content=content, headers={"Content-Type": "text/csv; charset=utf-8"}))

    assert use(answers, "failed_records_csv", "wat_1") == content
    assert str(only(answers.requests).url) == f"{URL}/v1/watches/wat_1/failed-records.csv"


@both
def test_a_csv_that_breaks_off_is_asked_for_again(use: Used) -> None:
    whole = httpx.Response(200, content=b"email", headers={"Content-Type": "text/csv"})
    answers = Answers(httpx.RemoteProtocolError("incomplete"), whole)

    assert use(answers, "failed_records_csv", "wat_1") == b"email"


@both
@pytest.mark.parametrize(
    ("status", "content", "code"),
    [
        (200, {"html": "<p>Sign in</p>"}, "unreadable"),
        (200, {"json": {"data": []}}, "unreadable"),
        (409, {"json": {"title": "The import was not read", "code": "import_not_read"}}, "import_not_read"),
    ],
)
def test_what_is_no_csv_is_an_error(use: Used, status: int, content: dict[str, Any], code: str) -> None:
    with pytest.raises(CallFailed) as failed:
        use(Answers(httpx.Response(status, **content)), "failed_records_csv", "wat_1")

    assert failed.value.code == code
