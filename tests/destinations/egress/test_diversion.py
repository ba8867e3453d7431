"""The diversion of a sandboxed bridge: any host may be named, and nothing is resolved or sent elsewhere."""

from collections.abc import Sequence

import pytest

from bridge.destinations.egress.client import Egress
from bridge.destinations.egress.diversion import Diversion
from bridge.destinations.egress.rules import EgressRules, check_callback, check_url
from bridge.destinations.egress.urls import Forbidden, parse_url
from bridge.domain.delivery.destination_requests import Response
from tests.support.receivers import OK, receiving, says, to

SANDBOX = Diversion.to("http://127.0.0.1:8081")
RULES = EgressRules.parse(["127.0.0.1:9000", "::1", "localhost:9000", "10.0.0.0/8"]).for_sandbox("127.0.0.1", 8081)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def diverted(url: str) -> str:
    parsed = parse_url(url)
    assert not isinstance(parsed, Forbidden)
    return str(SANDBOX.of(parsed, RULES))


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://hooks.slack.com/services/T0/B0/X", "/outbound/https/hooks.slack.com/services/T0/B0/X"),
        ("https://crm.example.com", "/outbound/https/crm.example.com/"),
        ("http://crm.example.com:81/a%2Fb?q=1&r=%20", "/outbound/http/crm.example.com%3A81/a%2Fb?q=1&r=%20"),
        ("http://10.0.0.1:9000/", "/outbound/http/10.0.0.1%3A9000/"),
        ("http://127.0.0.1:9001/", "/outbound/http/127.0.0.1%3A9001/"),
        ("http://localhost/hooks", "/outbound/http/localhost/hooks"),
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
def test_what_is_allowed_on_loopback_stays_as_it_is(url: str) -> None:
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
        rules = EgressRules().for_sandbox(diversion.host, diversion.port)
        async with Egress(rules, slots=1, resolve=unresolved, diversion=diversion) as egress:
            answer = await egress.send(to("https://hooks.slack.com/services/T0/B0/X", b"{}", webhook_id="ntf_1"))
            assert await egress.refusal(to("https://crm.example.com/").url) is None

    assert answer == Response(status=200, headers={}, body=b"ok")
    assert sandbox.heads[0].startswith("POST /outbound/https/hooks.slack.com/services/T0/B0/X HTTP/1.1\r\n")
    assert "webhook-id: ntf_1\r\n" in sandbox.heads[0]
    assert sandbox.bodies == [b"{}"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1/hooks",
        "http://169.254.169.254/hooks",
        "http://localhost:3000/hooks",
        "http://[::1]/hooks",
        "https://crm.internal:8443/hooks",
    ],
)
async def test_messages_to_addresses_that_production_refuses_reach_the_sandbox(url: str) -> None:
    async with receiving(says(OK)) as sandbox:
        diversion = Diversion.to(f"http://127.0.0.1:{sandbox.port}")
        rules = EgressRules().for_sandbox(diversion.host, diversion.port)
        assert check_url(url, rules, slack=False) is None
        async with Egress(rules, slots=1, resolve=unresolved, diversion=diversion) as egress:
            answer = await egress.send(to(url))
            assert await egress.refusal(to(url).url) is None

    assert isinstance(answer, Response)
    assert sandbox.heads[0].startswith(f"POST /outbound/{url.partition(':')[0]}/")


@pytest.mark.parametrize(
    "url", ["ftp://crm.example.com", "http://u:p@crm.example.com", "http://crm.example.com/#x", "https://slack.com/x"]
)
def test_what_is_no_callback_is_refused_in_a_sandbox_as_well(url: str) -> None:
    assert check_callback(url, RULES) is not None


@pytest.mark.anyio
async def test_a_receiver_on_loopback_that_is_allowed_gets_its_messages_itself() -> None:
    async with (
        receiving(says(OK)) as receiver,
        Egress(receiver.rules.for_sandbox("127.0.0.1", 8081), slots=1, diversion=SANDBOX) as egress,
    ):
        answer = await egress.send(to(f"http://127.0.0.1:{receiver.port}/hooks/rally"))

    assert isinstance(answer, Response)
    assert receiver.heads[0].startswith("POST /hooks/rally ")
