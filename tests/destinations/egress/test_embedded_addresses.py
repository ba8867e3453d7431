"""Addresses that embed an IPv4 address: refused, unless the prefix is NAT64's and the embedded address is allowed."""

from ipaddress import ip_address

import pytest

from bridge.destinations.egress.client import Egress, EgressRules, check_url
from bridge.destinations.egress.name_resolution import GuardedBackend
from bridge.domain.delivery.destination_requests import Failure
from tests.support.receivers import NOTHING_ALLOWED, failure_of, resolving, to


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
async def test_an_address_and_its_nat64_form_are_judged_alike() -> None:
    guard = GuardedBackend(NOTHING_ALLOWED, resolving(["34.206.1.1", "64:ff9b::22ce:101"]))

    checked = await guard.resolve("hooks.slack.com", 443, None)

    assert [str(address) for address in checked] == ["34.206.1.1", "64:ff9b::22ce:101"]


@pytest.mark.anyio
async def test_a_name_with_thousands_of_addresses_is_refused_before_each_is_judged() -> None:
    many = [f"1.1.{number >> 8}.{number & 255}" for number in range(4_000)]
    async with Egress(NOTHING_ALLOWED, slots=1, resolve=resolving(many)) as egress:
        answer = await egress.send(to("http://many.example/SECRET"))

    assert failure_of(answer) is Failure.DNS


@pytest.mark.parametrize("allowed", ["64:ff9b::/96", "::/0", "64:ff9b::a9fe:a9fe", "::ffff:0:0/96"])
@pytest.mark.parametrize("address", ["64:ff9b::169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::10.0.0.1"])
def test_allowing_an_ipv6_network_allows_no_embedded_ipv4_address(allowed: str, address: str) -> None:
    rules = EgressRules.parse((allowed,))

    assert rules.check_address(ip_address(address), 443) is not None
    assert check_url(f"https://[{address}]/", rules, slack=False) is not None


def test_allowing_an_ipv4_network_allows_it_with_nat64s_prefix() -> None:
    rules = EgressRules.parse(("10.1.0.0/16",))

    assert check_url("https://[64:ff9b::10.1.0.1]:8443/", rules, slack=False) is None
    assert check_url("https://[64:ff9b::10.2.0.1]:8443/", rules, slack=False) is not None
