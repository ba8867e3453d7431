"""The contents of the modal of failed records: pages, buttons and sentences. `bridge.web.slack.records` opens it.

Source: https://docs.slack.dev/reference/views/modal-views
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from bridge.destinations.slack.buttons import actions, button
from bridge.destinations.slack.escaping import code, escaped_line, mrkdwn, neutralized, plain_text
from bridge.destinations.slack.wording import pluralized
from bridge.domain.imports import FailedRecord

RECORDS_VIEW = "failed_records"
SHOW, PREVIOUS, NEXT, SEND_CSV = "records_show", "records_previous", "records_next", "records_csv"
"""The buttons of the modal; the value of the first three is the number of the first record that they show."""
ACTIONS = frozenset({SHOW, PREVIOUS, NEXT, SEND_CSV})
PAGE = 50
"""The records on a page: with the longest lines of emoji, escaped, a modal has 230 kB; Slack takes 250 kB."""
LONGEST_LINE = 380
LONGEST_SECTION = 2_900
"""The characters in a section, which Slack counts in UTF-16; it takes 3,000."""
ID_LIMIT, LABEL_LIMIT, NOTE_LIMIT = 300, 300, 600
LOADING = "Reading the failed records. If this stays for half a minute, close the window and click again."
SENDING = "Making the CSV. If this stays for a minute, close the window and click again."
SENT = "The CSV is in your direct messages with me. Slack may need a moment to show it."


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordsModal:
    """What a modal is about: the watch, and the channel in which someone clicked. It is sent back with each click."""

    watch_id: str
    channel: str

    def written(self) -> str:
        return json.dumps([self.watch_id, self.channel])


def read_modal(text: str) -> RecordsModal | None:
    """Read what `written` wrote; None if it is something else."""
    try:
        match json.loads(text):
            case [str(watch_id), str(channel)]:
                return RecordsModal(watch_id=watch_id, channel=channel)
    except (ValueError, RecursionError):
        pass
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordsPage:
    """Failed records of an import from the number `start` on, counted from 0; `total` counts all."""

    import_id: str
    label: str | None
    total: int
    records: Sequence[FailedRecord] = field(repr=False)
    start: int = 0
    more: bool = False
    note: str = ""


def page_view(about: RecordsModal, page: RecordsPage) -> dict[str, Any]:
    """Return the modal with a page of records."""
    sections = ({"type": "section", "text": plain_text(text)} for text in _sections(page.records))
    texts = (_range(page), neutralized(page.note, NOTE_LIMIT))
    context = {"type": "context", "elements": [mrkdwn(text) for text in texts if text]}
    buttons = list(_buttons(page))
    return _view(about, _heading(page), *sections, context, *([actions(*buttons)] if buttons else []))


def waiting_view(about: RecordsModal, sentence: str) -> dict[str, Any]:
    """Return the modal while something is being done: without buttons, so that it is not asked for twice."""
    return _view(about, {"type": "section", "text": mrkdwn(f"⏳ {sentence}")})


def note_view(about: RecordsModal, sentence: str, *, again: bool = True) -> dict[str, Any]:
    """Return the modal with a sentence; `again` adds a button that shows the records."""
    section = {"type": "section", "text": mrkdwn(sentence)}
    show = button(SHOW, "Show the records", "Show the records that failed", "0")
    return _view(about, section, *([actions(show)] if again else []))


def _view(about: RecordsModal, *blocks: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "modal",
        "callback_id": RECORDS_VIEW,
        "private_metadata": about.written(),
        "title": plain_text("Failed records"),
        "close": plain_text("Close"),
        "blocks": list(blocks),
    }


def _heading(page: RecordsPage) -> dict[str, Any]:
    label = f" · {neutralized(page.label, LABEL_LIMIT)}" if page.label else ""
    count = pluralized(page.total, "record", "records")
    text = f"{code(page.import_id, ID_LIMIT)}{label}\n*{count}* failed. Rally gives no reasons."
    return {"type": "section", "text": mrkdwn(text)}


def _sections(records: Iterable[FailedRecord]) -> Iterator[str]:
    """Yield the lines of the records, as many in a section as it can have."""
    section: list[str] = []
    for record in records:
        line = _line(record)
        if section and sum(map(_units, section)) + len(section) + _units(line) > LONGEST_SECTION:
            yield "\n".join(section)
            section = []
        section.append(line)
    if section:
        yield "\n".join(section)


def _line(record: FailedRecord) -> str:
    named = " · ".join(text for text in (record.email, record.person_id) if text)
    return f"• {escaped_line(named, LONGEST_LINE) or '?'}"


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _range(page: RecordsPage) -> str:
    end = page.start + len(page.records)
    if not page.records:
        return (
            "None of them has an id or an address." if page.total and not page.start else "There are no records here."
        )
    words = f"{page.start + 1:,} to {end:,} of {page.total:,}"
    nameless = 0 if page.more else page.total - end
    return f"{words}. {nameless:,} more have neither an id nor an address." if nameless > 0 else words


def _buttons(page: RecordsPage) -> Iterator[dict[str, Any]]:
    if page.start:
        yield button(PREVIOUS, "Previous", "Previous: the records before these", str(max(0, page.start - PAGE)))
    if page.more:
        yield button(NEXT, "Next", "Next: the records after these", str(page.start + PAGE))
    if page.records or page.start:
        yield button(SEND_CSV, "Send me the CSV", "Send me the CSV of all failed records, by direct message", "csv")
