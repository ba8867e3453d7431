"""Which destinations share a lane."""

import pytest

from bridge.destinations.lanes import lane_of
from bridge.domain.destinations import Callback, SlackWebhook
from bridge.domain.secret import Secret


@pytest.mark.parametrize(
    "spellings",
    [
        ("https://crm.example.com/a", "https://CRM.Example.com:443/b?x=1", "https://crm.example.com./"),
        ("http://bücher.example/", "http://xn--bcher-kva.example:080/"),
        ("http://127.0.0.1:9000/", "http://127.0.0.1:9000/x"),
        ("http://[::1]:9000/", "http://[::1]:09000/"),
    ],
)
def test_one_receiver_has_one_lane_however_it_is_spelt(spellings: tuple[str, ...]) -> None:
    assert len({lane_of(Callback(url=Secret(url))) for url in spellings}) == 1


def test_one_slack_webhook_has_one_lane_and_another_one_another() -> None:
    def lanes(*urls: str) -> int:
        return len({lane_of(SlackWebhook(url=Secret(url))) for url in urls})

    url = "https://hooks.slack.com/services/T0/B0/x"
    assert lanes(url, "https://HOOKS.slack.com:443/services/T0/B0/x", f"{url}?again") == 1
    assert lanes(url, f"{url}y", "https://hooks.slack.com/services/T0/B0/X") == 3


def test_other_receivers_have_other_lanes() -> None:
    urls = ("https://a.example/", "http://a.example/", "https://a.example:80/", "https://b.example/", "no url", "#")
    assert len({lane_of(Callback(url=Secret(url))) for url in urls}) == len(urls)


def test_an_invalid_url_has_a_lane_as_well() -> None:
    assert lane_of(SlackWebhook(url=Secret("no url"))) == ("slack", "no url")
    assert lane_of(Callback(url=Secret("no url"))) == ("callback", "no url")


def test_callbacks_to_one_origin_share_a_lane() -> None:
    assert lane_of(Callback(url=Secret("HTTPS://CRM.example.com:8443/a?b"))) == (
        "callback",
        "https://crm.example.com:8443",
    )
