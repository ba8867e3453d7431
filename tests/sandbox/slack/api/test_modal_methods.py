"""The simulated Slack's modals: opened once by a recent trigger, and checked."""

from typing import Any

import pytest

from tests.support.samples import only
from tests.support.sandbox_slack import BUTTON, BUTTONS, INPUT, SECTION, VIEW, SimulatedSlack, plain


def test_a_trigger_opens_one_modal_within_three_seconds(slack: SimulatedSlack) -> None:
    first, second = slack.trigger(), slack.trigger()

    assert "view" in slack.call("views.open", trigger_id=first, view=VIEW)
    assert slack.call("views.open", trigger_id=first, view=VIEW)["error"] == "exchanged_trigger_id"
    slack.clock.now += 3.1
    assert slack.call("views.open", trigger_id=second, view=VIEW)["error"] == "expired_trigger_id"
    unknown = slack.call("views.open", trigger_id="1.2.3", view=VIEW)
    assert (unknown["error"], "trigger_id" in only(unknown["messages"])) == ("invalid_arguments", True)


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "home"},
        {"title": plain("x" * 25)},
        {"title": {"type": "mrkdwn", "text": "x"}},
        {"submit": plain("x" * 25)},
        {"close": plain("")},
        {"callback_id": "x" * 256},
        {"private_metadata": "x" * 3001},
        {"colour": "red"},
        {"blocks": "none"},
        {"blocks": [SECTION] * 101},
        {"blocks": [INPUT, INPUT]},
        {"blocks": [{**INPUT, "label": plain("x" * 2001)}]},
        {"blocks": [{**INPUT, "hint": plain("")}]},
        {"blocks": [{**INPUT, "element": {"type": "pigeon"}}]},
        {"blocks": [{**INPUT, "element": {"type": "plain_text_input", "max_length": 3001}}]},
        {"blocks": [{**INPUT, "element": {"type": "plain_text_input", "initial_value": "12345", "max_length": 4}}]},
        {"blocks": [{**INPUT, "element": {"type": "radio_buttons", "options": []}}]},
        {"blocks": [{**INPUT, "element": {"type": "radio_buttons", "options": [{"text": plain("x")}]}}]},
        {
            "blocks": [
                {
                    **INPUT,
                    "element": {
                        "type": "radio_buttons",
                        "options": [{"text": plain("x"), "value": "x"}],
                        "initial_option": {"text": plain("y"), "value": "y"},
                    },
                }
            ]
        },
        {"blocks": [{**BUTTONS, "elements": [BUTTON] * 2}]},
        {"blocks": [{**BUTTONS, "elements": [{**BUTTON, "text": plain("x" * 76)}]}]},
        {"blocks": [{**BUTTONS, "elements": [{**BUTTON, "value": "x" * 2001}]}]},
        {"blocks": [{**BUTTONS, "elements": [{**BUTTON, "style": "pink"}]}]},
        {"blocks": [{**BUTTONS, "elements": []}]},
    ],
    ids=lambda changes: str(changes)[:50],
)
def test_a_view_that_slack_would_refuse_is_refused(slack: SimulatedSlack, changes: dict[str, Any]) -> None:
    answer = slack.call("views.open", trigger_id=slack.trigger(), view=VIEW | changes)

    assert answer["error"] == "invalid_arguments"
    assert answer["messages"]
    assert slack.workspace.modals.all() == []


def test_an_input_needs_a_button_that_submits_it(slack: SimulatedSlack) -> None:
    without = {name: value for name, value in VIEW.items() if name != "submit"}
    answer = slack.call("views.open", trigger_id=slack.trigger(), view=without)

    assert "submit is required" in only(answer["messages"])


def test_a_view_has_at_most_250_kilobytes(slack: SimulatedSlack) -> None:
    large = {**SECTION, "fields": [{"type": "mrkdwn", "text": "x" * 2000}] * 10}
    answer = slack.call("views.open", trigger_id=slack.trigger(), view=VIEW | {"blocks": [large] * 13})

    assert answer["error"] == "view_too_large"


def test_an_open_modal_is_changed_by_its_id_until_it_is_closed(slack: SimulatedSlack) -> None:
    opened = slack.call("views.open", trigger_id=slack.trigger(), view=VIEW)["view"]
    filled = {"type": "modal", "title": plain("Filled"), "blocks": [SECTION]}

    stale = slack.call("views.update", view_id=opened["id"], hash="another", view=filled)
    assert stale["error"] == "hash_conflict"
    updated = slack.call("views.update", view_id=opened["id"], hash=opened["hash"], view=filled)["view"]
    assert updated["hash"] != opened["hash"]

    modal = only(slack.workspace.modals.all())
    assert modal.view["title"] == plain("Filled")
    slack.people.close(modal)
    assert slack.call("views.update", view_id=opened["id"], view=filled)["error"] == "not_found"


def test_an_id_of_the_apps_own_is_used_once(slack: SimulatedSlack) -> None:
    mine = VIEW | {"external_id": "mine"}
    slack.call("views.open", trigger_id=slack.trigger(), view=mine)

    assert "view" in slack.call("views.update", external_id="mine", view=mine)
    again = slack.call("views.open", trigger_id=slack.trigger(), view=mine)
    assert again["error"] == "duplicate_external_id"
