"""Living messages: their words, within Slack's limits."""

import json
from dataclasses import replace
from typing import Any

import pytest
from slack_sdk.models.blocks import Block

from bridge.destinations.slack.bot import SlackBot
from bridge.destinations.slack.living import digest_of, render_end, render_progress
from bridge.domain.delivery.posted_messages import PostedMessage
from bridge.domain.imports import Absence, Reading
from bridge.domain.living.progress import Progress, ShownEnd, Told
from bridge.domain.outcomes import Outcome
from bridge.domain.secret import Secret
from bridge.domain.times import HOUR, MINUTE
from tests.support.samples import NOW
from tests.support.slack_messages import assert_inert, units

PROGRESS = Progress(
    workspace="default",
    import_id="cm1uwhduy001vle4gr4soyqkq",
    label="Q4 panel upload",
    clients=("crm",),
    reading=Reading(import_id="x", type="CSV", status="UPLOADING", person_count=1_240, failed_record_count=3),
    watched_for=4 * MINUTE,
    as_of=NOW,
    stoppable="wat_1",
)
END = ShownEnd(
    workspace="default",
    import_id="cm1uwhduy001vle4gr4soyqkq",
    label="Q4 panel upload",
    reading=Reading(import_id="x", type="CSV", status="COMPLETED", person_count=1_240),
    outcome=Outcome.COMPLETED,
    told=Told.BELOW,
    at=NOW,
)
POSTED = PostedMessage(channel="C0123ABCD", ts="1503435956.000247")
BOT = SlackBot(token=Secret("xoxb-1"), api_url="https://slack.com/api")
LABELS = (
    "x" * 300,
    "لوحة " * 60,
    "🎉👨‍👩‍👧" * 60,
    "<!channel> & <@U0123> *b* https://evil.example",
    "\u202e\u2066 ",
    "&" * 300,
)


def test_a_running_import_is_shown_with_its_figures() -> None:
    payload = json.loads(render_progress(PROGRESS))

    assert payload["text"] == (
        "⏳ Import running: Q4 panel upload - 1,240 people imported so far (cm1uwhduy001vle4gr4soyqkq)"
    )
    header, name, figures, context, buttons = payload["blocks"]
    assert (header["text"]["text"], name["text"]["text"]) == ("⏳ Import running", "Q4 panel upload")
    assert figures["text"]["text"] == (
        "*1,240 people* imported so far · *3 records* failed so far · status `UPLOADING` · watched for about 4 min"
    )
    assert [each["text"] for each in context["elements"]] == [
        "CSV import `cm1uwhduy001vle4gr4soyqkq`",
        "Asked for by crm",
        "As of <!date^1800000000^{date_short_pretty} {time}|2027-01-15 08:00 UTC>",
    ]
    assert buttons["elements"][0]["value"] == "wat_1"


def test_an_import_that_was_not_read_yet_is_not_said_to_run() -> None:
    payload = json.loads(render_progress(replace(PROGRESS, reading=None, label=None, stoppable=None)))

    assert payload["text"] == "⏳ Import not read yet: cm1uwhduy001vle4gr4soyqkq"
    assert payload["blocks"][2]["text"]["text"] == "Watched for about 4 min"


@pytest.mark.parametrize(
    ("absence", "headline", "figures"),
    [
        (
            Absence.NOT_FOUND,
            "❓ Import not found so far",
            "Rally knows no such import yet: check the import's id · watched for about 4 min",
        ),
        (
            Absence.FORBIDDEN,
            "🔒 Import not visible to us so far",
            "Rally does not let our key see this import · watched for about 4 min",
        ),
    ],
)
def test_an_import_that_rally_does_not_show_is_not_said_to_run(absence: Absence, headline: str, figures: str) -> None:
    payload = json.loads(render_progress(replace(PROGRESS, reading=None, absence=absence)))

    assert payload["text"] == f"{headline}: Q4 panel upload (cm1uwhduy001vle4gr4soyqkq)"
    assert payload["blocks"][2]["text"]["text"] == figures


@pytest.mark.parametrize(
    ("change", "text", "where"),
    [
        ({}, "✅ Import completed: Q4 panel upload - 1,240 people imported", "It has ended, see below."),
        ({"told": Told.IN_THREAD}, "✅ Import completed", "It has ended, see the thread."),
        ({"told": Told.NOT_HERE}, "✅ Import completed", "It has ended."),
        ({"outcome": Outcome.FAILED}, "❌ Import failed", "It has ended, see below."),
        (
            {"outcome": Outcome.TIMED_OUT},
            "⌛ Import not finished in time: Q4 panel upload - 1,240 people imported so far",
            "It is no longer watched, see below.",
        ),
        ({"outcome": None}, "⏹️ Import not watched here any more", "Nothing more is told here."),
    ],
)
def test_an_end_says_where_it_is_told(change: dict[str, Any], text: str, where: str) -> None:
    payload = json.loads(render_end(replace(END, **change)))

    assert payload["text"].startswith(text)
    assert payload["text"].endswith(where)
    assert [block["type"] for block in payload["blocks"]] == ["header", "section", "section", "context"]


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("people", [None, 0, 10_000])
def test_every_message_is_within_the_limits_of_slack(label: str, people: int | None) -> None:
    reading = Reading(
        import_id="x" * 200, type="CSV", status="S`<!here>" * 40, person_count=people, failed_record_count=10_000
    )
    crowded = replace(
        PROGRESS,
        label=label,
        import_id="<@U1>&" * 33,
        workspace="w" * 63,
        reading=reading,
        clients=tuple(f"client-{number}" for number in range(50)),
        link="https://app.example.com/" + "a" * 1_900,
    )
    ended = replace(
        END, label=label, import_id=crowded.import_id, workspace=crowded.workspace, reading=reading, link=crowded.link
    )
    for body in (render_progress(crowded), render_end(ended), render_end(replace(ended, outcome=None))):
        payload = json.loads(body)
        assert units(payload["text"]) <= 4_000  # more is refused by chat.update
        assert_inert(payload["text"].removeprefix("⏹️ "))
        for block in Block.parse_all(payload["blocks"]):
            block.to_dict()  # Slack's own models check it
        for block in payload["blocks"]:
            assert len(block.get("elements", [])) <= 10
            for text in [block["text"]] if "text" in block else block["elements"]:
                inner = text["text"]["text"] if text["type"] == "button" else text["text"]
                assert 1 <= units(inner) <= 3_000
        assert "<!here>" not in body
        assert "<!channel>" not in body
        assert "<@U" not in body


def test_the_time_of_the_reading_is_no_news_but_figures_are() -> None:
    assert digest_of(PROGRESS) == digest_of(replace(PROGRESS, as_of=NOW + HOUR))
    assert digest_of(PROGRESS) != digest_of(replace(PROGRESS, reading=END.reading))
