"""Addresses: which are refused and with which codes, and hosts that are addresses in all notations."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.destinations.egress.addresses import parse_address, refusal_code, unwrap_nat64


@pytest.mark.parametrize(
    ("host", "problem"),
    [
        ("1.2.3.4.5", "neither a host name nor an address"),
        ("a.b.c.d.5", "neither a host name nor an address"),
        ("a.5", "neither a host name nor an address"),
        ("256.0.0.1", "neither a host name nor an address"),
        ("1.2.3.256", "neither a host name nor an address"),
        ("fe80::1%eth0", "an address with a zone"),
        ("1::2::3", "neither a host name nor an address"),
    ],
)
def test_an_invalid_address_has_its_error(host: str, problem: str) -> None:
    with pytest.raises(ValueError, match="^" + problem + "$"):
        parse_address(host)


def test_the_highest_value_of_each_part_is_valid() -> None:
    assert [str(parse_address(host)) for host in ("255.255.255.255", "255.16777215", "4294967295")] == [
        "255.255.255.255"
    ] * 3


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
def test_public_addresses_are_permitted(address: str) -> None:
    assert refusal_code(ip_address(address)) is None


@given(st.ip_addresses())
def test_addresses_that_python_knows_to_be_special_are_refused(address: object) -> None:
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
def test_addresses_are_parsed_in_every_form_of_the_system(host: str, address: str) -> None:
    assert parse_address(host) == ip_address(address)


@pytest.mark.parametrize("host", ["1.2.3.4.5", "256.0.0.1", "1.2.3.256", "4294967296", "09", "a.1", "::g", "fe80::1%1"])
def test_an_invalid_address_is_an_error(host: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_address(host)


@pytest.mark.parametrize("host", ["example.com", "1.example", "a", "0x7f.example", "127.0.0.1.nip.io"])
def test_a_name_is_not_parsed_as_an_address(host: str) -> None:
    assert parse_address(host) is None
