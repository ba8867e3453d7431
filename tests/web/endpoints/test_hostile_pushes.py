"""Any request to the endpoint of pushes has the answer that the guide lists, and no trace unless it is signed."""

import asyncio
import base64
import hmac
import json
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError
from structlog.testing import capture_logs

from bridge.domain.rules.pushes import API_FINISHED, CSV_FINISHED
from tests.support.push_messages import OTHER_PUSH_SECRET, PUSH_SECRET
from tests.support.world import World, opened

MANY = 20_000
PARTS = ("id", "timestamp", "signature")
NAMES = [f"{family}-{part}" for family in ("svix", "webhook") for part in PARTS]
WELL_FORMED = re.compile(r"v1,([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Bridge:
    """A bridge on an event loop that is left and entered for each request."""

    world: World
    runner: asyncio.Runner

    def post(self, headers: Headers, body: bytes) -> httpx.Response:
        raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
        return self.runner.run(self.world.api.post("/v1/push/rally/default", content=body, headers=raw))

    def keys(self) -> int:
        return int(self.runner.run(self.world.resources.store.call("DBSIZE")))


@pytest.fixture(scope="module")
def bridge(redis_url: str, sandbox_url: str) -> Iterator[Bridge]:
    secrets = {"RALLY_WEBHOOK_SECRETS": f"{OTHER_PUSH_SECRET},{PUSH_SECRET}"}
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        world = runner.run(stack.enter_async_context(opened(redis_url, sandbox_url, **secrets)))
        yield Bridge(world, runner)
        runner.run(stack.aclose())


# Requests.

LATIN = st.text(st.characters(max_codepoint=0xFF, exclude_categories=["Cc"]), max_size=20).map(str.strip)
ID = st.sampled_from(["msg_1", "msg_2", "a:b", "x" * 256, "x" * 257, "msg 1", "\xe9"]) | LATIN
AGE = st.sampled_from([0.0, 0.0, 0.0, 250.0, -250.0, 350.0, -350.0, 1e9])
TIMESTAMP = st.sampled_from(["nan", "inf", "-1", "1e9", "0", "9" * 25, "\xb2", "1.5"]) | LATIN
ENTRY = (
    st.sampled_from(["v1", "v1,", "v1,,", "v2,AAAA", "v1a,AAAA", ",", "v1,AA=A", "v1,\xe9", "v1,AAAA", "V1,AAAA"])
    | LATIN
)
SCALAR = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10) | st.just("COMPLETED")
JSON = SCALAR | st.lists(SCALAR, max_size=2) | st.dictionaries(st.text(max_size=5), SCALAR, max_size=2)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "_eventType": st.sampled_from([CSV_FINISHED, API_FINISHED, "person.opted_out"]) | JSON,
        "importId": st.sampled_from(["imp", "", "..", "x" * 300, "\x00", "test_1"]) | JSON,
        "status": JSON,
        "updatedAt": JSON,
        "failedRecords": JSON,
        "more": JSON,
    },
)
PUSH = st.builds(
    lambda changes: {"_eventType": CSV_FINISHED, "importId": "imp", **changes},
    st.dictionaries(
        st.sampled_from(["status", "updatedAt", "failedRecords", "importId", "_eventType"]), JSON, max_size=3
    ),
)
DOCUMENT = (FIELDS | PUSH).map(lambda value: json.dumps(value).encode())
BODY = st.one_of(
    DOCUMENT,
    DOCUMENT,
    JSON.map(lambda value: json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")),
    st.binary(max_size=60),
    st.tuples(DOCUMENT, st.integers(0, 80)).map(lambda both: both[0][: both[1]]),
    st.tuples(DOCUMENT, st.binary(max_size=3)).map(lambda both: both[1] + both[0]),
    st.sampled_from([b"[" * 3_000, b'{"a":' * 500, b'{"importId": "\\ud800"}', b"9" * 5_000, b"\xef\xbb\xbf{}"]),
)


def signature(message_id: str, timestamp: str, body: bytes, secret: str) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    code = hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, "sha256")
    return "v1," + base64.b64encode(code).decode()


@st.composite
def families(draw: st.DrawFn, family: str, body: bytes) -> Headers:
    """Draw the headers of one family; half of them are genuine, among other signatures."""
    genuine = draw(st.booleans())
    message_id = "msg_1" if genuine else draw(st.just("msg_1") | ID)
    age = draw(st.sampled_from([0, 250, -250]) if genuine else AGE)
    timestamp = str(int(time.time() + age)) if genuine or draw(st.booleans()) else draw(TIMESTAMP)
    secret = draw(st.sampled_from([PUSH_SECRET, OTHER_PUSH_SECRET, *([] if genuine else ["whsec_" + "A" * 32])]))
    signed = body if genuine or draw(st.booleans()) else draw(BODY)
    before, after = draw(st.lists(ENTRY, max_size=2)), draw(st.lists(ENTRY, max_size=1))
    good = [signature(message_id, timestamp, signed, secret)] if genuine or draw(st.booleans()) else []
    values = (message_id, timestamp, " ".join([*before, *good, *after]))
    return list(zip((f"{family}-{part}" for part in PARTS), values, strict=True))


