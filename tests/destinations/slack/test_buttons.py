"""Buttons of messages: what screen readers read contains what is shown, within Slack's limits."""

from typing import Any

import pytest
from slack_sdk.models.blocks import ButtonElement

from bridge.destinations.slack.buttons import failed_records_button, send_again_button, stop_button

WATCH = "wat_" + "1" * 40


PLACES = ("crm.example.com", "x" * 300, "\u05d0\U0001f600" * 150, "<&>" * 100)


@pytest.mark.parametrize(
    "button",
    [
        stop_button(WATCH),
        failed_records_button(WATCH),
        *(send_again_button(WATCH, place) for place in PLACES),
    ],
)
def test_a_button_has_a_label_that_contains_its_text(button: dict[str, Any]) -> None:
    element = ButtonElement(**button)
    element.validate_json()
    assert element.to_dict() == button
    assert element.text is not None
    assert element.text.text.lower() in str(button["accessibility_label"]).lower()
    assert len(str(button["accessibility_label"])) <= 75
    assert button["value"] == WATCH
