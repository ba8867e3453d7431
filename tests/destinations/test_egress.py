"""Egress: no request of ours goes to an address that the operator did not allow, and none takes for ever."""

import ast
import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st

import bridge
from bridge.destinations import judge
from bridge.destinations.addresses import parse_address, refusal_code, unwrap_nat64
from bridge.destinations.egress import Egress, EgressRules, check_url
from bridge.destinations.guard import GuardedBackend, NotSent, Resolver
from bridge.domain.deliveries import (
    Accepted,
    Callback,
    Deferred,
    Failure,
    NoResponse,
    Request,
    Response,
    SendResult,
    SlackWebhook,
)
from bridge.domain.secret import Secret
from bridge.domain.times import HOUR
from tests.support.certificates import certificate_for

NOTHING_ALLOWED = EgressRules()
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-Seen: Yes\r\n\r\nok"
Talk = Callable[[asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass(slots=True)
class Receiver:
    """What stands at the other end: it notes each request's head and body, and talks back."""

    port: int = 0
    connections: int = 0
    heads: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    @property
    def rules(self) -> EgressRules:
        return EgressRules.parse((f"127.0.0.1:{self.port}",))


def says(answer: bytes) -> Talk:
    async def talk(writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    return talk


async def hangs(_: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def trickles(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
    while True:
        writer.write(b".")
        await writer.drain()
        await asyncio.sleep(0.02)


async def floods(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"x" * 65_536)
        await writer.drain()


async def breaks_off(writer: asyncio.StreamWriter) -> None:
    writer.close()


@asynccontextmanager
async def receiving(talk: Talk, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """Serve on a free port of the loopback; what still talks at the end is ended."""
    receiver = Receiver()
    talking: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        receiver.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii")
                receiver.heads.append(head)
                length = int(head.lower().split("content-length: ")[1].split("\r\n")[0])
                receiver.bodies.append(await reader.readexactly(length))
                await talk(writer)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(serve(reader, writer))
        talking.add(task)
        task.add_done_callback(talking.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        for task in list(talking):
            task.cancel()
        await asyncio.gather(*talking, return_exceptions=True)
        server.close()
        await server.wait_closed()


def to(url: str, body: bytes = b"{}", **headers: str) -> Request:
    return Request(
        url=Secret(url), headers={name.replace("_", "-"): value for name, value in headers.items()}, body=body
    )


def resolving(*answers: Sequence[str]) -> Callable[[str, int], Awaitable[Sequence[str]]]:
    """Resolve any name to each of the answers in turn, and to the last from then on."""
    left = list(answers)

    async def resolve(_: str, __: int) -> Sequence[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    return resolve


def failure_of(answer: SendResult) -> Failure:
    assert isinstance(answer, NoResponse), answer
    assert "SECRET" not in answer.reason
    return answer.failure


# What is sent and answered


@pytest.mark.anyio
async def test_an_allowed_receiver_gets_the_request_as_it_is() -> None:
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
async def test_of_a_wait_that_is_asked_for_twice_the_longer_counts() -> None:
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
async def test_as_many_requests_as_slots_run_at_once_and_the_others_wait_their_turn() -> None:
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


# What goes wrong


@pytest.mark.anyio
@pytest.mark.parametrize("talk", [hangs, trickles])
async def test_a_receiver_that_does_not_finish_is_left_in_time(talk: Talk) -> None:
    async with receiving(talk) as receiver, Egress(receiver.rules, slots=1, total_timeout=0.2) as egress:
        answers = [await egress.send(to(f"http://127.0.0.1:{receiver.port}/SECRET")) for _ in range(3)]

    assert [failure_of(answer) for answer in answers] == [Failure.TIMEOUT] * 3, "the slot stays usable"


async def ends_short(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nok")
    await writer.drain()
    writer.close()


@pytest.mark.anyio
@pytest.mark.parametrize("talk", [trickles, ends_short])
async def test_what_was_accepted_stays_so_though_the_rest_of_the_answer_never_comes(talk: Talk) -> None:
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
        Egress(receiver.rules, slots=1, total_timeout=2, resolve=never) as egress,
    ):
        await egress.send(to(f"http://127.0.0.1:{receiver.port}/"))
        # To another origin, so that the connection that is open must first be closed.
        cancelled = asyncio.create_task(egress.send(to("http://other.example/")))
        for _ in range(steps):
            await asyncio.sleep(0)
        cancelled.cancel()
        await asyncio.wait([cancelled])
        answer = await egress.send(to(f"http://127.0.0.1:{receiver.port}/"))

    assert isinstance(answer, Response)


@pytest.mark.anyio
async def test_a_silent_receiver_is_left_after_the_read_timeout() -> None:
    async with receiving(hangs) as receiver, Egress(receiver.rules, slots=1, read_timeout=0.1) as egress:
        answer = await egress.send(to(f"http://127.0.0.1:{receiver.port}/SECRET"))

    assert failure_of(answer) is Failure.TIMEOUT


@pytest.mark.anyio
@pytest.mark.parametrize(
    "talk",
    [breaks_off, says(b"this is not HTTP\r\n\r\n"), says(b"HTTP/1.1 200 OK\r\n" + b"x-a: " + b"y" * 200_000 + b"\r\n")],
)
async def test_a_broken_answer_is_none(talk: Talk) -> None:
    async with receiving(talk) as receiver, Egress(receiver.rules, slots=1, total_timeout=5) as egress:
        answer = await egress.send(to(f"http://127.0.0.1:{receiver.port}/SECRET"))

    assert failure_of(answer) is Failure.BROKEN


@pytest.mark.anyio
async def test_nobody_listening_is_a_connect_failure() -> None:
    async with receiving(says(OK)) as receiver:
        pass
    async with Egress(receiver.rules, slots=1) as egress:
        answer = await egress.send(to(f"http://127.0.0.1:{receiver.port}/SECRET"))

    assert failure_of(answer) is Failure.CONNECT


# Names and what they resolve to


@pytest.mark.anyio
@pytest.mark.parametrize(
    "addresses",
    [["1.1.1.1", "127.0.0.1"], ["10.0.0.1"], ["::1"], ["fe80::1%1"], ["64:ff9b::7f00:1"], ["169.254.169.254"]],
)
async def test_a_name_with_any_refused_address_is_refused(addresses: list[str]) -> None:
    async with Egress(NOTHING_ALLOWED, slots=1, resolve=resolving(addresses)) as egress:
        answer = await egress.send(to("http://mixed.example/SECRET"))

    assert failure_of(answer) is Failure.REFUSED_ADDRESS


@pytest.mark.anyio
async def test_the_address_that_was_checked_is_the_one_that_is_dialled() -> None:
    async with receiving(says(OK)) as receiver:
        # The second answer, which a second lookup would get, is refused.
        resolve = resolving(["127.0.0.1"], ["127.0.0.2"])
        async with Egress(receiver.rules, slots=1, resolve=resolve) as egress:
            first = await egress.send(to(f"http://rebinding.example:{receiver.port}/"))
            kept = await egress.send(to(f"http://rebinding.example:{receiver.port}/"))
        async with Egress(receiver.rules, slots=1, resolve=resolve) as egress:
            rebound = await egress.send(to(f"http://rebinding.example:{receiver.port}/"))

    assert isinstance(first, Response)
    assert isinstance(kept, Response), "an open connection leads where it led"
    assert failure_of(rebound) is Failure.REFUSED_ADDRESS
    assert receiver.connections == 1
    assert f"host: rebinding.example:{receiver.port}" in receiver.heads[0].lower()


@pytest.mark.anyio
async def test_an_allowed_host_may_resolve_to_anything_and_every_address_is_tried() -> None:
    async with receiving(says(OK)) as receiver:
        rules = EgressRules.parse((f"crm.internal:{receiver.port}",))
        # Nobody listens at the first address; the second is the receiver's.
        async with Egress(rules, slots=1, resolve=resolving(["127.0.0.9", "127.0.0.1"])) as egress:
            allowed = await egress.send(to(f"http://crm.internal:{receiver.port}/"))
            other_port = await egress.send(to("http://crm.internal/"))

    assert isinstance(allowed, Response)
    assert failure_of(other_port) is Failure.REFUSED_ADDRESS


@pytest.mark.anyio
async def test_an_open_connection_serves_no_other_name_though_both_lead_to_one_address() -> None:
    async with receiving(says(OK)) as receiver:
        url = "http://{}.internal:" + f"{receiver.port}/"
        # The network lets the port pass until the name is resolved.
        rules = EgressRules.parse((f"a.internal:{receiver.port}", f"b.internal:{receiver.port}", "10.0.0.0/8"))
        async with Egress(rules, slots=1, resolve=resolving(["127.0.0.1"])) as egress:
            answers = [await egress.send(to(url.format(name))) for name in ("a", "b", "c")]

    assert [isinstance(answer, Response) for answer in answers] == [True, True, False]
    assert failure_of(answers[2]) is Failure.REFUSED_ADDRESS
    assert receiver.connections == 2
    assert ["host: b.internal" in head.lower() for head in receiver.heads] == [False, True]


@pytest.mark.anyio
async def test_a_port_is_judged_again_where_a_name_leads() -> None:
    rules = EgressRules.parse(("10.0.0.0/8",))
    assert check_url("http://crm.internal:8080/", rules, slack=False) is None, "it may lead into the network"

    async with Egress(rules, slots=1, resolve=resolving(["1.1.1.1"])) as egress:
        answer = await egress.send(to("http://crm.internal:8080/"))

    assert failure_of(answer) is Failure.REFUSED_ADDRESS


async def fails(_: str, __: int) -> Sequence[str]:
    raise OSError("no such name, says a server that knows a SECRET")


async def never(_: str, __: int) -> Sequence[str]:
    await asyncio.Event().wait()
    return []


@pytest.mark.anyio
@pytest.mark.parametrize("resolve", [fails, never, resolving([]), resolving(["not an address"])])
async def test_a_name_that_leads_nowhere_is_a_failure_of_its_own(
    resolve: Callable[[str, int], Awaitable[Sequence[str]]],
) -> None:
    async with Egress(NOTHING_ALLOWED, slots=1, connect_timeout=0.1, resolve=resolve) as egress:
        answer = await egress.send(to("http://nowhere.example/SECRET"))

    assert failure_of(answer) is Failure.DNS


@pytest.mark.anyio
async def test_the_systems_resolver_knows_localhost_and_answers_all_who_ask() -> None:
    resolver = Resolver(threads=1)
    try:
        answers = await asyncio.gather(*(resolver("localhost", 80) for _ in range(10)))
    finally:
        resolver.close()

    assert all("127.0.0.1" in answer or "::1" in answer for answer in answers)


@pytest.mark.anyio
async def test_sockets_of_this_machine_are_refused() -> None:
    backend = GuardedBackend(NOTHING_ALLOWED, resolving(["1.1.1.1"]))

    with pytest.raises(NotSent, match="not allowed"):
        await backend.connect_unix_socket("/run/docker.sock")


# TLS


@pytest.mark.anyio
async def test_tls_verifies_the_name_though_an_address_is_dialled(tmp_path: Path) -> None:
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


# The rules, without a socket

REFUSED = {
    "0.0.0.0": "unspecified",  # noqa: S104 - nothing is bound
    "0.1.2.3": "unspecified",
    "10.255.255.255": "private",
    "100.64.0.1": "shared",
    "100.100.100.200": "metadata",
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "168.63.129.16": "metadata",
    "169.254.0.1": "link_local",
    "169.254.169.254": "metadata",
    "172.16.0.1": "private",
    "172.31.255.255": "private",
    "192.0.0.9": "reserved",
    "192.0.0.170": "reserved",
    "192.0.0.192": "reserved",
    "192.0.2.1": "documentation",
    "192.88.99.1": "reserved",
    "192.168.1.1": "private",
    "198.18.0.1": "reserved",
    "198.19.255.255": "reserved",
    "198.51.100.7": "documentation",
    "203.0.113.7": "documentation",
    "224.0.0.1": "multicast",
    "239.255.255.255": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.255": "reserved",
    "::": "unspecified",
    "::1": "loopback",
    "::7f00:1": "embedded_ipv4",
    "::ffff:127.0.0.1": "embedded_ipv4",
    "::ffff:1.1.1.1": "embedded_ipv4",
    "::ffff:0:127.0.0.1": "embedded_ipv4",
    "64:ff9b::a9fe:a9fe": "metadata",
    "64:ff9b::10.0.0.1": "private",
    "64:ff9b:1::1": "embedded_ipv4",
    "100::1": "reserved",
    "100:0:0:1::1": "reserved",
    "64:ff9b:1:ffff:ffff:ffff:ffff:ffff": "embedded_ipv4",
    "100::ffff:ffff:ffff:ffff": "reserved",
    "2001::1": "embedded_ipv4",
    "2001:0:7f00:1::1": "embedded_ipv4",
    "2001:0:4136:e378:8000:63bf:80ff:fffe": "embedded_ipv4",
    "2001:1::1": "reserved",
    "2001:3::1": "reserved",
    "2001:4:112::1": "reserved",
    "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff": "reserved",
    "2001:2::1": "reserved",
    "2001:10::1": "reserved",
    "2001:20::1": "reserved",
    "2001:30::1": "reserved",
    "2001:db8::1": "documentation",
    "2002:a9fe:a9fe::1": "embedded_ipv4",
    "2606:4700::5efe:10.0.0.1": "embedded_ipv4",
    "2606:4700::200:5efe:10.0.0.1": "embedded_ipv4",
    "3ffe::1": "reserved",
    "3fff::1": "documentation",
    "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff": "documentation",
    "4000::1": "reserved",
    "5f00::1": "reserved",
    "::1:0:0": "reserved",
    "fc00::1": "private",
    "fd00:ec2::254": "metadata",
    "fdff::1": "private",
    "fe80::1": "link_local",
    "fe80::5efe:10.0.0.1": "link_local",
    "fec0::1": "private",
    "ff02::1": "multicast",
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff": "multicast",
}
PUBLIC = (
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.1",
    "192.167.255.255",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "64:ff9b::1.1.1.1",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2606:4700:4700::1111",
    "2620:fe::fe",
    "2a00:1450:4001:82a::200e",
)


@pytest.mark.parametrize(("address", "code"), REFUSED.items())
def test_special_addresses_are_refused_with_a_code(address: str, code: str) -> None:
    assert refusal_code(ip_address(address)) == code


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_not(address: str) -> None:
    assert refusal_code(ip_address(address)) is None


@given(st.ip_addresses())
def test_what_python_knows_to_be_special_is_refused_as_well(address: object) -> None:
    parsed = unwrap_nat64(ip_address(str(address)))
    # Python calls the anycast addresses of two protocols, within networks that we refuse, global; never the reverse.
    if not parsed.is_global or parsed.is_multicast or parsed.is_reserved:
        assert refusal_code(parsed) is not None


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("0x7f.1", "127.0.0.1"),
        ("0X7F000001", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("017700000001", "127.0.0.1"),
        ("0177.0.0.1", "127.0.0.1"),
        ("0x7f.0.0x1", "127.0.0.1"),
        ("192.168.257", "192.168.1.1"),
        ("0", "0.0.0.0"),  # noqa: S104 - nothing is bound
        ("0x", "0.0.0.0"),  # noqa: S104 - nothing is bound
        ("::1", "::1"),
    ],
)
def test_odd_forms_of_an_address_are_read_as_the_system_does(host: str, address: str) -> None:
    assert parse_address(host) == ip_address(address)


@pytest.mark.parametrize("host", ["1.2.3.4.5", "256.0.0.1", "1.2.3.256", "4294967296", "09", "a.1", "::g", "fe80::1%1"])
def test_what_only_looks_like_an_address_is_none(host: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_address(host)


@pytest.mark.parametrize("host", ["example.com", "1.example", "a", "0x7f.example", "127.0.0.1.nip.io"])
def test_names_are_no_addresses(host: str) -> None:
    assert parse_address(host) is None


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://crm.example.com/hook", None),
        ("http://crm.example.com:80/", None),
        ("http://crm.example.com:443/", None),
        ("HTTPS://CRM.Example.COM./hook?x=1", None),
        ("https://bücher.example/", None),
        ("https://crm/", None),
        ("https://under_score.example/", None),
        ("https://1.1.1.1/", None),
        ("https://[2606:4700:4700::1111]/", None),
        ("ftp://crm.example.com/", "scheme"),
        ("file:///etc/passwd", "scheme"),
        ("gopher://127.0.0.1:6379/_x", "scheme"),
        ("//crm.example.com/", "scheme"),
        ("crm.example.com/hook", "scheme"),
        ("", "scheme"),
        ("http://", "host"),
        ("http:///hook", "host"),
        ("http://user@crm.example.com/", "userinfo"),
        ("http://user:pass@crm.example.com/", "userinfo"),
        ("http://crm.example.com@127.0.0.1/", "userinfo"),
        ("http://crm.example.com\\@127.0.0.1/", "url"),
        ("http://127.0.0.1\\.crm.example.com/", "url"),
        ("http://crm.example.com/ x", "url"),
        (" http://crm.example.com/", "scheme"),
        ("http://crm.example.com/\r\nHost: x", "url"),
        ("http://crm.example.com/\u00a0", "url"),
        ("http://crm.example.com#@127.0.0.1/", "fragment"),
        ("http://crm.example.com/#x", "fragment"),
        ("http://crm.example.com:8080/", "port"),
        ("http://crm.example.com:0/", "port"),
        ("http://crm.example.com:65536/", "port"),
        ("http://crm.example.com:99999999/", "port"),
        ("http://crm.example.com:x/", "url"),
        ("http://crm.example.com:/", None),
        ("http://crm.example.com:080/", None),
        ("http://crm.example.com:08080/", "port"),
        ("http://crm.example.com:443:80/", "url"),
        ("http://127.0.0.1:080/", "loopback"),
        ("\thttp://127.0.0.1/", "url"),
        ("http://127.0.0.1\t/", "url"),
        ("ht\ntp://127.0.0.1/", "url"),
        ("http:127.0.0.1/", "host"),
        ("http:\\\\127.0.0.1/", "url"),
        ("http://-crm.example.com/", "host"),
        ("http://crm..example.com/", "host"),
        ("http://crm.example.com../", "host"),
        ("http://" + "a" * 64 + ".example/", "host"),
        ("http://" + "a." * 130 + "example/", "host"),
        ("http://127%2e0.0.1/", "url"),
        ("http://%3127.0.0.1/", "url"),
        ("http://exa%mple.com/", "host"),
        ("http://*.example.com/", "host"),
        ("http://localhost/", "loopback"),
        ("http://LOCALHOST./", "loopback"),
        ("http://a.localhost/", "loopback"),
        ("http://127.0.0.1/", "loopback"),
        ("http://127.0.0.1./", "loopback"),
        ("http://127.1/", "loopback"),
        ("http://0x7f.1/", "loopback"),
        ("http://2130706433/", "loopback"),
        ("http://017700000001/", "loopback"),
        ("http://0177.0.0.1/", "url"),
        ("http://127。0。0。1/", "loopback"),
        ("http://①②⑦.0.0.1/", "url"),
        ("http://１２７.0.0.1/", "url"),
        ("http://ⓛocalhost/", "url"),
        ("http://local\u00adhost/", "url"),
        ("http://%6c%6f%63alhost/", "host"),
        ("http://127.0.0.1%2f.crm.example.com/", "host"),
        ("http://crm.example.com%00.127.0.0.1/", "url"),
        ("http://0x7f000001./", "loopback"),
        ("http://127.0.0.1../", "host"),
        ("http://[::127.0.0.1]/", "embedded_ipv4"),
        ("http://[0:0:0:0:0:0:0:1]/", "loopback"),
        ("http://[v1.fe80::1]/", "url"),
        ("http://[::1%25lo]/", "url"),
        ("http://[::1]/", "loopback"),
        ("http://[::]/", "unspecified"),
        ("http://[::ffff:127.0.0.1]/", "embedded_ipv4"),
        ("http://[::ffff:7f00:1]/", "embedded_ipv4"),
        ("http://[fe80::1%25eth0]/", "url"),
        ("http://0/", "unspecified"),
        ("http://169.254.169.254/latest/meta-data/", "metadata"),
        ("http://10.0.0.1:8080/", "private"),
        ("http://1.1.1.1:6379/", "port"),
        ("http://256.256.256.256/", "url"),
        ("http://1.2.3.4.5/", "url"),
        ("http://[::1/", "url"),
    ],
)
def test_url_tricks(url: str, code: str | None) -> None:
    found = check_url(url, NOTHING_ALLOWED, slack=False)

    assert (None if found is None else found.code) == code


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://hooks.slack.com/services/T0/B0/x", None),
        ("https://hooks.slack-gov.com/services/T0/B0/x", None),
        ("https://hooks.slack.com:443/services/T0/B0/x", None),
        ("http://hooks.slack.com/services/T0/B0/x", "not_slack"),
        ("https://hooks.slack.com:80/services/T0/B0/x", "not_slack"),
        ("https://hooks.slack.com/", "not_slack"),
        ("https://hooks.slack.com/services/../api/x", "not_slack"),
        ("https://hooks.slack.com.evil.example/services/T0/B0/x", "not_slack"),
        ("https://evil.example/services/T0/B0/x", "not_slack"),
        ("https://hooks.slack.com/workflows/T0/A0/1/x", "slack_workflow"),
        ("https://hooks.slack.com/triggers/T0/1/x", "slack_workflow"),
        ("https://127.0.0.1/services/T0/B0/x", "not_slack"),
        ("https://u@hooks.slack.com/services/T0/B0/x", "userinfo"),
    ],
)
def test_a_slack_webhook_is_slacks(url: str, code: str | None) -> None:
    found = check_url(url, NOTHING_ALLOWED, slack=True)

    assert (None if found is None else found.code) == code


@pytest.mark.parametrize("allowed", ["hooks.slack.com", "*.slack.com", "hooks.slack.com:443"])
@pytest.mark.parametrize("path", ["workflows/T0/A0/1/x", "triggers/T0/1/x"])
def test_no_operator_can_allow_a_url_that_starts_a_workflow(allowed: str, path: str) -> None:
    found = check_url(f"https://hooks.slack.com/{path}", EgressRules.parse((allowed,)), slack=True)

    assert found is not None
    assert found.code == "slack_workflow"


@given(st.text(max_size=40))
def test_no_text_makes_the_check_fail_or_repeats_itself(text: str) -> None:
    for url in (text, f"http://{text}/", f"http://crm.example.com/{text}"):
        found = check_url(url, NOTHING_ALLOWED, slack=False)
        assert found is None or len(text) < 8 or text not in found.detail


RULES = EgressRules.parse(
    (
        "10.0.0.0/8",
        "fd00::/8",
        "192.168.1.5",
        "127.0.0.1:9000",
        "[::1]:9000",
        "crm.internal",
        "Hooks.Internal.:8443",
        "*.svc.local",
        "*.dev.local:3000",
        "localhost:5000",
        "bücher.example:81",
    )
)


@pytest.mark.parametrize(
    "url",
    [
        "http://10.1.2.3/",
        "http://10.1.2.3:6379/",
        "http://[fd00::5]:8080/",
        "http://192.168.1.5:1234/",
        "http://127.0.0.1:9000/",
        "http://0x7f.1:9000/",
        "http://[::1]:9000/",
        "http://crm.internal:1234/",
        "http://CRM.internal./",
        "https://hooks.internal:8443/",
        "http://a.svc.local:77/",
        "http://a.b.svc.local/",
        "http://a.dev.local:3000/",
        "http://localhost:5000/",
        "http://bücher.example:81/",
        "http://xn--bcher-kva.example:81/",
    ],
)
@pytest.mark.parametrize("slack", [False, True])
def test_what_the_operator_allows_is_let_through(url: str, slack: bool) -> None:  # noqa: FBT001 - a table
    assert check_url(url, RULES, slack=slack) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://192.168.1.6/",
        "http://127.0.0.1:9001/",
        "http://127.0.0.1/",
        "http://[::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://localhost/",
        "http://localhost:5001/",
        "http://x.localhost:5000/",
        "ftp://crm.internal/",
        "http://user@crm.internal/",
        "http://1.1.1.1:8080/",
    ],
)
def test_and_nothing_beside_it(url: str) -> None:
    assert check_url(url, RULES, slack=False) is not None


def test_a_suffix_does_not_allow_itself_nor_a_name_that_ends_alike() -> None:
    rules = EgressRules.parse(("*.svc.local:81",))

    assert check_url("http://a.svc.local:81/", rules, slack=False) is None
    assert check_url("http://svc.local:81/", rules, slack=False) is not None
    assert check_url("http://evilsvc.local:81/", rules, slack=False) is not None
    assert check_url("http://a.svc.local:82/", rules, slack=False) is not None


def test_every_bad_entry_is_named() -> None:
    shapes = ("", "*", "*.", "a b", "http://x/", "user@host", "*.*.example", "x:y", ":80", "x:0", "x:65536")
    addresses = (
        "10.0.0.1/8",
        "10.0.0.0/33",
        "127.1",
        "0x7f.1",
        "*.10.0.0.1",
        "256.0.0.1:80",
        "[::1",
        "[x]:80",
        "[]:80",
    )
    bad = shapes + addresses

    with pytest.raises(ValueError, match="not a network, address, host") as raised:
        EgressRules.parse(("10.0.0.0/8", *bad, "crm.internal"))

    for entry in bad:
        assert f"{entry!r} is not a" in str(raised.value)
    assert str(raised.value).count(" is not a ") == len(bad)


# Nobody else opens sockets


def test_sockets_are_opened_in_one_place_for_each_kind_of_peer() -> None:
    root = Path(bridge.__file__).parent
    exempt = ("destinations/guard.py", "http/", "redis/", "cli/", "sandbox/")
    modules = [path for path in root.rglob("*.py") if not path.relative_to(root).as_posix().startswith(exempt)]

    assert len(modules) > 20
    assert [str(path.relative_to(root)) for path in modules if opens_sockets(path)] == []
    assert opens_sockets(root / "destinations/guard.py"), "the search finds what it looks for"


def opens_sockets(path: Path) -> bool:
    banned = {"socket", "httpcore", "aiohttp", "requests", "urllib3"}
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Import(names=names) if any(name.name.split(".")[0] in banned for name in names):
                return True
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] in banned or module == "urllib.request":
                return True
            case ast.Attribute(attr="open_connection" | "create_connection" | "sock_connect"):
                return True
    return False


@pytest.mark.anyio
async def test_httpcore_dials_by_our_guard_alone() -> None:
    # If httpcore one day ignores its network backend, this name, which only our resolver knows, no longer resolves.
    asked: list[str] = []

    async def resolve(host: str, _: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"]

    async with receiving(says(OK)) as receiver, Egress(receiver.rules, slots=1, resolve=resolve) as egress:
        answer = await egress.send(to(f"http://known-to-us-alone.invalid:{receiver.port}/"))

    assert isinstance(answer, Response)
    assert asked == ["known-to-us-alone.invalid"]
    assert issubclass(GuardedBackend, httpcore.AsyncNetworkBackend)
