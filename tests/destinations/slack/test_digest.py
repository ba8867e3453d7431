"""Digests as Slack messages: what people read, within Slack's limits."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bridge.destinations.slack.digest import render
from bridge.domain.digests import DigestOrigin, EndedImport, OfBatch, OfFlood, OfRule, digest_of
from bridge.domain.imports import Reading
from bridge.domain.outcomes import Outcome
from tests.support.samples import NOW
from tests.support.slack_messages import assert_harmless, texts

CSV = Reading(import_id="imp", type="CSV", status="COMPLETED", person_count=1_200)
CLEAN = EndedImport(import_id="imp1", outcome=Outcome.COMPLETED, reading=CSV, at=NOW)
PARTIAL = EndedImport(
    import_id="imp2",
    label="Q4 panel",
    outcome=Outcome.COMPLETED_WITH_FAILURES,
    reading=replace(CSV, failed_record_count=3, type="API"),
    at=NOW,
)
EMPTY = replace(CLEAN, import_id="imp3", reading=replace(CSV, person_count=0))
FAILED = EndedImport(import_id="imp4", workspace="emea", outcome=Outcome.FAILED, reason="as the push said", at=NOW)


OF_RULE = OfRule("ops-csv")


def payload(ended: Sequence[EndedImport], origin: DigestOrigin = OF_RULE, client: str = "crm") -> dict[str, Any]:
    written: dict[str, Any] = json.loads(render(digest_of("dlv_1", origin, client, ended, NOW)))
    return written


def lines(message: dict[str, Any]) -> list[str]:
    return "\n".join(text["text"] for text in texts(message)).splitlines()


def test_a_digest_has_a_line_for_each_import_and_sums_per_type() -> None:
    message = payload([CLEAN, PARTIAL, EMPTY, FAILED])

    assert message["text"] == (
        "⚠️ 4 imports ended, 3 with problems: imp4, Q4 panel, imp3 and 1 more - 2,400 people imported (dlv_\u20601)"
    )
    assert lines(message)[:-1] == [
        "⚠️ 4 imports ended, 3 with problems",
        "❌ imp4 in emea - failed, as the push said",
        "⚠️ Q4 panel (imp2) - 1,200 people imported, 3 records failed",
        "⚠️ imp3 - Rally reports success, but nobody was imported",
        "✅ imp1 - completed, 1,200 people imported",
        "API: 1 import, 1,200 people imported, 3 records failed",
        "CSV: 2 imports, 1,200 people imported",
        "Other: 1 import, 0 people imported",
        "In all: 4 imports, 2,400 people imported, 3 records failed",
        "Digest of rule `ops-csv`",
        "Delivery `dlv_1`",
    ]


def test_the_imports_beyond_ten_are_counted() -> None:
    message = payload([replace(CLEAN, import_id=f"imp{number}") for number in range(1_500)], OfFlood())

    assert lines(message)[10:-1] == [
        "✅ imp9 - completed, 1,200 people imported",
        "… and 1,490 more",
        "CSV: 1,500 imports, 1,800,000 people imported",
        "One message, because many imports ended within a short time",
        "Delivery `dlv_1`",
    ]
    assert message["text"].startswith("✅ 1,500 imports ended: imp0, imp1, imp2 and 1,497 more - ")


HOSTILE = st.text(max_size=300) | st.text(alphabet="<!@#>&*_~`:/.😀\u202e\n", max_size=300) | st.just("😀" * 200)
READINGS = st.none() | st.builds(
    Reading,
    import_id=HOSTILE,
    type=HOSTILE | st.sampled_from(["API", "CSV"]),
    status=st.just("COMPLETED"),
    person_count=st.none() | st.integers(0, 10**15),
    failed_record_count=st.integers(0, 10**15),
)
ENDED = st.builds(
    EndedImport,
    import_id=HOSTILE,
    workspace=st.just("default") | HOSTILE,
    label=st.none() | HOSTILE,
    outcome=st.sampled_from(Outcome),
    reason=st.none() | HOSTILE,
    reading=READINGS,
    at=st.integers(0, NOW),
)


ORIGINS = st.just(OfFlood()) | st.builds(OfRule, HOSTILE) | st.builds(OfBatch, HOSTILE)


@given(st.lists(ENDED, min_size=1, max_size=15), ORIGINS, HOSTILE)
def test_no_text_in_a_digest_acts_and_slacks_limits_hold(
    ended: list[EndedImport], origin: DigestOrigin, client: str
) -> None:
    assert_harmless(payload(ended, origin, client))


def test_the_longest_digest_is_within_slacks_limits() -> None:
    longest = replace(PARTIAL, import_id="😀" * 200, label="😀" * 500, workspace="😀" * 64, reason="😀" * 500)
    assert_harmless(payload([longest] * 30))


def test_a_digest_of_a_batch_says_who_asked() -> None:
    assert "Asked for by crm" in lines(payload([CLEAN, FAILED], OfBatch("bat_1")))
    assert "Asked for by <@U0123ABCD>" in lines(payload([CLEAN, FAILED], OfBatch("bat_1"), "slack:U0123ABCD"))