@st.composite
def requests(draw: st.DrawFn) -> tuple[Headers, bytes]:
    """Draw a request of one or both families, of which a header may be left out, repeated or added."""
    body = draw(BODY)
    headers: list[tuple[str, str]] = []
    for family in draw(st.sampled_from([["svix"], ["webhook"], ["svix", "webhook"], []])):
        headers += draw(families(family, body))
    change = draw(st.sampled_from(["none", "none", "none", "left out", "added", "repeated"]))
    if change == "left out":
        position = draw(st.integers(0, 5))
        del headers[position : position + 1]
    elif change == "added":
        headers.append((draw(st.sampled_from(NAMES)), draw(ID | TIMESTAMP | ENTRY)))
    elif change == "repeated":
        headers = [*headers, *headers]
    return (headers[::-1] if draw(st.booleans()) else headers), body


# What must become of them, by other code than the bridge's.


def is_signed(headers: Headers, body: bytes) -> bool:
    for family in ("svix", "webhook"):
        values = {part: {value for name, value in headers if name == f"{family}-{part}"} - {""} for part in PARTS}
        if all(values.values()):
            return all(len(each) == 1 for each in values.values()) and verifies(
                {part: each.pop() for part, each in values.items()}, body
            )
    return False


def verifies(values: Mapping[str, str], body: bytes) -> bool:
    message_id, timestamp, signatures = (values[part] for part in PARTS)
    if not re.fullmatch(r"[\x21-\x7e]{1,256}", message_id) or not re.fullmatch(r"[0-9]{1,20}", timestamp):
        return False
    if abs(int(timestamp) - time.time()) > 300:
        return False
    offered = [entry for entry in signatures.split(" ") if WELL_FORMED.fullmatch(entry)]
    found = any(signature(message_id, timestamp, body, each) in offered for each in (PUSH_SECRET, OTHER_PUSH_SECRET))
    assert found == judged_by_the_library(values, offered, body) or not is_utf_8(body)
    return found


def is_utf_8(body: bytes) -> bool:
    with suppress(UnicodeDecodeError):
        return bool(body.decode() or True)
    return False


def judged_by_the_library(values: Mapping[str, str], offered: Sequence[str], body: bytes) -> bool:
    """Return what the library of Standard Webhooks says; it fails on malformed entries, so it gets the others."""
    headers = {f"webhook-{part}": values[part] for part in PARTS} | {"webhook-signature": " ".join(offered)}
    for secret in (PUSH_SECRET, OTHER_PUSH_SECRET):
        try:
            Webhook(secret).verify(body, headers)
        except WebhookVerificationError:
            continue
        except (ValueError, RecursionError):
            return True  # it has verified the body, but can't parse it
        return True
    return False


def is_nonsense(body: bytes) -> bool:
    """Return whether a body is no JSON object, or an event of ours without a string importId."""
    try:
        fields: Any = json.loads(body.removeprefix(b"\xef\xbb\xbf").decode())
    except (ValueError, RecursionError):
        return True
    if not isinstance(fields, dict):
        return True
    return fields.get("_eventType") in (CSV_FINISHED, API_FINISHED) and not isinstance(fields.get("importId"), str)


def check(bridge: Bridge, headers: Headers, body: bytes) -> None:
    keys = bridge.keys()
    with capture_logs() as lines:
        answer = bridge.post(headers, body)
    final = answer.headers.get("webhook-delivery")
    if not is_signed(headers, body):
        assert (answer.status_code, answer.json()["code"], final) == (400, "push_not_signed", None)
        assert (lines, bridge.keys()) == ([], keys)
    elif is_nonsense(body):
        assert (answer.status_code, answer.json()["code"], final) == (400, "push_unreadable", "abort-message")
        assert (len(lines), bridge.keys()) == (1, keys)
    else:
        assert (answer.status_code, answer.content, final, len(lines)) == (204, b"", None, 1)
    assert answer.headers["x-request-id"]


@given(request=requests())
def test_any_request_has_its_answer(bridge: Bridge, request: tuple[Headers, bytes]) -> None:
    check(bridge, *request)


@pytest.mark.slow
def test_many_thousands_of_requests_of_every_kind_have_their_answers(bridge: Bridge) -> None:
    kinds: Counter[tuple[bool, bool]] = Counter()

    @settings(max_examples=MANY)
    @given(request=requests())
    def send(request: tuple[Headers, bytes]) -> None:
        check(bridge, *request)
        kinds[is_signed(*request), is_nonsense(request[1])] += 1

    send()
    assert kinds.total() >= MANY
    assert all(kinds[signed, nonsense] > MANY / 20 for signed in (True, False) for nonsense in (True, False))
