"""Slack messages: what people read."""

import json
from dataclasses import replace
from typing import Any

import pytest

from bridge.destinations.slack import message as slack_message
from bridge.destinations.slack.escaping import neutralized_with_times
from bridge.destinations.slack.message import render_notice
from bridge.destinations.slack.wording import local_time
from bridge.domain.conclusions import Conclusion
from bridge.domain.imports import (
    FailedRecord,
    Reading,
)
from bridge.domain.notices.notice_texts import test_message as notice_of_a_test
from bridge.domain.notices.notices import Notice
from bridge.domain.notifications import TYPES, build_notification
from bridge.domain.outcomes import Outcome
from bridge.domain.past_ends import Comparison
from bridge.domain.times import SECOND
from tests.support import samples
from tests.support.slack_messages import (
    NOTIFICATION,
    OUR_DATE,
    READING,
    assert_harmless,
    assert_inert,
    message,
    texts,
    with_failures,
)


def read_aloud(payload: dict[str, Any]) -> str:
    return "\n".join(text["text"] for text in texts(payload))


def test_a_message_says_what_happened_to_which_import() -> None:
    payload = message(NOTIFICATION)

    assert payload == {
        "text": f"✅ Import completed: Q4 panel upload - 120 people imported ({NOTIFICATION.import_id})",
        "mrkdwn": False,
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": "✅ Import completed", "emoji": True}},
            {"type": "section", "text": {"type": "plain_text", "text": "Q4 panel upload", "emoji": False}},
            {
                "type": "section",
                "text": {"type": "mrkdwn", "text": "*120 people* imported · took about 4 min", "verbatim": True},
            },
            {
                "type": "context",
                "elements": [
                    {"type": "mrkdwn", "text": "CSV import `cm1uwhduy001vle4gr4soyqkq`", "verbatim": True},
                    {"type": "plain_text", "text": "Asked for by crm", "emoji": False},
                    {
                        "type": "mrkdwn",
                        "text": "<!date^1764000000^{date_short_pretty} {time}|2025-11-24 16:00 UTC>",
                        "verbatim": True,
                    },
                ],
            },
        ],
        "unfurl_links": False,
        "unfurl_media": False,
    }


@pytest.mark.parametrize(
    ("client", "asker"),
    [
        ("slack:U0123ABCD", {"type": "mrkdwn", "text": "Asked for by <@U0123ABCD>", "verbatim": True}),
        ("slack:<!here>", {"type": "plain_text", "text": "Asked for by slack:&lt;!here&gt;", "emoji": False}),
        ("rule:ops", {"type": "plain_text", "text": "Rule ops", "emoji": False}),
    ],
)
def test_a_message_says_who_asked_for_it(client: str, asker: dict[str, Any]) -> None:
    assert message(replace(NOTIFICATION, client=client))["blocks"][-1]["elements"][1] == asker


def test_an_unknown_number_of_people_is_left_out() -> None:
    payload = message(replace(NOTIFICATION, reading=replace(READING, person_count=None, type=None)))

    assert payload["text"] == f"✅ Import completed: Q4 panel upload ({NOTIFICATION.import_id})"
    assert payload["blocks"][2]["text"]["text"] == "Took about 4 min"
    assert payload["blocks"][3]["elements"][0]["text"] == "Import `cm1uwhduy001vle4gr4soyqkq`"


@pytest.mark.parametrize(
    ("failed", "headline", "sentence"),
    [
        (0, "⚠️ Import completed with 0 people", "Rally reports success, but nobody was imported."),
        (1, "⚠️ Import completed with 1 failure", "Nobody was imported: the only record failed."),
        (1_200, "⚠️ Import completed with 1,200 failures", "Nobody was imported: all 1,200 records failed."),
    ],
)
def test_a_success_without_people_is_a_warning_with_its_own_sentence(failed: int, headline: str, sentence: str) -> None:
    notification = with_failures(failed)

    payload = message(replace(notification, reading=replace(READING, person_count=0, failed_record_count=failed)))

    assert payload["blocks"][0]["text"]["text"] == headline
    assert sentence in read_aloud(payload).splitlines()
    assert_harmless(payload)


@pytest.mark.parametrize(
    ("outcome", "headline"),
    [
        (Outcome.COMPLETED, "✅ Import completed"),
        (Outcome.COMPLETED_WITH_FAILURES, "⚠️ Import completed with 3 failures"),
        (Outcome.FAILED, "❌ Import failed"),
        (Outcome.NOT_FOUND, "❓ Import not found"),
        (Outcome.FORBIDDEN, "🔒 Import not visible to us"),
        (Outcome.TIMED_OUT, "⌛ Import not finished in time"),
    ],
)
@pytest.mark.parametrize("reading", [None, replace(READING, failed_record_count=3)])
def test_each_outcome_has_its_headline(outcome: Outcome, headline: str, reading: Reading | None) -> None:
    notification = replace(NOTIFICATION, outcome=outcome, type=TYPES[outcome], reading=reading, reason="why it ended")

    payload = message(notification)

    if reading is None and outcome is Outcome.COMPLETED_WITH_FAILURES:
        headline = "⚠️ Import completed with 0 failures"  # never happens, and must not fail
    assert payload["blocks"][0]["text"]["text"] == headline
    assert payload["text"].startswith(f"{headline}: Q4 panel upload")
    assert "Why it ended." in read_aloud(payload)
    assert ("took about" in read_aloud(payload).lower()) is (
        outcome.value in {"completed", "completed_with_failures", "failed"}
    )


