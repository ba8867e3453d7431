"""Links to imports in Slack messages: our own words, and an address that no id can change."""

from dataclasses import replace

import pytest

from bridge.domain.import_links import link_to
from tests.destinations.slack.test_untrusted_text import ATTACKS
from tests.support.slack_messages import NOTIFICATION, assert_harmless, message

TEMPLATE = "https://app.example.com/imports/{importId}"


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_id_leaves_its_place_in_the_link(attack: str) -> None:
    payload = message(replace(NOTIFICATION, import_id=attack, link=link_to(TEMPLATE, attack)))
    links = [each for each in payload["blocks"][-1]["elements"] if "https://app." in each["text"]]
    payload["blocks"][-1]["elements"] = [each for each in payload["blocks"][-1]["elements"] if each not in links]

    assert_harmless(payload)
    for each in links:
        address, _, words = each["text"].strip("<>").partition("|")
        assert words == "Open the import in Rally"
        assert set(address.removeprefix("https://app.example.com/imports/")).isdisjoint(" <>|/?#&`*")


def test_a_link_that_is_too_long_for_slack_is_left_out() -> None:
    payload = message(replace(NOTIFICATION, link=link_to(TEMPLATE, "👍" * 200)))

    assert "Open the import" not in str(payload)
    assert_harmless(payload)
