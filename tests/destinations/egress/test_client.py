"""Egress: no request goes to an address that the operator did not allow, and each ends in time."""

import asyncio
import ssl
from pathlib import Path

import pytest

from bridge.destinations import judge
from bridge.destinations.egress.client import Egress, EgressRules
from bridge.domain.delivery.destination_requests import Failure, NoResponse, Response
from bridge.domain.delivery.verdicts import Accepted, Deferred
from bridge.domain.destinations import Callback, SlackWebhook
from bridge.domain.secret import Secret
from bridge.domain.times import HOUR
from tests.support.certificates import certificate_for
from tests.support.receivers import (
    NOTHING_ALLOWED,
    OK,
    Talk,
    breaks_off,
    failure_of,
    floods,
    hangs,
    never_resolving,
    receiving,
    resolving,
    says,
    to,
    trickles,
)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
async def test_an_allowed_receiver_gets_the_request_unchanged() -> None:
    async with receiving(says(OK)) as receiver, Egress(receiver.rules, slots=1) as egress:
        answer = await egress.send(to(f"http://127.0.0.1:{receiver.port}/hook?a=1", b'{"a":1}', webhook_id="ntf_1"))

    assert answer == Response(status=200, headers={}, body=b"ok")
    assert receiver.bodies == [b'{"a":1}']
    assert receiver.heads[0].startswith("POST /hook?a=1 HTTP/1.1\r\n")
    assert "webhook-id: ntf_1\r\n" in receiver.heads[0]
    assert f"host: 127.0.0.1:{receiver.port}\r\n" in receiver.heads[0].lower()


@pytest.mark.anyio
async def test_loopback_is_refused_unless_it_is_allowed() -> None:
    async with receiving(says(OK)) as receiver, Egress(NOTHING_ALLOWED, slots=1) as egress:
        for host in ("127.0.0.1", "localhost", "2130706433", "[::1]", "[::ffff:127.0.0.1]"):
            answer = await egress.send(to(f"http://{host}:{receiver.port}/SECRET"))
            assert failure_of(answer) is Failure.REFUSED_ADDRESS

    assert receiver.connections == 0


@pytest.mark.anyio
async def test_redirects_are_not_followed() -> None:
    redirects = says(b"HTTP/1.1 302 Found\r\nlocation: /else\r\ncontent-length: 0\r\n\r\n")
    async with receiving(redirects) as receiver, Egress(receiver.rules, slots=1) as egress:
        answer = await egress.send(to(f"http://127.0.0.1:{receiver.port}/"))

    assert isinstance(answer, Response)
    assert answer.status == 302
    assert len(receiver.heads) == 1


@pytest.mark.anyio
async def test_of_two_retry_after_headers_the_longer_counts() -> None:
    twice = says(b"HTTP/1.1 503 Busy\r\nretry-after: 3600\r\nretry-after: 5\r\ncontent-length: 0\r\n\r\n")
    async with receiving(twice) as receiver, Egress(receiver.rules, slots=1) as egress:
        answer = await egress.send(to(f"http://127.0.0.1:{receiver.port}/"))

    assert judge(Callback(url=Secret("http://x.example/")), answer, 0) == Deferred("HTTP 503", HOUR)


@pytest.mark.anyio
async def test_no_cookie_is_kept_and_a_connection_is_used_again() -> None:
    cookie = b"HTTP/1.1 200 OK\r\nset-cookie: a=1; path=/\r\ncontent-length: 0\r\n\r\n"
    async with receiving(says(cookie)) as receiver, Egress(receiver.rules, slots=3) as egress:
        for _ in range(3):
            await egress.send(to(f"http://127.0.0.1:{receiver.port}/"))

    assert len(receiver.heads) == 3
    assert not any("cookie" in head.lower() for head in receiver.heads)
    assert receiver.connections == 1


@pytest.mark.anyio
async def test_the_environment_sets_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiving(says(OK)) as receiver, receiving(says(OK)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        async with Egress(receiver.rules, slots=1) as egress:
            await egress.send(to(f"http://127.0.0.1:{receiver.port}/"))

    assert (receiver.connections, proxy.connections) == (1, 0)


@pytest.mark.anyio
async def test_of_a_large_answer_the_first_64_kb_are_read() -> None:
    async with receiving(floods) as receiver, Egress(receiver.rules, slots=1) as egress:
        answer = await egress.send(to(f"http://127.0.0.1:{receiver.port}/"))

    assert isinstance(answer, Response)
    assert answer.body == b"x" * 64 * 1024


@pytest.mark.anyio
async def test_no_more_requests_run_at_once_than_there_are_slots() -> None:
    under_way = most = 0

    async def slowly(writer: asyncio.StreamWriter) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.01)
        under_way -= 1
        writer.write(OK)

    async with receiving(slowly) as receiver, Egress(receiver.rules, slots=4) as egress:
        url = f"http://127.0.0.1:{receiver.port}/"
        answers = await asyncio.gather(*(egress.send(to(url)) for _ in range(20)))

    assert egress.slots == 4
    assert most == 4
    assert all(isinstance(answer, Response) for answer in answers)


