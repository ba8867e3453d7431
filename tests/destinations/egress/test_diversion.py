"""The diversion of a sandboxed bridge: the rules are those of production, and nothing is resolved or sent elsewhere."""

from collections.abc import Sequence

import pytest

from bridge.destinations.egress.client import Egress
from bridge.destinations.egress.diversion import Diversion
from bridge.destinations.egress.rules import EgressRules
from bridge.destinations.egress.urls import Forbidden, parse_url
from bridge.domain.destination_requests import Failure, Response
from tests.support.receivers import OK, failure_of, receiving, says, to

SANDBOX = Diversion.to("http://127.0.0.1:8081")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def diverted(url: str) -> str:
    parsed = parse_url(url)
    assert not isinstance(parsed, Forbidden)
    return str(SANDBOX.of(parsed))


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://hooks.slack.com/services/T0/B0/X", "/outbound/https/hooks.slack.com/services/T0/B0/X"),
        ("https://crm.example.com", "/outbound/https/crm.example.com/"),
        ("http://crm.example.com:81/a%2Fb?q=1&r=%20", "/outbound/http/crm.example.com%3A81/a%2Fb?q=1&r=%20"),
        ("http://[2001:db8::1]/", "/outbound/http/%5B2001%3Adb8%3A%3A1%5D/"),
        ("https://crm.example.com/../../control/reset", "/outbound/https/crm.example.com/control/reset"),
    ],
)
def test_the_path_holds_the_address(url: str, place: str) -> None:
    assert diverted(url) == f"http://127.0.0.1:8081{place}"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8081/inbox/callbacks/crm",
        "http://127.0.0.1:9000/hooks/rally",
        "http://[::1]:9000/hooks/rally",
        "http://localhost:9000/hooks/rally",
    ],
)
def test_what_is_on_loopback_stays_as_it_is(url: str) -> None:
    assert diverted(url) == url


@pytest.mark.parametrize("url", ["127.0.0.1:8081", "http://u:p@127.0.0.1", "http://127.0.0.1/sandbox", "ftp://host"])
def test_what_is_no_origin_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        Diversion.to(url)
    assert "u:p" not in str(refused.value)


async def unresolved(host: str, _: int) -> Sequence[str]:
    raise AssertionError(f"{host} was resolved")


@pytest.mark.anyio
async def test_messages_reach_the_sandbox_without_a_name_being_resolved() -> None:
    async with receiving(says(OK)) as sandbox:
        diversion = Diversion.to(f"http://127.0.0.1:{sandbox.port}")
        rules = EgressRules().also_allowing(diversion.host, diversion.port)
        async with Egress(rules, slots=1, resolve=unresolved, diversion=diversion) as egress:
            answer = await egress.send(to("https://hooks.slack.com/services/T0/B0/X", b"{}", webhook_id="ntf_1"))
            assert await egress.refusal(to("https://crm.example.com/").url) is None

    assert answer == Response(status=200, headers={}, body=b"ok")
    assert sandbox.heads[0].startswith("POST /outbound/https/hooks.slack.com/services/T0/B0/X HTTP/1.1\r\n")
    assert "webhook-id: ntf_1\r\n" in sandbox.heads[0]
    assert sandbox.bodies == [b"{}"]


@pytest.mark.anyio
@pytest.mark.parametrize("host", ["10.0.0.1", "169.254.169.254", "localhost", "127.0.0.1", "crm.example.com:22"])
async def test_the_rules_refuse_the_same_addresses_as_in_production(host: str) -> None:
    async with receiving(says(OK)) as sandbox:
        diversion = Diversion.to(f"http://127.0.0.1:{sandbox.port}")
        rules = EgressRules().also_allowing(diversion.host, diversion.port)
        async with Egress(rules, slots=1, diversion=diversion) as egress:
            answer = await egress.send(to(f"http://{host}/hooks/rally"))

    assert failure_of(answer) is Failure.REFUSED_ADDRESS
    assert sandbox.connections == 0


@pytest.mark.anyio
async def test_a_receiver_on_loopback_that_is_allowed_gets_its_messages_itself() -> None:
    async with (
        receiving(says(OK)) as receiver,
        Egress(receiver.rules, slots=1, diversion=SANDBOX) as egress,
    ):
        answer = await egress.send(to(f"http://127.0.0.1:{receiver.port}/hooks/rally"))

    assert isinstance(answer, Response)
    assert receiver.heads[0].startswith("POST /hooks/rally ")