def test_failures_are_counted_and_the_first_three_shown_masked() -> None:
    records = (
        FailedRecord(email="jane.doe@example.com"),
        FailedRecord(person_id="per_2", email="kim@example.org"),
        FailedRecord(person_id="per_3"),
        FailedRecord(email="last@example.net"),
    )

    payload = message(with_failures(5_000, *records))

    failures = "⚠️ Import completed with 5,000 failures: Q4 panel upload - 120 people imported"
    assert payload["text"] == f"{failures} ({NOTIFICATION.import_id})"
    assert "*120 people* imported · *5,000 records* failed · took about 4 min" in read_aloud(payload)
    assert "Not imported:\n• j…@example.com\n• k…@example.org · per_2\n• per_3\n… and 4,997 more" in read_aloud(payload)
    assert "jane" not in json.dumps(payload)


def test_emails_are_shown_if_the_operator_wants_them() -> None:
    notification = with_failures(1, FailedRecord(email="jane.doe@example.com"))

    assert "• jane.doe@example.com" in read_aloud(message(notification, show_emails=True))
    assert message(notification)["text"].startswith("⚠️ Import completed with 1 failure:")


def test_a_person_id_that_is_an_email_is_masked_as_well() -> None:
    payload = message(with_failures(1, FailedRecord(person_id="jane@example.com")))

    assert "• j…@example.com" in read_aloud(payload)
    assert "jane" not in json.dumps(payload)


def test_without_failed_records_there_is_no_block_for_them() -> None:
    assert len(message(with_failures(0))["blocks"]) == 4
    assert len(message(with_failures(3))["blocks"]) == 4, "a number without records has nothing to list"
    assert "• ?" in read_aloud(message(with_failures(1, FailedRecord())))


def test_the_message_says_what_to_do_next() -> None:
    texts_by_outcome = {outcome: read_aloud(message(replace(NOTIFICATION, outcome=outcome))) for outcome in Outcome}

    assert "look at the import in Rally" in texts_by_outcome[Outcome.FAILED]
    assert "Check the import's id" in texts_by_outcome[Outcome.NOT_FOUND]
    assert "what the workspace's API key may see" in texts_by_outcome[Outcome.FORBIDDEN]
    assert "have it watched again" in texts_by_outcome[Outcome.TIMED_OUT]
    assert len(message(replace(NOTIFICATION, outcome=Outcome.COMPLETED))["blocks"]) == 4


def test_an_unfinished_import_is_described_as_so_far() -> None:
    payload = message(replace(NOTIFICATION, outcome=Outcome.TIMED_OUT, reading=replace(READING, status="UPLOADING")))

    assert payload["text"].endswith(f"Q4 panel upload - 120 people imported so far ({NOTIFICATION.import_id})")
    assert "*120 people* imported so far · watched for about 4 min" in read_aloud(payload)


def test_the_times_in_a_reason_are_in_the_readers_time_zone() -> None:
    reason = "not finished by 2026-11-24T16:00:00.000Z: Rally refused our *key* since 2026-11-24T15:00:00Z"

    said = read_aloud(message(replace(NOTIFICATION, outcome=Outcome.TIMED_OUT, reason=reason)))

    assert "Not finished by <!date^1795536000^{date_short_pretty} {time}|2026-11-24 16:00 UTC>: Rally" in said.replace(
        "\u2060", ""
    )
    assert "since <!date^1795532400^" in said
    assert "000Z" not in said


@pytest.mark.parametrize(
    "text", ["2026-13-24T16:00:00Z", "2026-11-24T16:00:00", "12026-11-24T16:00:00Z", "\ufdd0", "20२६-11-24T16:00:00Z"]
)
def test_a_text_similar_to_a_time_is_neutralized(text: str) -> None:
    assert_inert(OUR_DATE.sub("", neutralized_with_times(f"a {text} b", 100)))
    assert "\ufdd0" not in neutralized_with_times(f"{text} 2026-11-24T16:00:00Z", 100)


@pytest.mark.parametrize(
    ("updated_at", "duration"),
    [
        (None, "took about 4 min"),
        ("soon", "took about 4 min"),
        ("0001-01-01T00:00:00Z", "took about 4 min"),
        ("2025-11-24T15:58:00Z", "took about 4 min"),
        ("2025-11-24T15:55:30Z", "took about 4 min"),  # half a minute before: the clocks may differ
        (
            "2025-11-24T16:30:00.123+02:00",
            "ended before it was watched, <!date^1763994600^{date_short_pretty} {time}|2025-11-24 14:30 UTC>",
        ),
    ],
)
def test_an_import_that_ended_before_it_was_watched_has_no_duration(updated_at: str | None, duration: str) -> None:
    notification = replace(NOTIFICATION, reading=replace(READING, updated_at=updated_at))

    assert f"*120 people* imported · {duration}\n" in read_aloud(message(notification))


