"""Nudges as Slack messages: what people read, within Slack's limits."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block

from bridge.destinations.slack.nudge import render
from bridge.domain.imports import Reading
from bridge.domain.nudges import Nudge, NudgeKind
from bridge.domain.times import MINUTE
from tests.support.samples import NOW
from tests.support.slack_messages import assert_harmless, texts

NUDGE = Nudge(
    kind=NudgeKind.STILL_RUNNING,
    at=NOW,
    client="crm",
    workspace="default",
    import_id="imp",
    label="Q4 panel",
    reading=Reading(import_id="imp", type="CSV", status="UPLOADING", person_count=1_240),
    watched_for=31 * MINUTE,
    usual=8 * MINUTE,
)


def payload(nudge: Nudge) -> dict[str, Any]:
    written: dict[str, Any] = json.loads(render(nudge))
    return written


def test_a_nudge_says_what_runs_since_when_and_how_long_that_usually_takes() -> None:
    message = payload(NUDGE)

    assert message["text"] == (
        "⏳ Import still running: Q4 panel - 1,240 people imported so far, watched for about 31 min, "
        "usually about 8 min (imp)"
    )
    assert [text["text"] for text in texts(message)][:-1] == [
        "⏳ Import still running",
        "Q4 panel",
        "1,240 people imported so far · watched for about 31 min, usually about 8 min",
        "CSV import `imp`",
        "Asked for by crm",
    ]
    assert list(texts(message))[-1]["text"].startswith("As of <!date^")


def test_an_import_without_progress_says_for_how_long() -> None:
    stalled = replace(NUDGE, kind=NudgeKind.NO_PROGRESS, unchanged_for=16 * MINUTE, usual=None, label=None)

    assert payload(stalled)["text"] == (
        "⏸️ Import without progress: imp - 1,240 people imported so far, no new people for about 16 min, "
        "watched for about 31 min"
    )


HOSTILE = st.text(max_size=300) | st.text(alphabet="<!@#>&*_~`:/.😀\u202eא\n", max_size=300) | st.just("😀" * 200)


@given(
    st.builds(
        Nudge,
        kind=st.sampled_from(NudgeKind),
        at=st.integers(0, NOW),
        client=HOSTILE,
        workspace=st.just("default") | HOSTILE,
        import_id=HOSTILE,
        label=st.none() | HOSTILE,
        reading=st.builds(
            Reading,
            import_id=HOSTILE,
            type=st.none(),
            status=st.just("UPLOADING"),
            person_count=st.none() | st.integers(0, 10**15),
            failed_record_count=st.integers(0, 10_000),
        ),
        watched_for=st.integers(0, 10**12),
        unchanged_for=st.none() | st.integers(0, 10**12),
        usual=st.none() | st.integers(1, 10**12),
    )
)
def test_no_text_in_a_nudge_acts_and_slacks_limits_hold(nudge: Nudge) -> None:
    message = payload(nudge)
    message["blocks"][-1]["elements"][-1]["text"] = ""
    dated = message["blocks"][-1]["elements"].pop()
    assert dated["type"] == "mrkdwn"
    assert_harmless(message)


@pytest.mark.parametrize("label", ["L" * 300, "א" * 300, "😀" * 300, None])
def test_slacks_own_models_accept_it(label: str | None) -> None:
    message = payload(replace(NUDGE, label=label, link="https://app.example.com/imports/imp"))

    parsed = Block.parse_all(message["blocks"])
    assert [each.to_dict()["type"] for each in parsed] == ["header", "section", "section", "context"]
    assert "Open the import in Rally" in str(message)