@pytest.mark.anyio
@pytest.mark.parametrize("talk", [hangs, trickles])
async def test_a_receiver_that_does_not_finish_is_abandoned_in_time(talk: Talk) -> None:
    async with receiving(talk) as receiver, Egress(receiver.rules, slots=1, total_timeout=0.2) as egress:
        answers = [await egress.send(to(f"http://127.0.0.1:{receiver.port}/SECRET")) for _ in range(3)]

    assert [failure_of(answer) for answer in answers] == [Failure.TIMEOUT] * 3, "the slot stays usable"


async def ends_short(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nok")
    await writer.drain()
    writer.close()


@pytest.mark.anyio
@pytest.mark.parametrize("talk", [trickles, ends_short])
async def test_a_2xx_counts_although_its_body_never_ends(talk: Talk) -> None:
    async with receiving(talk) as receiver, Egress(receiver.rules, slots=1, body_timeout=0.1) as egress:
        answers = [await egress.send(to(f"http://127.0.0.1:{receiver.port}/")) for _ in range(2)]

    callback, slack = Callback(url=Secret("https://x.example/")), SlackWebhook(url=Secret("https://hooks.slack.com/"))
    assert [judge(callback, answer, 0) for answer in answers] == [Accepted()] * 2, "the slot stays usable"
    for answer in answers:
        verdict = judge(slack, answer, 0)
        assert isinstance(verdict, Deferred)
        assert verdict.ambiguous, "Slack says in its body whether it took the message"


@pytest.mark.anyio
@pytest.mark.parametrize("steps", range(6))
async def test_a_request_cancelled_at_any_moment_leaves_its_slot_usable(steps: int) -> None:
    async with (
        receiving(says(OK)) as receiver,
        Egress(receiver.rules, slots=1, total_timeout=2, resolve=never_resolving) as egress,
    ):
        await egress.send(to(f"http://127.0.0.1:{receiver.port}/"))
        # To another origin, so that the open connection must be closed first.
        cancelled = asyncio.create_task(egress.send(to("http://other.example/")))
        for _ in range(steps):
            await asyncio.sleep(0)
        cancelled.cancel()
        await asyncio.wait([cancelled])
        answer = await egress.send(to(f"http://127.0.0.1:{receiver.port}/"))

    assert isinstance(answer, Response)


@pytest.mark.anyio
async def test_a_silent_receiver_is_abandoned_after_the_read_timeout() -> None:
    async with receiving(hangs) as receiver, Egress(receiver.rules, slots=1, read_timeout=0.1) as egress:
        answer = await egress.send(to(f"http://127.0.0.1:{receiver.port}/SECRET"))

    assert failure_of(answer) is Failure.TIMEOUT


@pytest.mark.anyio
@pytest.mark.parametrize(
    "talk",
    [breaks_off, says(b"this is not HTTP\r\n\r\n"), says(b"HTTP/1.1 200 OK\r\n" + b"x-a: " + b"y" * 200_000 + b"\r\n")],
)
async def test_an_invalid_response_is_a_broken_connection(talk: Talk) -> None:
    async with receiving(talk) as receiver, Egress(receiver.rules, slots=1, total_timeout=5) as egress:
        answer = await egress.send(to(f"http://127.0.0.1:{receiver.port}/SECRET"))

    assert failure_of(answer) is Failure.BROKEN


@pytest.mark.anyio
async def test_a_refused_connection_is_a_connect_failure() -> None:
    async with receiving(says(OK)) as receiver:
        pass
    async with Egress(receiver.rules, slots=1) as egress:
        answer = await egress.send(to(f"http://127.0.0.1:{receiver.port}/SECRET"))

    assert failure_of(answer) is Failure.CONNECT


@pytest.mark.anyio
async def test_tls_verifies_the_name_although_an_address_is_dialled(tmp_path: Path) -> None:
    file, tls = certificate_for("receiver.example", tmp_path)
    trusting = ssl.create_default_context(cafile=str(file))
    async with receiving(says(OK), tls) as receiver:
        async with Egress(receiver.rules, slots=1, resolve=resolving(["127.0.0.1"]), trust=lambda: trusting) as egress:
            right = await egress.send(to(f"https://receiver.example:{receiver.port}/"))
            wrong = await egress.send(to(f"https://another.example:{receiver.port}/SECRET"))
        async with Egress(receiver.rules, slots=1, resolve=resolving(["127.0.0.1"])) as egress:
            untrusted = await egress.send(to(f"https://receiver.example:{receiver.port}/SECRET"))

    assert isinstance(right, Response)
    assert failure_of(wrong) is Failure.TLS
    assert failure_of(untrusted) is Failure.TLS
    assert isinstance(untrusted, NoResponse)
    assert "certificate" in untrusted.reason


@pytest.mark.anyio
async def test_a_receiver_that_does_not_speak_tls_is_a_tls_failure() -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, Egress(EgressRules.parse((f"127.0.0.1:{port}",)), slots=1) as egress:
        answer = await egress.send(to(f"https://127.0.0.1:{port}/SECRET"))

    assert failure_of(answer) is Failure.TLS
