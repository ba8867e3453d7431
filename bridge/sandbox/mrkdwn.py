"""Conversion of Slack's mrkdwn to HTML, as far as the messages of the bridge need it.

Source: https://docs.slack.dev/messaging/formatting-message-text
"""

import re
from datetime import UTC, datetime
from html import escape

_TOKEN = re.compile(r"<([^<>]+)>")
_STYLES = ((re.compile(r"\*([^*\n]+)\*"), "b"), (re.compile(r"(?<!\w)_([^_\n]+)_(?!\w)"), "i"))
_CODE = re.compile(r"(`[^`\n]+`)")


def as_html(text: str, *, formatted: bool = True) -> str:
    """Render text; Slack's three entities become characters, everything else is escaped for HTML."""
    if not formatted:
        return _escaped(text)
    parts = _CODE.split(text)
    return "".join(
        f"<code>{_escaped(part[1:-1])}</code>" if number % 2 else _styled(part) for number, part in enumerate(parts)
    ).replace("\n", "<br>")


def _styled(text: str) -> str:
    pieces = []
    for number, piece in enumerate(_TOKEN.split(text)):
        pieces.append(_token(piece) if number % 2 else _escaped(piece))
    html = "".join(pieces)
    for pattern, tag in _STYLES:
        html = pattern.sub(rf"<{tag}>\1</{tag}>", html)
    return html


def _token(token: str) -> str:
    date = re.fullmatch(r"!date\^(\d+)\^[^|]*\|(.*)", token)
    if date:
        return _date(date[1]) or _escaped(date[2])
    if token.startswith(("!", "@", "#")):
        return f"<mark>{_escaped(token)}</mark>"
    url, _, label = token.partition("|")
    return f"<u>{_escaped(label or url)}</u>"


def _date(seconds: str) -> str | None:
    """Format a time as Slack would; None for one out of range, for which Slack shows the fallback text."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC).strftime("%d %b %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return None


def _escaped(text: str) -> str:
    return escape(text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
