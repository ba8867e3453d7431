"""The inbox page: received messages as a person would see them, and the simulated imports."""

import json
from datetime import UTC, datetime
from html import escape
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from bridge.sandbox.inbox import Inbox, Message
from bridge.sandbox.mrkdwn import as_html
from bridge.sandbox.rally import Rally

POLICY = "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
REFRESH = 2
"""Seconds."""
SHOWN = 50

_FRAME = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="{refresh}"><title>rally-bridge sandbox: inbox</title>
<link rel="stylesheet" href="/style.css"></head><body>
<header><h1>Inbox</h1>
<p>What Slack and your tools would have received. Times are UTC; the page renews itself.</p></header>
<main>{messages}</main>
<aside><h2>Imports in the sandbox</h2>{imports}<h2>Rate limit</h2>{limit}</aside>
</body></html>"""


class Page:
    """Renders the inbox; all text in it is untrusted and escaped."""

    def __init__(self, rally: Rally, inbox: Inbox) -> None:
        self._rally = rally
        self._inbox = inbox

    async def show(self, _: Request) -> Response:
        newest = list(self._inbox.messages)[: -SHOWN - 1 : -1]
        html = _FRAME.format(
            refresh=REFRESH,
            messages="".join(_message(message) for message in newest) or _EMPTY,
            imports=self._imports(),
            limit=self._limit(),
        )
        return HTMLResponse(html, headers={"Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer"})

    def _imports(self) -> str:
        now = self._rally.now()
        rows = [story.as_json(now) for story in list(self._rally.stories.values())[: -SHOWN - 1 : -1]]
        if not rows:
            return "<p class='quiet'>None yet. An id that begins with <code>demo-</code> makes one by itself.</p>"
        cells = "".join(
            f"<tr><td><code>{escape(row['importId'])}</code></td><td>{escape(row['status'])}</td>"
            f"<td class='number'>{row['personCount']}</td></tr>"
            for row in rows
        )
        return f"<table><tr><th>Import</th><th>Status</th><th class='number'>People</th></tr>{cells}</table>"

    def _limit(self) -> str:
        now, window = self._rally.now(), self._rally.window
        used = window.taken[window.end(now)]
        return (
            f"<p>{used} of {window.limit} requests used; the window of {window.seconds} s ends at"
            f" {_time(window.end(now))}.</p>"
        )


_EMPTY = (
    "<p class='empty'>Nothing has arrived yet. Paste a <code>curl</code> line that <code>rally-bridge up</code>"
    " printed; the first messages come about ten seconds later.</p>"
)


def _message(message: Message) -> str:
    body = _slack(message) if message.kind == "slack" else _callback(message)
    answered = f"answered {message.status}"
    return f"<article class='{message.kind}'>{body}<footer>{_time(message.at)} · {escape(answered)}</footer></article>"


def _slack(message: Message) -> str:
    payload = message.parsed() if message.verified else None
    if not isinstance(payload, dict):
        return f"<p class='bad'>✗ Slack refuses this: {escape(message.why or '')}</p><pre>{escape(message.body)}</pre>"
    blocks = "".join(_block(block) for block in payload.get("blocks", [])) or f"<p>{as_html(str(payload['text']))}</p>"
    head = f"<p class='from'><b>rally-bridge</b> <span class='tag'>APP</span> {_time(message.at)}</p>"
    preview = f"<p class='preview'>On a phone: {as_html(str(payload.get('text', '')), formatted=False)}</p>"
    return f"<div class='avatar' aria-hidden='true'>🔔</div><div class='says'>{head}{blocks}{preview}</div>"


def _block(block: dict[str, Any]) -> str:
    match block:
        case {"type": "header", "text": text}:
            return f"<h3>{_text(text)}</h3>"
        case {"type": "section"}:
            text = f"<p>{_text(block['text'])}</p>" if "text" in block else ""
            fields = "".join(f"<div>{_text(each)}</div>" for each in block.get("fields", []))
            return text + (f"<div class='fields'>{fields}</div>" if fields else "")
        case {"type": "context", "elements": elements}:
            return f"<p class='context'>{' '.join(_text(each) for each in elements)}</p>"
        case _:
            return "<hr>"


def _text(text: dict[str, Any]) -> str:
    return as_html(text["text"], formatted=text["type"] == "mrkdwn")


def _callback(message: Message) -> str:
    parsed = message.parsed()
    kind = parsed.get("type", "no type") if isinstance(parsed, dict) else "not JSON"
    shown = message.body if parsed is None else json.dumps(parsed, indent=2, ensure_ascii=False)
    badge = (
        "<span class='tag good'>✓ signature verified</span>"
        if message.verified
        else f"<span class='tag bad'>✗ {escape(message.why or 'not verified')}</span>"
    )
    return (
        f"<p class='from'><b>{escape(str(kind))}</b> {badge}</p>"
        f"<p class='context'>to <code>/inbox/callbacks/{escape(message.name)}</code> ·"
        f" webhook-id <code>{escape(message.headers.get('webhook-id', 'none'))}</code></p><pre>{escape(shown)}</pre>"
    )


def _time(moment: float) -> str:
    try:
        return datetime.fromtimestamp(moment, UTC).strftime("%H:%M:%S")
    except (ValueError, OverflowError, OSError):  # beyond every calendar
        return "at no time"
