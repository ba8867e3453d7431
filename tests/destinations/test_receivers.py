"""Which destinations send to the same receiver."""

import pytest

from bridge.destinations.receivers import canonical_url, identity_of, receiver_of
from bridge.domain.destinations import Callback, NamedDestination, SlackChannel, SlackWebhook
from bridge.domain.secret import Secret


@pytest.mark.parametrize(
    "spelling",
    [
        "https://crm.example.com/hooks/rally~1?a=b%2Fc",
        "HTTPS://CRM.example.com/hooks/rally~1?a=b%2Fc",
        "https://crm.example.com:443/hooks/rally~1?a=b%2Fc",
        "https://crm.example.com./hooks/rally~1?a=b%2fc",
        "https://crm.example.com/hooks/./rally%7E1?a=b%2Fc",
        "https://crm.example.com/%68ooks/x/../rally~1?%61=b%2Fc",
    ],
)
def test_a_url_has_one_canonical_spelling(spelling: str) -> None:
    assert canonical_url(spelling) == "https://crm.example.com:443/hooks/rally~1?a=b%2Fc"


@pytest.mark.parametrize(
    ("one", "same"),
    [
        ("https://crm.example.com", "https://crm.example.com/?"),
        ("https://bücher.example/x", "https://xn--bcher-kva.example/x"),
        ("http://[::0:1]/", "http://[::1]/"),
        ("http://2130706433/", "http://127.0.0.1/"),
    ],
)
def test_other_spellings_of_one_url_are_equal(one: str, same: str) -> None:
    assert canonical_url(one) == canonical_url(same)


@pytest.mark.parametrize(
    "other", ["http://crm.example.com/a", "https://crm.example.com/A", "https://crm.example.com/a?b", "not a url"]
)
def test_different_urls_stay_different(other: str) -> None:
    assert canonical_url(other) != canonical_url("https://crm.example.com/a")


def test_the_receiver_does_not_depend_on_headers_secrets_and_outcomes() -> None:
    url = Secret("https://crm.example.com/a")
    with_header = Callback(url=url, secret=Secret("whsec_x"), headers={"X-A": Secret("b")}, on=frozenset())

    assert receiver_of(Callback(url=url)) == receiver_of(with_header) == receiver_of(SlackWebhook(url=url))
    assert receiver_of(SlackChannel(channel="C0123ABCD")) != receiver_of(SlackChannel(channel="C0123ABCE"))


@pytest.mark.parametrize("path", ["/", "/services/T000/B000/xX-_~9", "//a//b/"])
def test_a_plain_path_is_the_same_with_and_without_parsing(path: str) -> None:
    assert canonical_url(f"https://crm.example.com{path}") == canonical_url(f"https://crm.example.com{path}?")


def test_a_name_does_not_reveal_what_it_stands_for() -> None:
    assert identity_of(NamedDestination(name="ops")) == "named ops"
    assert identity_of(SlackChannel(channel="C0123ABCD")) == "C0123ABCD"
