"""Nudges as Slack messages: an import runs for long, or makes no progress."""

from collections.abc import Mapping
from typing import Any

from bridge.destinations.slack.escaping import escaped_line, mrkdwn, neutralized, plain_text
from bridge.destinations.slack.message import (
    ID_LIMIT,
    NAME_LIMIT,
    PHONE_NAME_LIMIT,
    asker,
    import_elements,
    link_elements,
    name_of,
    written,
)
from bridge.destinations.slack.wording import humanized, local_time, pluralized
from bridge.domain.nudges import Nudge, NudgeKind

HEADLINES: Mapping[NudgeKind, str] = {
    NudgeKind.STILL_RUNNING: "⏳ Import still running",
    NudgeKind.NO_PROGRESS: "⏸️ Import without progress",
}


def render(nudge: Nudge) -> str:
    """Return the payload: blocks for display, `text` for notifications and screen readers."""
    headline, name = HEADLINES[nudge.kind], name_of(nudge.label, nudge.import_id)
    payload = {
        "text": _sentence(nudge, headline, name),
        "mrkdwn": False,
        "blocks": [
            {"type": "header", "text": plain_text(headline, emoji=True)},
            {"type": "section", "text": plain_text(escaped_line(name, NAME_LIMIT) or "?")},
            {"type": "section", "text": mrkdwn(_figures(nudge))},
            {"type": "context", "elements": _context(nudge)},
        ],
    }
    return written(payload)


def _sentence(nudge: Nudge, headline: str, name: str) -> str:
    sentence = f"{headline}: {neutralized(name, PHONE_NAME_LIMIT)} - {', '.join(_facts(nudge))}"
    return sentence if name == nudge.import_id else f"{sentence} ({neutralized(nudge.import_id, ID_LIMIT)})"


def _figures(nudge: Nudge) -> str:
    figures = " · ".join(_facts(nudge))
    return f"{figures[:1].upper()}{figures[1:]}"


def _facts(nudge: Nudge) -> list[str]:
    facts = []
    if nudge.reading.person_count is not None:
        facts.append(f"{pluralized(nudge.reading.person_count, 'person', 'people')} imported so far")
    if nudge.reading.failed_record_count:
        facts.append(f"{pluralized(nudge.reading.failed_record_count, 'record', 'records')} failed")
    if nudge.unchanged_for is not None:
        facts.append(f"no new people for {humanized(nudge.unchanged_for)}")
    usual = "" if nudge.usual is None else f", usually {humanized(nudge.usual)}"
    return [*facts, f"watched for {humanized(nudge.watched_for)}{usual}"]


def _context(nudge: Nudge) -> list[dict[str, Any]]:
    about = import_elements(nudge.workspace, nudge.import_id, nudge.reading)
    as_of = mrkdwn(f"As of {local_time(nudge.at)}")
    return [*about, asker(nudge.client), *link_elements(nudge.link), as_of]
