"""Egress rules and the words in which URLs are refused."""

import pytest

from bridge.destinations.rules import EgressRules, Forbidden, check_url


def test_an_allowed_host_may_end_with_the_dot_of_the_root() -> None:
    assert EgressRules.parse(("crm.example.com.",)).hosts == (("crm.example.com", None),)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://evil.example/services/", "a Slack webhook's URL begins with https://hooks.slack.com/services/"),
        (
            "https://hooks.slack.com/triggers/",
            "this URL starts a workflow, which takes no messages; give an incoming webhook's URL",
        ),
    ],
)
def test_what_is_no_webhook_of_slacks_is_refused_in_these_words(url: str, told: str) -> None:
    found = check_url(url, EgressRules(), slack=True)

    assert found is not None
    assert found.detail == told


@pytest.mark.parametrize(
    ("url", "code", "told"),
    [
        ("ftp://crm.example.com/", "scheme", "only http:// and https:// URLs are allowed"),
        ("https://crm.example.com/a b", "url", "backslashes and spaces are not allowed in a URL"),
        ("https://crm.example.com/a\\b", "url", "backslashes and spaces are not allowed in a URL"),
        ("https://me@crm.example.com/", "userinfo", "a user name or password in a URL is not allowed"),
        ("https://crm.example.com/#a", "fragment", "a fragment (#…) is never sent; leave it out"),
        ("https://crm.example.com:0/", "port", "a port is a number from 1 to 65535"),
        ("https://localhost/", "loopback", "localhost is not allowed"),
        ("https://169.254.1.1/", "link_local", "an address of this kind is not allowed: link local"),
    ],
)
def test_what_is_wrong_with_a_url_is_said_in_these_words(url: str, code: str, told: str) -> None:
    assert check_url(url, EgressRules(), slack=False) == Forbidden(code, told)


@pytest.mark.parametrize("port", [1, 65_535])
def test_the_lowest_and_the_highest_port_are_ports(port: int) -> None:
    rules = EgressRules.parse((f"crm.example.com:{port}",))

    assert rules.hosts == (("crm.example.com", port),)
    assert check_url(f"https://crm.example.com:{port}/", rules, slack=False) is None


def test_every_entry_that_is_wrong_is_named() -> None:
    with pytest.raises(ValueError, match=r"^'a b' is not a .*; 'c d' is not a [^;]*$"):
        EgressRules.parse(("a b", "c d"))
