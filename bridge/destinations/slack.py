"""The Slack message, for webhooks and the bot alike: it says at a glance what happened to which import.

Source: https://docs.slack.dev/reference/block-kit/blocks
"""

import json
from collections.abc import Mapping
from typing import Any

from bridge.destinations.slack_text import (
    about,
    code,
    counted,
    inert,
    local_time,
    masked,
    mrkdwn,
    plain_text,
    shown,
)
from bridge.domain.imports import FailedRecord, Reading
from bridge.domain.notices import Notice
from bridge.domain.notifications import Notification
from bridge.domain.outcomes import Outcome

# Slack allows 3000 characters in a section and 150 in a header; these keep a whole message far below both.
NAME_LIMIT = 600
REASON_LIMIT = 600
RECORD_LIMIT = 150
ID_LIMIT = 300
RECORDS_SHOWN = 3
DEFAULT_WORKSPACE = "default"

_HEADLINES: Mapping[Outcome, tuple[str, str]] = {
    Outcome.COMPLETED: ("✅", "Import completed"),
    Outcome.COMPLETED_WITH_FAILURES: ("⚠️", "Import completed with"),
    Outcome.FAILED: ("❌", "Import failed"),
    Outcome.NOT_FOUND: ("❓", "Import not found"),
    Outcome.FORBIDDEN: ("🔒", "Import not visible to us"),
    Outcome.TIMED_OUT: ("⌛", "Import not finished in time"),
}
_ENDED = frozenset({Outcome.COMPLETED, Outcome.COMPLETED_WITH_FAILURES, Outcome.FAILED})
"""Outcomes of the import itself; of the others we only know how long we watched."""


def render(notification: Notification, *, show_emails: bool = False) -> str:
    """Write the payload: blocks for the eye, `text` for notifications and screen readers."""
    headline = _headline(notification)
    payload = {
        "text": _sentence(notification, headline),
        "mrkdwn": False,  # the sentence has no formatting of ours either
        "blocks": [
            {"type": "header", "text": plain_text(headline, emoji=True)},
            {"type": "section", "text": plain_text(shown(_name(notification), NAME_LIMIT) or "?")},
            {"type": "section", "text": mrkdwn(_figures(notification))},
            *_failed_records(notification.reading, show_emails=show_emails),
            *_reason(notification),
            {"type": "context", "elements": _context(notification)},
        ],
        "unfurl_links": False,
        "unfurl_media": False,
    }
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":"))


def render_notice(notice: Notice) -> str:
    """Write a notice to the operator: one sentence, nothing to look up."""
    payload = {
        "text": f"⚙️ {inert(notice.text, NAME_LIMIT)}",
        "mrkdwn": False,
        "blocks": [
            {"type": "header", "text": plain_text("⚙️ rally-bridge", emoji=True)},
            {"type": "section", "text": plain_text(shown(notice.text, NAME_LIMIT))},
            {"type": "context", "elements": [mrkdwn(local_time(notice.at))]},
        ],
    }
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":"))


def _headline(notification: Notification) -> str:
    symbol, words = _HEADLINES[notification.outcome]
    if notification.outcome is Outcome.COMPLETED_WITH_FAILURES:
        failed = 0 if notification.reading is None else notification.reading.failed_record_count
        words = f"{words} {counted(failed, 'failure', 'failures')}"
    return f"{symbol} {words}"


def _name(notification: Notification) -> str:
    label = notification.label or ""
    return label if shown(label, NAME_LIMIT) else notification.import_id


def _sentence(notification: Notification, headline: str) -> str:
    sentence = f"{headline}: {inert(_name(notification), NAME_LIMIT)}"
    if notification.reading is None:
        return sentence
    return f"{sentence} - {counted(notification.reading.person_count, 'person', 'people')}"


def _figures(notification: Notification) -> str:
    span = about(notification.watched_for)
    parts = [f"took {span}" if notification.outcome in _ENDED else f"watched for {span}"]
    if (reading := notification.reading) is not None:
        if reading.failed_record_count:
            parts.insert(0, f"*{counted(reading.failed_record_count, 'record', 'records')}* failed")
        parts.insert(0, f"*{counted(reading.person_count, 'person', 'people')}* imported")
    return " · ".join(parts)


def _failed_records(reading: Reading | None, *, show_emails: bool) -> list[dict[str, Any]]:
    if reading is None or not reading.failed_record_count:
        return []
    first = reading.failed_records[:RECORDS_SHOWN]
    lines = [f"• {shown(_record(record, show_emails=show_emails), RECORD_LIMIT) or '?'}" for record in first]
    more = reading.failed_record_count - len(first)
    if first and more > 0:
        lines.append(f"… and {more:,} more")
    return [{"type": "section", "text": plain_text("\n".join(lines))}] if lines else []


def _record(record: FailedRecord, *, show_emails: bool) -> str:
    """Name a failed record; a person id that is an e-mail address is treated as one."""
    named = [text for text in (record.email, record.person_id) if text]
    return " · ".join(
        masked(text) if not show_emails and (text is record.email or "@" in text) else text for text in named
    )


def _reason(notification: Notification) -> list[dict[str, Any]]:
    reason = shown(notification.reason or "", REASON_LIMIT)
    return [{"type": "section", "text": plain_text(reason)}] if reason else []


def _context(notification: Notification) -> list[dict[str, Any]]:
    elements = [mrkdwn(f"Import {code(notification.import_id, ID_LIMIT)}")]
    if notification.workspace != DEFAULT_WORKSPACE:
        elements.append(plain_text(f"Workspace {shown(notification.workspace, ID_LIMIT)}"))
    return [*elements, mrkdwn(local_time(notification.at))]


def plainly(body: str) -> str:
    """Give a payload without its blocks: what Slack takes when it could not read them."""
    payload = json.loads(body)
    del payload["blocks"]
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