def test_a_long_label_leaves_room_for_the_numbers_on_a_phone() -> None:
    payload = message(replace(NOTIFICATION, label="x" * 300))

    assert payload["blocks"][1]["text"]["text"] == "x" * 300
    assert payload["text"].endswith(f"x… - 120 people imported ({NOTIFICATION.import_id})")
    assert len(payload["text"]) < 240


@pytest.mark.parametrize(
    ("type_", "kind"),
    [("API", "API import"), ("CSV", "CSV import"), ("ACTIVITIES", "Import of activities"), ("<!here>", "Import")],
)
def test_the_kind_of_import_is_named_if_it_is_known(type_: str, kind: str) -> None:
    payload = message(replace(NOTIFICATION, reading=replace(READING, type=type_)))

    assert f"\n{kind} `cm1uwhduy001vle4gr4soyqkq`" in read_aloud(payload)


def test_a_notice_unfolds_no_links() -> None:
    payload = json.loads(render_notice(notice_of_a_test("crm", NOTIFICATION.at)))

    assert (payload["unfurl_links"], payload["unfurl_media"]) == (False, False)


def test_the_workspace_is_named_unless_it_is_the_default() -> None:
    assert "Workspace" not in read_aloud(message(NOTIFICATION))
    assert "Workspace emea" in read_aloud(message(replace(NOTIFICATION, workspace="emea")))


@pytest.mark.parametrize("label", [None, "", "  \n", "\u202e"])
def test_without_a_label_the_import_id_is_shown(label: str | None) -> None:
    payload = message(replace(NOTIFICATION, label=label))

    assert payload["blocks"][1]["text"]["text"] == NOTIFICATION.import_id
    assert payload["text"] == f"✅ Import completed: {NOTIFICATION.import_id} - 120 people imported"


def test_a_notice_to_slack_is_one_sentence_with_its_time() -> None:
    assert json.loads(slack_message.render_notice(Notice(type="t", at=samples.NOW, text="<b> é"))) == {
        "text": "⚙️ &lt;b&gt; é",
        "mrkdwn": False,
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": "⚙️ rally-bridge", "emoji": True}},
            {"type": "section", "text": {"type": "plain_text", "text": "&lt;b&gt; é", "emoji": False}},
            {"type": "context", "elements": [{"type": "mrkdwn", "text": local_time(samples.NOW), "verbatim": True}]},
        ],
        "unfurl_links": False,
        "unfurl_media": False,
    }


def masked_message(**changes: Any) -> dict[str, Any]:
    """Return the Slack message for a reading with these changes, with masked addresses."""
    reading = replace(samples.READING, **changes)
    notification = build_notification(
        samples.WATCH, Conclusion(Outcome.COMPLETED_WITH_FAILURES, "why"), reading, samples.NOW
    )
    payload: dict[str, Any] = json.loads(slack_message.render(notification, show_emails=False))
    return payload


def test_one_person_is_singular() -> None:
    payload = masked_message(person_count=1)

    assert "1 person imported" in payload["text"]
    assert payload["blocks"][2]["text"]["text"].startswith("*1 person* imported")


@pytest.mark.parametrize(("count", "last"), [(2, "• k…@example.com"), (3, "… and 1 more"), (1_002, "… and 1,000 more")])
def test_the_failed_records_that_are_not_shown_are_counted(count: int, last: str) -> None:
    shown_last = masked_message(failed_record_count=count)["blocks"][3]["text"]["text"].splitlines()[-1]

    assert shown_last == last


def test_a_message_consists_of_blocks_that_slack_knows() -> None:
    assert [block["type"] for block in masked_message()["blocks"]] == [
        *("header", "section", "section", "section", "section", "context")
    ]


def test_figures_begin_with_a_capital_letter() -> None:
    notification = build_notification(
        samples.WATCH, Conclusion(Outcome.TIMED_OUT, "why"), None, samples.NOW + 5 * SECOND
    )
    figures = json.loads(slack_message.render(notification, show_emails=False))["blocks"][2]["text"]["text"]

    assert figures == "Watched for about 5 s"


def test_a_message_in_plain_text_is_compact_json() -> None:
    assert slack_message.without_blocks('{"text": "é", "mrkdwn": false, "blocks": []}') == '{"text":"é","mrkdwn":false}'


def test_a_success_without_people_does_not_show_that_it_works_again() -> None:
    works = replace(NOTIFICATION, compared=Comparison(works_again=True))
    suspicious = replace(works, reading=replace(READING, person_count=0))

    assert "It works again" in str(message(works))
    assert "It works again" not in str(message(suspicious))


def test_an_import_that_perhaps_ended_before_it_was_watched_has_no_duration() -> None:
    reading = replace(READING, updated_at="2025-11-24T15:59:30Z")  # half a minute before it was watched

    text = read_aloud(message(replace(NOTIFICATION, watched_for=SECOND, reading=reading)))

    assert "· ended <!date^1763999970^" in text
    assert "took" not in text
