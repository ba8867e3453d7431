"""The Slack message about the end of an import: its blocks and its text, the same for webhooks and the bot.

Source: https://docs.slack.dev/reference/block-kit/blocks
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from bridge.destinations.slack.emails import masked_email
from bridge.destinations.slack.escaping import (
    code,
    escaped_line,
    link,
    mrkdwn,
    neutralized,
    neutralized_with_times,
    plain_text,
)
from bridge.destinations.slack.wording import humanized, local_time, ordinal, pluralized
from bridge.domain.clients import is_rule, slack_user_of
from bridge.domain.imports import FailedRecord, Reading
from bridge.domain.mentions import USER_ID
from bridge.domain.notices.notices import Notice
from bridge.domain.notifications import ENDED, Notification
from bridge.domain.outcomes import Outcome, warning_of
from bridge.domain.past_ends import KEPT, Comparison
from bridge.domain.rules.rules import rule_of
from bridge.domain.times import Span
from bridge.domain.workspaces import DEFAULT_WORKSPACE

# Slack allows 3000 characters in a section and 150 in a header; these limits keep messages far below both.
NAME_LIMIT = 600
PHONE_NAME_LIMIT = 150
"""The limit of the name in a notification on a phone, so that the numbers after it are visible."""
REASON_LIMIT = 600
RECORD_LIMIT = 150
ID_LIMIT = 300
LINK_LIMIT = 2_000
"""The length above which a link is left out: an id of rare characters gets twelve times as long when it is encoded."""
RECORDS_SHOWN = 3

_HEADLINES: Mapping[Outcome, tuple[str, str]] = {
    Outcome.COMPLETED: ("✅", "Import completed"),
    Outcome.COMPLETED_WITH_FAILURES: ("⚠️", "Import completed with"),
    Outcome.FAILED: ("❌", "Import failed"),
    Outcome.NOT_FOUND: ("❓", "Import not found"),
    Outcome.FORBIDDEN: ("🔒", "Import not visible to us"),
    Outcome.TIMED_OUT: ("⌛", "Import not finished in time"),
}
_NEXT: Mapping[Outcome, str] = {
    Outcome.FAILED: "Rally gives no reason here; look at the import in Rally.",
    Outcome.NOT_FOUND: "Check the import's id and the workspace.",
    Outcome.FORBIDDEN: "Check what the workspace's API key may see.",
    Outcome.TIMED_OUT: "It is no longer watched; look at it in Rally, or have it watched again.",
}
"""What the reader can do."""
_KINDS: Mapping[str, str] = {"API": "API import", "CSV": "CSV import", "ACTIVITIES": "Import of activities"}


def render(notification: Notification, *, show_emails: bool) -> str:
    """Return the message as JSON: blocks for display, `text` for notifications on phones and for screen readers."""
    headline = headline_of(notification.outcome, notification.reading)
    payload = {
        "text": _sentence(notification, headline),
        "mrkdwn": False,  # the sentence is not formatted
        "blocks": [
            {"type": "header", "text": plain_text(headline, emoji=True)},
            *mentions(notification.mention),
            {"type": "section", "text": plain_text(escaped_line(_name(notification), NAME_LIMIT) or "?")},
            {"type": "section", "text": mrkdwn(_figures(notification))},
            *_failed_records(notification.reading, show_emails=show_emails),
            *_reason(notification),
            {"type": "context", "elements": _context(notification)},
        ],
    }
    return written(payload)


def render_notice(notice: Notice) -> str:
    """Return the payload of a notice: one sentence."""
    payload = {
        "text": f"⚙️ {neutralized(notice.text, NAME_LIMIT)}",
        "mrkdwn": False,
        "blocks": [
            {"type": "header", "text": plain_text("⚙️ rally-bridge", emoji=True)},
            {"type": "section", "text": plain_text(escaped_line(notice.text, NAME_LIMIT))},
            {"type": "context", "elements": [mrkdwn(local_time(notice.at))]},
        ],
    }
    return written(payload)


def mentions(users: Sequence[str]) -> list[dict[str, Any]]:
    """Return a block that mentions users by their ids, which must come from the operator's settings."""
    return [{"type": "section", "text": mrkdwn(" ".join(f"<@{user}>" for user in users))}] if users else []


def written(payload: dict[str, Any]) -> str:
    """Return a payload as compact JSON; Slack unfolds no links in it."""
    unfolded = {"unfurl_links": False, "unfurl_media": False}
    return json.dumps(payload | unfolded, ensure_ascii=False, separators=(",", ":"))


def headline_of(outcome: Outcome, reading: Reading | None) -> str:
    """Return an outcome in a few words, after a symbol."""
    symbol, words = _HEADLINES[outcome]
    if outcome is Outcome.COMPLETED and warning_of(reading):
        return "⚠️ Import completed with 0 people"
    if outcome is Outcome.COMPLETED_WITH_FAILURES:
        failed = 0 if reading is None else reading.failed_record_count
        words = f"{words} {pluralized(failed, 'failure', 'failures')}"
    return f"{symbol} {words}"


def _name(notification: Notification) -> str:
    return name_of(notification.label, notification.import_id)


def name_of(label: str | None, import_id: str) -> str:
    """Return the name of an import: its label, unless nothing of it can be shown."""
    return label if label is not None and escaped_line(label, NAME_LIMIT) else import_id


