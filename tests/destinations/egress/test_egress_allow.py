"""EGRESS_ALLOW: what the operator allows, and the problems of its entries."""

import pytest

from bridge.destinations.egress.rules import EgressRules, check_url


def test_an_allowed_host_may_end_with_the_dot_of_the_root() -> None:
    assert EgressRules.parse(("crm.example.com.",)).hosts == (("crm.example.com", None),)


@pytest.mark.parametrize("port", [1, 65_535])
def test_the_lowest_and_the_highest_port_are_valid(port: int) -> None:
    rules = EgressRules.parse((f"crm.example.com:{port}",))

    assert rules.hosts == (("crm.example.com", port),)
    assert check_url(f"https://crm.example.com:{port}/", rules, slack=False) is None


def test_every_invalid_entry_is_named_in_one_error() -> None:
    with pytest.raises(ValueError, match=r"^entry 1 is not a .*; entry 2 is not a [^;]*$"):
        EgressRules.parse(("a b", "c d"))


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
def test_urls_that_an_entry_allows_are_permitted(url: str, slack: bool) -> None:  # noqa: FBT001 - a table
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
def test_other_urls_are_refused(url: str) -> None:
    assert check_url(url, RULES, slack=False) is not None


def test_a_suffix_allows_neither_itself_nor_a_similar_name() -> None:
    rules = EgressRules.parse(("*.svc.local:81",))

    assert check_url("http://a.svc.local:81/", rules, slack=False) is None
    assert check_url("http://svc.local:81/", rules, slack=False) is not None
    assert check_url("http://evilsvc.local:81/", rules, slack=False) is not None
    assert check_url("http://a.svc.local:82/", rules, slack=False) is not None


def test_every_invalid_entry_is_named_by_its_number() -> None:
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

    for number, _ in enumerate(bad, start=2):
        assert f"entry {number} is not a" in str(raised.value)
    assert str(raised.value).count(" is not a ") == len(bad)
