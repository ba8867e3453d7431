"""Digests as Slack messages: a line for each of the first imports, then sums.

Slack allows 3000 characters in a section: https://docs.slack.dev/reference/block-kit/blocks/section-block
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bridge.destinations.slack.escaping import code, formatted_units, link, mrkdwn, neutralized, plain_text
from bridge.destinations.slack.message import asker, mentions, written
from bridge.destinations.slack.wording import humanized, local_time, ordinal, pluralized
from bridge.domain.digests import Digest, EndedImport, OfBatch, OfFlood, OfRule, Sums
from bridge.domain.outcomes import Outcome
from bridge.domain.past_ends import KEPT, Comparison
from bridge.domain.workspaces import DEFAULT_WORKSPACE

NAME_LIMIT = 80
ID_LIMIT = 80
WORKSPACE_LIMIT = 40
REASON_LIMIT = 60
LINK_LIMIT = 300
"""The length above which a link is left out."""
IN_TEXT = 3
"""The number of imports that a notification names."""
SECTION_LIMIT = 2_900
"""The length of a section, below Slack's limit."""
_SIGNS: Mapping[Outcome, str] = {
    Outcome.COMPLETED: "✅",
    Outcome.COMPLETED_WITH_FAILURES: "⚠️",
    Outcome.FAILED: "❌",
    Outcome.NOT_FOUND: "❓",
    Outcome.FORBIDDEN: "🔒",
    Outcome.TIMED_OUT: "⌛",
}
_KINDS: Mapping[str | None, str] = {"API": "API", "CSV": "CSV", "ACTIVITIES": "Activities", None: "Other"}


def render(digest: Digest) -> str:
    """Return the payload: blocks for display, `text` for notifications and screen readers."""
    headline = _headline(digest)
    lines = [_line(each) for each in digest.named]
    payload = {
        "text": f"{headline}: {_first(digest)} - {_people(digest.total)} ({neutralized(digest.id, ID_LIMIT)})",
        "mrkdwn": False,
        "blocks": [
            {"type": "header", "text": plain_text(headline, emoji=True)},
            *mentions(digest.mention),
            *map(_section, _packed(lines)),
            _section("\n".join(_sums(digest))),
            {"type": "context", "elements": list(_context(digest))},
        ],
    }
    return written(payload)


def _first(digest: Digest) -> str:
    """Return the names of the first imports, for notifications on a phone."""
    first = digest.named[:IN_TEXT]
    names = [neutralized(each.label or "", NAME_LIMIT) or neutralized(each.import_id, ID_LIMIT) for each in first]
    more = digest.total.imports - IN_TEXT
    return ", ".join(names) + (f" and {more:,} more" if more > 0 else "")


def _packed(lines: Sequence[str]) -> list[str]:
    """Return the lines in as few texts as the limit of a section allows."""
    texts: list[str] = []
    for line in lines:
        longer = f"{texts[-1]}\n{line}" if texts else ""
        if texts and formatted_units(longer) <= SECTION_LIMIT:
            texts[-1] = longer
        else:
            texts.append(line)
    return texts


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": mrkdwn(text)}


def _headline(digest: Digest) -> str:
    ended = f"{pluralized(digest.total.imports, 'import', 'imports')} ended"
    return f"⚠️ {ended}, {digest.problems:,} with problems" if digest.problems else f"✅ {ended}"


def _line(ended: EndedImport) -> str:
    sign = "⚠️" if ended.outcome is Outcome.COMPLETED and ended.warning else _SIGNS[ended.outcome]
    line = f"{sign} {_name(ended)} - {', '.join(_facts(ended))}"
    if ended.link is None or len(ended.link) > LINK_LIMIT:
        return line
    return f"{line} · {link(ended.link, 'Open in Rally')}"


def _name(ended: EndedImport) -> str:
    import_id = neutralized(ended.import_id, ID_LIMIT) or "?"
    label = neutralized(ended.label or "", NAME_LIMIT)
    name = f"{label} ({import_id})" if label else import_id
    if ended.workspace == DEFAULT_WORKSPACE:
        return name
    return f"{name} in {neutralized(ended.workspace, WORKSPACE_LIMIT)}"


def _facts(ended: EndedImport) -> Iterator[str]:
    if ended.outcome is not Outcome.COMPLETED_WITH_FAILURES and not ended.warning:
        yield ended.outcome.value.replace("_", " ")
    yield from _trend(ended)
    if ended.warning:
        yield ended.warning
    elif ended.reading is not None and ended.reading.person_count is not None:
        yield f"{pluralized(ended.reading.person_count, 'person', 'people')} imported"
    if not ended.warning and ended.reading is not None and ended.reading.failed_record_count:
        yield f"{pluralized(ended.reading.failed_record_count, 'record', 'records')} failed"
    took = "" if ended.took is None else humanized(ended.took)
    if took and ended.compared.usual is not None and humanized(ended.compared.usual) != took:
        yield f"took {took}, usually {humanized(ended.compared.usual)}"
    if ended.reason:
        yield neutralized(ended.reason, REASON_LIMIT)


def _trend(ended: EndedImport) -> Iterator[str]:
    """Yield how the end compares with those of earlier imports, where the difference is news."""
    match ended.compared:
        case Comparison(works_again=True) if not ended.warning:
            yield "works again"
        case Comparison(failed_in_a_row=count) if count > KEPT:
            yield f"one of more than {KEPT} failures in a row"
        case Comparison(failed_in_a_row=count) if count > 1:
            yield f"the {ordinal(count)} in a row"
        case _:
            pass


def _sums(digest: Digest) -> Iterator[str]:
    """Yield the number of imports that are not named, and the sums per type and in all."""
    if more := digest.total.imports - len(digest.named):
        yield f"… and {more:,} more"
    if len(digest.by_type) > 1:
        for type_, sums in digest.by_type.items():
            yield f"{_KINDS[type_]}: {_figures(sums)}"
    alone = next(iter(digest.by_type), None) if len(digest.by_type) == 1 else None
    yield f"{_KINDS[alone] if alone else 'In all'}: {_figures(digest.total)}"


def _figures(sums: Sums) -> str:
    figures = f"{pluralized(sums.imports, 'import', 'imports')}, {_people(sums)}"
    return f"{figures}, {pluralized(sums.failed, 'record', 'records')} failed" if sums.failed else figures


def _people(sums: Sums) -> str:
    return f"{pluralized(sums.people, 'person', 'people')} imported"


def _context(digest: Digest) -> Iterator[dict[str, Any]]:
    match digest.origin:
        case OfFlood():
            yield plain_text("One message, because many imports ended within a short time")
        case OfRule(rule=rule):
            yield mrkdwn(f"Digest of rule {code(rule, ID_LIMIT)}")
        case OfBatch():
            yield asker(digest.client)
    yield mrkdwn(f"Delivery {code(digest.id, ID_LIMIT)}")
    yield mrkdwn(local_time(digest.at))
