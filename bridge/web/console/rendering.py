"""Pages of the console: rendered from templates, with a policy that allows only files of our own."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode

from starlette.responses import HTMLResponse, Response

from bridge.domain.times import DAY, HOUR, MINUTE, SECOND, Moment, Span, moment_of

TEMPLATES = files("bridge.web.console") / "templates"
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store", "Referrer-Policy": "same-origin"}
_UNITS: Mapping[str, Span] = {"d": DAY, "h": HOUR, "min": MINUTE, "s": SECOND}


def html(template: str, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any) -> Response:
    """Return the page of a template; every value in it is escaped."""
    content = _environment().get_template(template).render(**values)
    return HTMLResponse(content, status, {**HEADERS, **(headers or {})})


@cache
def asset(name: str) -> tuple[str, str]:
    """Return the text of a style sheet or a script, and its version: a part of its address, so that it may be kept."""
    text = (TEMPLATES / name).read_text("utf-8")
    return text, hashlib.sha256(text.encode()).hexdigest()[:16]


@cache
def _environment() -> Any:
    import jinja2  # noqa: PLC0415 - only for the pages

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("bridge.web.console", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.globals |= {"asset_path": _asset_path}
    environment.filters |= {
        "clock": clock,
        "ago": ago,
        "query": _query,
        "span": span_text,
        "number": number,
        "cells": cells,
    }
    return environment


def _asset_path(name: str) -> str:
    return f"/console/static/{name}?v={asset(name)[1]}"


def _query(values: Mapping[str, Any]) -> str:
    """Return values as a query string, without those that are missing."""
    return urlencode({name: value for name, value in values.items() if value not in {None, ""}})


def cells(values: Sequence[str], names: Sequence[str]) -> str:
    """Return the HTML of a row of numbers, each with the name of its column; a template takes longer for many."""
    return "".join(
        f'<td data-label="{escape(name)}" class="number">{escape(value)}</td>'
        for name, value in zip(names, values, strict=True)
    )


def number(value: float | None) -> str:
    """Return a value for people: with one digit after the point, unless it is whole."""
    return "–" if value is None else f"{value:,.1f}".removesuffix(".0")


def clock(time: str | Moment) -> str:
    """Return a time for people: `2026-11-24 03:37:39`, in UTC."""
    return datetime.fromtimestamp(_moment(time) / SECOND, UTC).strftime("%Y-%m-%d %H:%M:%S")


def ago(time: str | Moment, now: Moment) -> str:
    """Return a time as seen from `now`: `3 min ago`, `in 20 s`."""
    span = now - _moment(time)
    text = span_text(abs(span))
    return "now" if abs(span) < SECOND else f"{text} ago" if span > 0 else f"in {text}"


def span_text(span: Span) -> str:
    """Return a span in its largest unit: `3 min`."""
    for unit, length in _UNITS.items():
        if span >= length:
            return f"{span // length} {unit}"
    return f"{span} ms"


def _moment(time: str | Moment) -> Moment:
    return time if isinstance(time, int) else moment_of(time) or 0
