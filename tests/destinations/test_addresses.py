"""Hosts that are addresses, in all notations."""

import pytest

from bridge.destinations.addresses import parse_address


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
def test_a_host_that_only_looks_like_an_address_is_refused_in_these_words(host: str, problem: str) -> None:
    with pytest.raises(ValueError, match="^" + problem + "$"):
        parse_address(host)


def test_the_highest_of_each_part_is_an_address() -> None:
    assert [str(parse_address(host)) for host in ("255.255.255.255", "255.16777215", "4294967295")] == [
        "255.255.255.255"
    ] * 3
