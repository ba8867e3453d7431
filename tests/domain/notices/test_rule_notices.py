"""Notices about rules: their texts."""

import json

import pytest

from bridge.destinations.slack.message import render_notice
from bridge.domain.notices.rule_notices import callbacks_flooded, imports_missed
from tests.support.samples import NOW
from tests.support.slack_messages import texts


@pytest.mark.parametrize(
    ("total", "problems", "text"),
    [
        (1, 0, "1 import ended while no push came: imp0."),
        (3, 1, "3 imports ended while no push came, 1 with failures by the push: imp0, imp1, imp2."),
        (
            1_023,
            4,
            (
                "1,023 imports ended while no push came, 4 with failures by the push: "
                "imp0, imp1, imp2, imp3, imp4, imp5, imp6, imp7, imp8, imp9 and 1,013 more."
            ),
        ),
    ],
)
def test_a_summary_counts_the_imports_and_names_the_first_ten(total: int, problems: int, text: str) -> None:
    notice = imports_missed("ops", [f"imp{number}" for number in range(min(total, 20))], total, problems, NOW)

    assert notice.text == text
    assert notice.payload()["data"] == {
        "client": "rule:ops",
        "text": text,
        "rule": "ops",
        "imports": str(total),
        "problems": str(problems),
    }


def test_slack_shows_the_whole_summary_even_of_the_longest_ids() -> None:
    payload = json.loads(render_notice(imports_missed("r" * 64, ["x" * 200] * 10, 10_000, 9_000, NOW)))

    assert any(text["text"].endswith(" and 9,990 more.") for text in texts(payload))


def test_the_operator_is_told_what_a_flood_of_callbacks_may_mean() -> None:
    notice = callbacks_flooded("ops", "https://crm.example.com/…", NOW)

    assert notice.text == (
        "Rules sent more than 60 callbacks to https://crm.example.com/… within an hour, the last one for the rule "
        "“ops”. If the receiver starts an import for each of them, this is a loop."
    )
    assert (notice.type, notice.client) == ("rule.callbacks_flooded", "operator")
