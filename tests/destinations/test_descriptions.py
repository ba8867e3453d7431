"""Descriptions of destinations: without path and query of their URLs, which may be secret."""

import pytest

from bridge.destinations import kind
from bridge.destinations.descriptions import describe
from bridge.domain.destinations import Callback, Destination, NamedDestination, SlackChannel, SlackWebhook
from bridge.domain.secret import Secret

SLACK = SlackWebhook(url=Secret("https://hooks.slack.com/services/T0/B0/abcdefSECRET"))
CALLBACK = Callback(url=Secret("https://user@crm.example.com:8443/hooks/SECRET?token=SECRET"))


@pytest.mark.parametrize(
    ("destination", "shown", "named"),
    [
        (
            SlackWebhook(url=Secret("https://hooks.slack.com/services/T/B/SECRET")),
            "https://hooks.slack.com/services/…",
            "slack_webhook",
        ),
        (
            SlackWebhook(url=Secret("https://hooks.slack-gov.com/services/T/B/X")),
            "https://hooks.slack-gov.com/services/…",
            "slack_webhook",
        ),
        (SlackWebhook(url=Secret("http://127.0.0.1:9/services/T/B/X")), "http://127.0.0.1:9/…", "slack_webhook"),
        (
            Callback(url=Secret("https://crm.example.com:8443/hook?token=SECRET")),
            "https://crm.example.com:8443/…",
            "callback",
        ),
        (Callback(url=Secret("https://crm.example.com/hook")), "https://crm.example.com/…", "callback"),
        (Callback(url=Secret("http://[2606:4700::1]:80/x")), "http://[2606:4700::1]/…", "callback"),
        (Callback(url=Secret("http://broken:port/")), "…", "callback"),
        (SlackChannel(channel="C0123"), "#C0123", "slack"),
        (NamedDestination(name="ops"), "ops", "named"),
    ],
)
def test_a_destination_is_shown_without_its_secret(destination: Destination, shown: str, named: str) -> None:
    assert describe(destination) == shown
    assert kind(destination) == named
