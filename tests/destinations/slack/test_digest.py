"""Digests as Slack messages: what people read, within Slack's limits."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block

from bridge.destinations.slack.digest import LINK_LIMIT, render
from bridge.domain.digests import LINES, DigestOrigin, EndedImport, OfBatch, OfFlood, OfRule, digest_of
from bridge.domain.import_links import link_to
from bridge.domain.imports import Reading
from bridge.domain.outcomes import Outcome
from bridge.domain.past_ends import Comparison
from bridge.domain.times import MINUTE
from tests.support.samples import NOW
from tests.support.slack_messages import assert_harmless, texts, units

CSV = Reading(import_id="imp", type="CSV", status="COMPLETED", person_count=1_200)
CLEAN = EndedImport(watch_id="wat_1", import_id="imp1", outcome=Outcome.COMPLETED, reading=CSV, at=NOW)
PARTIAL = EndedImport(
    watch_id="wat_1",
    import_id="imp2",
    label="Q4 panel",
    outcome=Outcome.COMPLETED_WITH_FAILURES,
    reading=replace(CSV, failed_record_count=3, type="API"),
    at=NOW,
)
EMPTY = replace(CLEAN, import_id="imp3", reading=replace(CSV, person_count=0))
FAILED = EndedImport(
    watch_id="wat_1", import_id="imp4", workspace="emea", outcome=Outcome.FAILED, reason="as the push said", at=NOW
)


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
    watch_id=st.just("wat_1"),
    took=st.none() | st.integers(0, 10**12),
    compared=st.builds(
        Comparison,
        usual=st.none() | st.integers(1, 10**12),
        failed_in_a_row=st.integers(0, 30),
        works_again=st.booleans(),
    ),
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
    compared = Comparison(usual=90 * MINUTE, failed_in_a_row=30)
    longest = replace(PARTIAL, import_id="😀" * 200, label="😀" * 500, workspace="😀" * 64, reason="😀" * 500)
    linked = f"https://app.example.com/{'x' * (LINK_LIMIT - 24)}"
    message = payload([replace(longest, took=10**12, compared=compared, link=linked)] * 30)
    found = json.dumps(message, ensure_ascii=False)

    assert found.count(linked) == LINES
    assert units(found) < 12_000
    assert_harmless(without_links(message))


def without_links(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message without its links, for the check that no others are in it."""
    written = json.dumps(message, ensure_ascii=False)
    without: dict[str, Any] = json.loads(re.sub(r" · <https://app[^|>]*\|Open in Rally>", "", written))
    return without


@pytest.mark.parametrize("attack", ["a|b", "<!channel>", "../../x", "a>b", "א", "👍", "&<>"])
def test_an_id_does_not_leave_its_place_in_a_link(attack: str) -> None:
    url = link_to("https://app.example.com/imports/{importId}", attack)
    assert_harmless(without_links(payload([replace(CLEAN, import_id=attack, link=url), FAILED])))


def test_a_link_that_is_too_long_is_left_out() -> None:
    assert "Open in Rally" not in json.dumps(payload([replace(CLEAN, link="https://app.example.com/" + "x" * 300)]))


def test_a_line_says_what_is_news_beside_earlier_imports() -> None:
    def facts(ended: EndedImport, **compared: Any) -> str:
        return lines(payload([replace(ended, compared=Comparison(**compared), link="https://app.example.com/1")]))[1]

    assert facts(replace(CLEAN, took=4 * MINUTE), works_again=True, usual=2 * MINUTE) == (
        "✅ imp1 - completed, works again, 1,200 people imported, took about 4 min, usually about 2 min"
        " · <https://app.example.com/1|Open in Rally>"
    )
    assert "failed, the 3rd in a row, as the push said" in facts(FAILED, failed_in_a_row=3)
    assert "one of more than 20 failures in a row" in facts(FAILED, failed_in_a_row=21)
    assert "works again" not in facts(EMPTY, works_again=True)
    for as_usual in (facts(FAILED, failed_in_a_row=1), facts(replace(CLEAN, took=2 * MINUTE), usual=2 * MINUTE)):
        assert "in a row" not in as_usual
        assert "usually" not in as_usual


def test_a_digest_of_a_batch_says_who_asked() -> None:
    assert "Asked for by crm" in lines(payload([CLEAN, FAILED], OfBatch("bat_1")))
    assert "Asked for by <@U0123ABCD>" in lines(payload([CLEAN, FAILED], OfBatch("bat_1"), "slack:U0123ABCD"))


@pytest.mark.parametrize("label", ["L" * 300, "א" * 300, "😀" * 300, None])
def test_slacks_own_models_accept_it(label: str | None) -> None:
    people = [replace(CSV, person_count=count, failed_record_count=count) for count in (0, 10_000)]
    ended = [replace(PARTIAL, label=label, reading=each, link="https://app.example.com/imports/1") for each in people]
    message = payload(ended * 8, OfBatch("bat_1"))

    parsed = Block.parse_all(message["blocks"])

    assert {each.to_dict()["type"] for each in parsed} == {"header", "section", "context"}
