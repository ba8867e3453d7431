"""Conversion of Slack's mrkdwn to HTML, as far as the messages of the bridge need it.

Source: https://docs.slack.dev/messaging/formatting-message-text
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from html import escape

_TOKEN = re.compile(r"<([^<>]+)>")
_STYLES = ((re.compile(r"\*([^*\n]+)\*"), "b"), (re.compile(r"(?<!\w)_([^_\n]+)_(?!\w)"), "i"))
_CODE = re.compile(r"(`[^`\n]+`)")
_DATE = re.compile(r"!date\^(\d+)\^([^|^]*)[^|]*\|(.*)")
_DATE_PARTS: Mapping[str, str] = {
    "date_num": "%Y-%m-%d",
    "date": "%d %B %Y",
    "date_short": "%d %b %Y",
    "date_long": "%A %d %B %Y",
    "date_pretty": "%d %B",
    "date_short_pretty": "%d %b",
    "date_long_pretty": "%A %d %B",
    "time": "%H:%M",
    "time_secs": "%H:%M:%S",
}
_DATE_PART = re.compile(r"\{(\w+)\}")

Name = Callable[[str], str | None]
"""Returns the name of a person (`@U…`) or a channel (`#C…`), if it is known."""


def _nameless(_: str) -> str | None:
    return None


def as_html(text: str, *, formatted: bool = True, name: Name = _nameless) -> str:
    """Render text; Slack's three entities become characters, everything else is escaped for HTML."""
    if not formatted:
        return _escaped(text)
    parts = _CODE.split(text)
    return "".join(
        f"<code>{_escaped(part[1:-1])}</code>" if number % 2 else _styled(part, name)
        for number, part in enumerate(parts)
    ).replace("\n", "<br>")


def _styled(text: str, name: Name) -> str:
    pieces = []
    for number, piece in enumerate(_TOKEN.split(text)):
        pieces.append(_token(piece, name) if number % 2 else _escaped(piece))
    html = "".join(pieces)
    for pattern, tag in _STYLES:
        html = pattern.sub(rf"<{tag}>\1</{tag}>", html)
    return html


def _token(token: str, name: Name) -> str:
    if date := _DATE.fullmatch(token):
        return _date(date[1], date[2]) or _escaped(date[3])
    if token.startswith(("!", "@", "#")):
        mentioned = token.partition("|")[0]
        return f"<mark>{_escaped(name(mentioned) or token)}</mark>"
    url, _, label = token.partition("|")
    return f"<u>{_escaped(label or url)}</u>"


def _date(seconds: str, form: str) -> str | None:
    """Format a time as Slack would; None for one out of range, for which Slack shows the fallback text."""
    try:
        moment = datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return f"{_escaped(_DATE_PART.sub(lambda part: moment.strftime(_DATE_PARTS.get(part[1], part[0])), form))} UTC"


def _escaped(text: str) -> str:
    return escape(text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
