"""Untrusted text in Slack messages: it neither mentions, nor links, nor formats."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.imports import (
    FailedRecord,
    Reading,
)
from bridge.domain.outcomes import Outcome
from bridge.domain.times import DAY
from tests.support.slack_messages import NOTIFICATION, assert_harmless, message, with_failures

ATTACKS = (
    "<!channel> <!here> <!everyone> <@U123> <#C123> <!subteam^S1>",
    "<https://evil.example|your bank>",
    "https://evil.example and www.evil.example",
    "*bold* _italic_ ~struck~ `code` ```block```",
    "> quoted\n> lines",
    ":tada: @channel #general",
    "&lt;!channel&gt; &amp;",
    "x" * 300,
    "&" * 300,
    "مرحبا <!channel> بالعالم",
    "\u202eevil\u202c",
    "👩‍👩‍👧‍👦" * 60,
    "|}^{",
)


@pytest.mark.parametrize("attack", ATTACKS)
def test_untrusted_text_neither_mentions_nor_links_nor_formats(attack: str) -> None:
    record = FailedRecord(person_id=attack, email=attack)
    notification = replace(with_failures(1, record), label=attack, reason=attack, import_id=attack, workspace=attack)

    for show_emails in (False, True):
        assert_harmless(message(notification, show_emails=show_emails))


@given(
    text=st.text(st.characters(exclude_categories=[]), max_size=40),
    times=st.sampled_from([1, 30, 400]),
    outcome=st.sampled_from(Outcome),
    people=st.integers(-(10**20), 10**20),
    took=st.integers(0, 400 * DAY),
)
def test_any_text_makes_a_harmless_message(text: str, times: int, outcome: Outcome, people: int, took: int) -> None:
    long = text * times
    reading = Reading(
        import_id=long,
        type=long,
        status=long,
        person_count=people,
        failed_records=(FailedRecord(person_id=long, email=long),) * 5,
        failed_record_count=5,
        updated_at=long,
    )

    assert_harmless(
        message(
            replace(
                NOTIFICATION,
                outcome=outcome,
                label=long,
                reason=long,
                import_id=long,
                workspace=long,
                reading=reading,
                watched_for=took,
            )
        )
    )
