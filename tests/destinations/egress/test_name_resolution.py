"""Name resolution and connecting: every address is checked, and nothing else opens a socket."""

import ast
import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import httpcore
import pytest

import bridge
from bridge.destinations.egress.client import Egress, EgressRules, check_url
from bridge.destinations.egress.name_resolution import GuardedBackend, NotSent, Resolver
from bridge.domain.delivery.destination_requests import Failure, Response
from tests.support.receivers import (
    NOTHING_ALLOWED,
    OK,
    failure_of,
    never_resolving,
    receiving,
    resolving,
    says,
    to,
)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


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


@pytest.mark.anyio
@pytest.mark.parametrize("resolve", [fails, never_resolving, resolving([]), resolving(["not an address"])])
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


def test_sockets_are_opened_in_one_place_for_each_kind_of_peer() -> None:
    root = Path(bridge.__file__).parent
    exempt = ("destinations/egress/name_resolution.py", "client/", "http/", "redis/", "cli/", "sandbox/")
    modules = [path for path in root.rglob("*.py") if not path.relative_to(root).as_posix().startswith(exempt)]

    assert len(modules) > 20
    assert [str(path.relative_to(root)) for path in modules if opens_sockets(path)] == []
    assert opens_sockets(root / "destinations/egress/name_resolution.py"), "the search works"


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