def _sentence(notification: Notification, headline: str) -> str:
    """Return the message in one line; it ends with the import's id, so that a repeated message is recognizable."""
    name, import_id = _name(notification), notification.import_id
    sentence = f"{headline}: {neutralized(name, PHONE_NAME_LIMIT)}"
    if notification.reading is not None and notification.reading.person_count is not None:
        people = pluralized(notification.reading.person_count, "person", "people")
        sentence = f"{sentence} - {people} {_done(notification)}"
    return sentence if name == import_id else f"{sentence} ({neutralized(import_id, ID_LIMIT)})"


def _done(notification: Notification) -> str:
    return "imported" if notification.outcome in ENDED else "imported so far"


def _figures(notification: Notification) -> str:
    parts = [part for part in (_duration(notification),) if part]
    if (reading := notification.reading) is not None:
        if reading.failed_record_count:
            parts.insert(0, f"*{pluralized(reading.failed_record_count, 'record', 'records')}* failed")
        if reading.person_count is not None:
            parts.insert(0, f"*{pluralized(reading.person_count, 'person', 'people')}* {_done(notification)}")
    figures = " · ".join(parts) or "No figures are known"
    return figures[0].upper() + figures[1:]


def _duration(notification: Notification) -> str | None:
    """Return how long the import took, and usually takes; or when it ended, if nobody watched it from its start."""
    if notification.outcome not in ENDED:
        return f"watched for {humanized(notification.watched_for)}"
    if notification.took is not None:
        return f"took {_compared(humanized(notification.took), notification.compared.usual)}"
    if notification.ended_at is None:
        return None
    ended = local_time(notification.ended_at)
    is_late = notification.ended_before_watched and not is_rule(notification.client)
    return f"ended before it was watched, {ended}" if is_late else f"ended {ended}"


def _compared(took: str, usual: Span | None) -> str:
    return took if usual is None or humanized(usual) == took else f"{took}, usually {humanized(usual)}"


def _failed_records(reading: Reading | None, *, show_emails: bool) -> list[dict[str, Any]]:
    if reading is None or not reading.failed_record_count:
        return []
    first = reading.failed_records[:RECORDS_SHOWN]
    lines = [f"• {escaped_line(_record(record, show_emails=show_emails), RECORD_LIMIT) or '?'}" for record in first]
    more = reading.failed_record_count - len(first)
    if first and more > 0:
        lines.append(f"… and {more:,} more")
    return [{"type": "section", "text": plain_text("\n".join(["Not imported:", *lines]))}] if lines else []


def _record(record: FailedRecord, *, show_emails: bool) -> str:
    """Describe a failed record; a person id that is an e-mail address is masked like one."""
    named = [text for text in (record.email, record.person_id) if text]
    return " · ".join(
        masked_email(text) if not show_emails and (text is record.email or "@" in text) else text for text in named
    )


def _reason(notification: Notification) -> list[dict[str, Any]]:
    reason = neutralized_with_times(notification.reason or "", REASON_LIMIT)
    sentences = [f"{reason[:1].upper()}{reason[1:]}."] if reason else []
    if notification.warning:
        sentences.append(f"{notification.warning}.")
    sentences += _trend(notification.compared, suspicious=notification.warning is not None)
    if notification.outcome in _NEXT:
        sentences.append(_NEXT[notification.outcome])
    return [{"type": "section", "text": mrkdwn(" ".join(sentences))}] if sentences else []


def _trend(compared: Comparison, *, suspicious: bool) -> list[str]:
    """Return a sentence that compares the end with those of earlier imports, where the difference is news.

    An import that completed with 0 people does not show that imports work again.
    """
    match compared:
        case Comparison(works_again=True) if not suspicious:
            return ["It works again: the one before it with this label failed."]
        case Comparison(failed_in_a_row=count) if count > KEPT:
            return [f"More than {KEPT} in a row with this label have failed."]
        case Comparison(failed_in_a_row=count) if count > 1:
            return [f"It is the {ordinal(count)} in a row with this label that failed."]
        case _:
            return []


def _context(notification: Notification) -> list[dict[str, Any]]:
    about = import_elements(notification.workspace, notification.import_id, notification.reading)
    rest = [asker(notification.client), *link_elements(notification.link), mrkdwn(local_time(notification.at))]
    return [*about, *rest]


def import_elements(workspace: str, import_id: str, reading: Reading | None) -> list[dict[str, Any]]:
    """Return which import a message is about: its type, id and workspace."""
    kind = _KINDS.get((reading and reading.type) or "", "Import")
    elements = [mrkdwn(f"{kind} {code(import_id, ID_LIMIT)}")]
    if workspace != DEFAULT_WORKSPACE:
        elements.append(plain_text(f"Workspace {escaped_line(workspace, ID_LIMIT)}"))
    return elements


def link_elements(url: str | None) -> list[dict[str, Any]]:
    """Return the link to the import, if there is one."""
    if url is None or len(url) > LINK_LIMIT:
        return []
    return [mrkdwn(link(url, "Open the import in Rally"))]


def asker(client: str) -> dict[str, Any]:
    """Return who asked for the message: a rule, a person in Slack, or another client."""
    if (rule := rule_of(client)) is not None:
        return plain_text(f"Rule {escaped_line(rule, ID_LIMIT)}")
    user = slack_user_of(client)
    if user is not None and re.fullmatch(USER_ID, user):
        return mrkdwn(f"Asked for by <@{user}>")
    return plain_text(f"Asked for by {escaped_line(client, ID_LIMIT)}")


def without_blocks(body: str) -> str:
    """Return a payload without its blocks, for when Slack has rejected them."""
    payload = json.loads(body)
    del payload["blocks"]
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
