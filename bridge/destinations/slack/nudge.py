"""Nudges as Slack messages: an import runs for long, or makes no progress."""

from collections.abc import Mapping
from typing import Any

from bridge.destinations.slack.escaping import code, escaped_line, link, mrkdwn, neutralized, plain_text
from bridge.destinations.slack.message import ID_LIMIT, LINK_LIMIT, NAME_LIMIT, PHONE_NAME_LIMIT, asker, written
from bridge.destinations.slack.wording import humanized, local_time, pluralized
from bridge.domain.nudges import Nudge, NudgeKind
from bridge.domain.workspaces import DEFAULT_WORKSPACE

_HEADLINES: Mapping[NudgeKind, str] = {
    NudgeKind.STILL_RUNNING: "⏳ Import still running",
    NudgeKind.NO_PROGRESS: "⏸️ Import without progress",
}


def render(nudge: Nudge) -> str:
    """Return the payload: blocks for display, `text` for notifications and screen readers."""
    headline = _HEADLINES[nudge.kind]
    payload = {
        "text": _sentence(nudge, headline),
        "mrkdwn": False,
        "blocks": [
            {"type": "header", "text": plain_text(headline, emoji=True)},
            {"type": "section", "text": plain_text(escaped_line(_name(nudge), NAME_LIMIT) or "?")},
            {"type": "section", "text": mrkdwn(_figures(nudge))},
            {"type": "context", "elements": _context(nudge)},
        ],
    }
    return written(payload)


def _name(nudge: Nudge) -> str:
    label = nudge.label or ""
    return label if escaped_line(label, NAME_LIMIT) else nudge.import_id


def _sentence(nudge: Nudge, headline: str) -> str:
    name = _name(nudge)
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
    elements = [mrkdwn(f"Import {code(nudge.import_id, ID_LIMIT)}")]
    if nudge.workspace != DEFAULT_WORKSPACE:
        elements.append(plain_text(f"Workspace {escaped_line(nudge.workspace, ID_LIMIT)}"))
    elements.append(asker(nudge.client))
    if nudge.link is not None and len(nudge.link) <= LINK_LIMIT:
        elements.append(mrkdwn(link(nudge.link, "Open the import in Rally")))
    return [*elements, mrkdwn(f"As of {local_time(nudge.at)}")]
