"""Living messages as Slack shows them: how far an import is, and then how it ended. `message_edits` edits them."""

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256

from bridge.destinations.slack.buttons import actions, stop_button
from bridge.destinations.slack.escaping import code, escaped_line, mrkdwn, neutralized, plain_text
from bridge.destinations.slack.message import (
    ID_LIMIT,
    NAME_LIMIT,
    PHONE_NAME_LIMIT,
    asker,
    headline_of,
    import_elements,
    link_elements,
    name_of,
    written,
)
from bridge.destinations.slack.nudge import HEADLINES
from bridge.destinations.slack.wording import humanized, local_time, pluralized
from bridge.domain.imports import Absence, Reading
from bridge.domain.living.progress import Progress, ShownEnd, Told
from bridge.domain.notifications import ENDED

MOST_ASKERS = 3
"""The number of clients that a message names; an element each."""
RUNNING = "⏳ Import running"
NOT_READ = "⏳ Import not read yet"
_ABSENT: Mapping[Absence, tuple[str, str]] = {
    Absence.NOT_FOUND: ("❓ Import not found so far", "Rally knows no such import yet: check the import's id"),
    Absence.FORBIDDEN: ("🔒 Import not visible to us so far", "Rally does not let our key see this import"),
}
STOPPED = "⏹️ Import not watched here any more"
_WHERE: Mapping[Told, str] = {
    Told.BELOW: ", see below.",
    Told.IN_THREAD: ", see the thread.",
    Told.NOT_HERE: ".",
}


def render_progress(progress: Progress) -> str:
    """Return the payload of a message about an import that is watched."""
    headline = _headline(progress)
    name = name_of(progress.label, progress.import_id)
    askers = [asker(client) for client in dict.fromkeys(progress.clients)][:MOST_ASKERS]
    about = import_elements(progress.workspace, progress.import_id, progress.reading)
    as_of = mrkdwn(f"As of {local_time(progress.as_of)}")
    payload = {
        "text": _sentence(headline, name, progress.import_id, progress.reading, "so far"),
        "mrkdwn": False,
        "blocks": [
            {"type": "header", "text": plain_text(headline, emoji=True)},
            {"type": "section", "text": plain_text(escaped_line(name, NAME_LIMIT) or "?")},
            {"type": "section", "text": mrkdwn(_figures(progress))},
            {"type": "context", "elements": [*about, *askers, *link_elements(progress.link), as_of]},
            *([] if progress.stoppable is None else [actions(stop_button(progress.stoppable))]),
        ],
    }
    return written(payload)


def render_end(end: ShownEnd) -> str:
    """Return the payload of a message whose import has ended, or is not watched any more. It has no buttons."""
    name = name_of(end.label, end.import_id)
    headline = STOPPED if end.outcome is None else headline_of(end.outcome, end.reading)
    where = _where(end)
    so_far = "" if end.outcome in ENDED else "so far"
    about = import_elements(end.workspace, end.import_id, end.reading)
    payload = {
        "text": f"{_sentence(headline, name, end.import_id, end.reading, so_far)}. {where}",
        "mrkdwn": False,
        "blocks": [
            {"type": "header", "text": plain_text(headline, emoji=True)},
            {"type": "section", "text": plain_text(escaped_line(name, NAME_LIMIT) or "?")},
            {"type": "section", "text": mrkdwn(where)},
            {"type": "context", "elements": [*about, *link_elements(end.link), mrkdwn(local_time(end.at))]},
        ],
    }
    return written(payload)


def _where(end: ShownEnd) -> str:
    """Return a sentence about where the end is told; that of a watch may come while its import still runs."""
    if end.outcome is None:
        return "Nothing more is told here."
    return f"{'It has ended' if end.outcome in ENDED else 'It is no longer watched'}{_WHERE[end.told]}"


def digest_of(progress: Progress) -> str:
    """Return the digest of the words of a message. The time of the reading is no news."""
    return sha256(render_progress(replace(progress, as_of=0)).encode()).hexdigest()[:32]


def _sentence(headline: str, name: str, import_id: str, reading: Reading | None, so_far: str) -> str:
    """Return the message in one line, which ends with the import's id."""
    sentence = f"{headline}: {neutralized(name, PHONE_NAME_LIMIT)}"
    if reading is not None and reading.person_count is not None:
        people = pluralized(reading.person_count, "person", "people")
        sentence = f"{sentence} - {people} imported {so_far}".rstrip()
    return sentence if name == import_id else f"{sentence} ({neutralized(import_id, ID_LIMIT)})"


def _headline(progress: Progress) -> str:
    if progress.absence is not None:
        return _ABSENT[progress.absence][0]
    if progress.reading is None:
        return NOT_READ
    return RUNNING if progress.remark is None else HEADLINES[progress.remark.kind]


def _figures(progress: Progress) -> str:
    """Return the status and the figures so far; Rally's words for a status are shown as they are."""
    parts = [] if progress.absence is None else [_ABSENT[progress.absence][1]]
    if (reading := progress.reading) is not None:
        if reading.person_count is not None:
            parts.append(f"*{pluralized(reading.person_count, 'person', 'people')}* imported so far")
        if reading.failed_record_count:
            parts.append(f"*{pluralized(reading.failed_record_count, 'record', 'records')}* failed so far")
        parts.append(f"status {code(reading.status, ID_LIMIT)}")
    remark = progress.remark
    if remark is not None and remark.unchanged_for is not None:
        parts.append(f"no new people for {humanized(remark.unchanged_for)}")
    usual = "" if remark is None or remark.usual is None else f", usually {humanized(remark.usual)}"
    figures = " · ".join([*parts, f"watched for {humanized(progress.watched_for)}{usual}"])
    return figures[0].upper() + figures[1:]
