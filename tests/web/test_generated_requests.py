"""Generated requests: none is answered with a 5xx, and none that is refused changes anything."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.api_calls import KEYED, PROBLEM, Call, stored
from tests.support.world import World, opened

JUNK: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 0, -1, 1.5, 10**400, 2**63, "", "x" * 2001, "\x00", "é", "\ud83d", {}, [], [[]], {"": None}, "imp"]
)


NAMES = st.sampled_from(
    ["importId", "notify", "on", "type", "url", "headers", "watches", "since", "state", "", "__class__"]
)
FIELDS = st.sampled_from(["importId", "notify", "label", "metadata", "expiresIn", "workspace", "type", "url", "on", ""])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
ANY_BODY = st.binary(max_size=60) | (JSON | st.dictionaries(FIELDS, JSON)).map(lambda body: json.dumps(body).encode())


@st.composite
def altered(draw: st.DrawFn, example: Any) -> Any:
    """Return an example with one value replaced, removed or added."""
    if draw(st.integers(0, 3)) == 0:
        return draw(JUNK)
    if isinstance(example, dict) and example:
        name = draw(st.sampled_from(sorted(example)))
        rest = {each: value for each, value in example.items() if each != name}
        match draw(st.integers(0, 3)):
            case 0:
                return rest
            case 1:
                return {**example, draw(NAMES): draw(JUNK)}
            case _:
                return {**rest, name: draw(altered(example[name]))}
    if isinstance(example, list) and example:
        return [*example[1:], draw(altered(example[0]))] * draw(st.sampled_from([1, 1, 1, 101]))
    return draw(JUNK)


@st.composite
def encoded(draw: st.DrawFn, example: Any) -> bytes:
    """Return a changed example as bytes, sometimes not valid JSON."""
    text = json.dumps(draw(altered(example))).encode()
    match draw(st.integers(0, 7)):
        case 0:
            return text[: draw(st.integers(0, len(text)))]
        case 1:
            return draw(st.sampled_from([b"\xef\xbb\xbf", b"\xff", b"\x00", b"[" * 30_000])) + text
        case 2:
            return draw(st.sampled_from(["utf-16", "utf-32", "utf-7"]).map(lambda code: text.decode().encode(code)))
        case _:
            return text


ODD = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20) | st.just("x" * 300)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "Accept": st.sampled_from(["*/*", "text/html", "application/json;q=0", ";", "a/b;q=x,*/*"]) | ODD,
        "Content-Type": st.sampled_from(["application/json", "application/json; charset=utf-16", "text/plain"]) | ODD,
        "Idempotency-Key": ODD,
        "X-Request-Id": ODD,
        "Authorization": ODD,
        "Content-Encoding": st.just("gzip"),
    },
)
ID = st.sampled_from(["wat_none", "..", "%00", "%ff", "wat_" + "1" * 41, "redeliver", "*"]) | st.text(max_size=8).map(
    lambda text: quote(text, safe="") or "x"
)
QUERY = st.lists(
    st.tuples(
        st.sampled_from(["limit", "state", "outcome", "importId", "cursor", "wait", "x", ""]),
        st.sampled_from(
            ["", "0", "1", "01", "-1", "9" * 5000, "settled", "%00", "%ff", "wat_1", "dlv_1", "1e1", "NaN"]
        ),
    ).map("=".join),
    max_size=3,
).map(lambda parts: "?" + "&".join(parts) if parts else "")


class Caller:
    """Makes calls for Hypothesis, which is not async, to one world during the whole test."""

    def __init__(self, portal: BlockingPortal, world: World) -> None:
        self._portal, self._world = portal, world

    def asks(
        self, call: Call, id_: str, query: str, content: bytes | None, headers: Mapping[str, str]
    ) -> httpx.Response:
        return self._portal.call(self._ask, call, id_, query, content, headers)

    async def _ask(
        self, call: Call, id_: str, query: str, content: bytes | None, headers: Mapping[str, str]
    ) -> httpx.Response:
        before = await stored(self._world)
        answer = await call.ask(self._world, id_=id_, query=query, content=content, headers=headers)
        if not answer.is_success:
            assert await stored(self._world) == before
        return answer


@pytest.fixture
def caller(redis_url: str, sandbox_url: str) -> Iterator[Caller]:
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(opened(redis_url, sandbox_url, CLIENT_RATE_LIMIT="1000000")) as world,
    ):
        yield Caller(portal, world)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("call", KEYED, ids=str)
@given(data=st.data())
def test_no_request_is_answered_with_a_5xx_and_no_refused_one_changes_anything(
    caller: Caller, call: Call, data: st.DataObject
) -> None:
    headers = data.draw(st.just({}) | HEADERS)
    expected = encoded(call.operation.example) if call.operation.body else st.none()
    content = data.draw(expected | ANY_BODY)
    answer = caller.asks(call, data.draw(ID), data.draw(QUERY), content, headers)

    assert answer.status_code < 500, answer.text
    assert answer.is_success or answer.headers["content-type"] == PROBLEM, answer.text
