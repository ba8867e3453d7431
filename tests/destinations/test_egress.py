"""Egress: no request goes to an address that the operator did not allow, and each ends in time."""

import ast
import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import httpcore
import pytest

import bridge
from bridge.destinations import judge
from bridge.destinations.egress import Egress, EgressRules, check_url
from bridge.destinations.guard import GuardedBackend, NotSent, Resolver
from bridge.domain.attempts import Accepted, Deferred, Failure, NoResponse, Response
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
    receiving,
    resolving,
    says,
    to,
    trickles,
)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


# Requests and responses


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


# Faults


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
        Egress(receiver.rules, slots=1, total_timeout=2, resolve=never) as egress,
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
        # Nothing listens at the first address; the second is the receiver's.
        async with Egress(rules, slots=1, resolve=resolving(["127.0.0.9", "127.0.0.1"])) as egress:
            allowed = await egress.send(to(f"http://crm.internal:{receiver.port}/"))
            other_port = await egress.send(to("http://crm.internal/"))

    assert isinstance(allowed, Response)
    assert failure_of(other_port) is Failure.REFUSED_ADDRESS


@pytest.mark.anyio
async def test_an_open_connection_serves_no_other_name_though_both_lead_to_one_address() -> None:
    async with receiving(says(OK)) as receiver:
        url = "http://{}.internal:" + f"{receiver.port}/"
        # An entry for the network allows the port, until the name is resolved to an address outside it.
        rules = EgressRules.parse((f"a.internal:{receiver.port}", f"b.internal:{receiver.port}", "10.0.0.0/8"))
        async with Egress(rules, slots=1, resolve=resolving(["127.0.0.1"])) as egress:
            answers = [await egress.send(to(url.format(name))) for name in ("a", "b", "c")]

    assert [isinstance(answer, Response) for answer in answers] == [True, True, False]
    assert failure_of(answers[2]) is Failure.REFUSED_ADDRESS
    assert receiver.connections == 2
    assert ["host: b.internal" in head.lower() for head in receiver.heads] == [False, True]


@pytest.mark.anyio
async def test_a_port_is_checked_again_with_the_resolved_address() -> None:
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
async def test_a_name_that_does_not_resolve_is_a_dns_failure(
    resolve: Callable[[str, int], Awaitable[Sequence[str]]],
) -> None:
    async with Egress(NOTHING_ALLOWED, slots=1, connect_timeout=0.1, resolve=resolve) as egress:
        answer = await egress.send(to("http://nowhere.example/SECRET"))

    assert failure_of(answer) is Failure.DNS


@pytest.mark.anyio
async def test_the_systems_resolver_resolves_localhost_for_concurrent_callers() -> None:
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


# Where sockets may be opened


def test_sockets_are_opened_in_one_place_for_each_kind_of_peer() -> None:
    root = Path(bridge.__file__).parent
    exempt = ("destinations/guard.py", "client/", "http/", "redis/", "cli/", "sandbox/")
    modules = [path for path in root.rglob("*.py") if not path.relative_to(root).as_posix().startswith(exempt)]

    assert len(modules) > 20
    assert [str(path.relative_to(root)) for path in modules if opens_sockets(path)] == []
    assert opens_sockets(root / "destinations/guard.py"), "the search works"


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
async def test_httpcore_connects_only_through_our_guard() -> None:
    # If httpcore one day ignores its network backend, this name, which only our resolver knows, no longer resolves.
    resolved: list[str] = []

    async def resolve(host: str, _: int) -> Sequence[str]:
        resolved.append(host)
        return ["127.0.0.1"]

    async with receiving(says(OK)) as receiver, Egress(receiver.rules, slots=1, resolve=resolve) as egress:
        answer = await egress.send(to(f"http://known-to-us-alone.invalid:{receiver.port}/"))

    assert isinstance(answer, Response)
    assert resolved == ["known-to-us-alone.invalid"]
    assert issubclass(GuardedBackend, httpcore.AsyncNetworkBackend)
