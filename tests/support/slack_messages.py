"""A notification as a Slack message, and checks that untrusted text in it is harmless."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from bridge.destinations.slack.message import render
from bridge.domain.imports import (
    FailedRecord,
    Reading,
)
from bridge.domain.notifications import TYPES, Notification
from bridge.domain.outcomes import Outcome
from bridge.domain.times import MINUTE

READING = Reading(import_id="cm1uwhduy001vle4gr4soyqkq", type="CSV", status="COMPLETED", person_count=120)
NOTIFICATION = Notification(
    id="ntf_1",
    type="import.completed",
    at=1_764_000_000_000,
    client="crm",
    watch_id="wat_1",
    workspace="default",
    import_id="cm1uwhduy001vle4gr4soyqkq",
    outcome=Outcome.COMPLETED,
    reason=None,
    label="Q4 panel upload",
    reading=READING,
    watched_for=4 * MINUTE,
)
OUR_DATE = re.compile(r"<!date\^\d+\^\{date_short_pretty\} \{time\}\|[-0-9: ]+ UTC>")


def message(notification: Notification, *, show_emails: bool = False) -> dict[str, Any]:
    payload: dict[str, Any] = json.loads(render(notification, show_emails=show_emails))
    return payload


def texts(payload: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every text object of the blocks."""
    for block in payload["blocks"]:
        yield from block.get("elements") or [block["text"]]


def with_failures(count: int, *records: FailedRecord) -> Notification:
    reading = replace(READING, failed_records=records, failed_record_count=count)
    outcome = Outcome.COMPLETED_WITH_FAILURES if count else Outcome.COMPLETED
    return replace(NOTIFICATION, outcome=outcome, type=TYPES[outcome], reading=reading)


def assert_harmless(payload: dict[str, Any]) -> None:
    """Check Slack's limits, in UTF-16 units, and that only our own date is in angle brackets."""
    assert "link_names" not in payload
    assert (payload["mrkdwn"], payload["unfurl_links"], payload["unfurl_media"]) == (False, False, False)
    assert units(payload["text"]) <= 4_000
    assert_inert(payload["text"])
    assert len(payload["blocks"]) <= 50
    assert units(json.dumps(payload, ensure_ascii=False)) < 12_000
    for block in payload["blocks"]:
        assert len(block.get("elements", [])) <= 10
        assert block["type"] != "header" or 1 <= units(block["text"]["text"]) <= 150
    for number, text in enumerate(texts(payload)):
        assert 1 <= units(text["text"]) <= 3_000
        assert_escaped(OUR_DATE.sub("", text["text"]))
        if text["type"] == "plain_text":
            assert text["emoji"] is (number == 0)
        else:
            assert text["verbatim"] is True
            assert_only_ours_acts(OUR_DATE.sub("", text["text"]))


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def assert_escaped(text: str) -> None:
    assert "<" not in text
    assert ">" not in text
    assert "&" not in re.sub(r"&(amp|lt|gt);", "", text)


def assert_inert(text: str) -> None:
    assert_escaped(text)
    assert not re.search(r"[*_~`/@#.]\w", text)
    assert "://" not in text
    assert not re.search(r":\w", text)


def assert_only_ours_acts(text: str) -> None:
    counts = r"(\*-?[\d,]+ (person|people|record|records)\* (imported|imported so far|failed) · )*"
    times = r"(took|[Ww]atched for|Took) about [\d,]+ \w+|ended before it was watched, |[Ee]nded "
    ours = rf"[\w ]+ `[^`]+`|{counts}({times})|"
    if not re.fullmatch(ours, text):
        assert_inert(text)
