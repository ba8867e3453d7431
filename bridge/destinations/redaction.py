"""Redaction of a destination's secrets in its responses, before these are recorded, logged or shown."""

import html
import json
import re
from base64 import b64decode
from collections.abc import Iterator, Sequence
from urllib.parse import quote, unquote

import httpx

from bridge.destinations.slack.bot import SlackBot
from bridge.domain.destinations import Callback, ResolvedDestination, SlackChannel, SlackWebhook

REDACTED = "•••"
FRAGMENT = 8
"""The number of consecutive characters shared with a secret that are redacted: parts of secrets reveal too much."""
SHORTEST = 4
"""The length from which secrets are redacted; those shorter than FRAGMENT only as whole words."""
STEP = FRAGMENT // 2
_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
"""A table for lower case that, unlike `str.lower`, keeps the position of each character."""


def secrets_of(destination: ResolvedDestination, bot: SlackBot | None) -> Sequence[str]:
    """Return a destination's secrets: path and query of its URL, header values, signing secret or token."""
    match destination:
        case SlackWebhook(url=url):
            return tuple(_secrets_of_url(url.reveal()))
        case SlackChannel():
            return () if bot is None else (bot.token.reveal(),)
        case Callback(url=url, secret=secret, headers=headers):
            values = [value.reveal() for value in headers.values()]
            own = [] if secret is None else [secret.reveal()]
            return (*_secrets_of_url(url.reveal()), *values, *own)


def redact(text: str, destination: ResolvedDestination, bot: SlackBot | None) -> str:
    """Redact the parts of a text that occur in a destination's secrets: also encoded, escaped, cut, or in other case.

    Most responses are empty or `ok`; for these, the secrets are not even read.
    """
    if len(text) < SHORTEST:
        return text
    forms = sorted({form for secret in secrets_of(destination, bot) for form in _forms(secret)})
    long_forms, plain = "\0".join(form for form in forms if len(form) >= FRAGMENT), _plain(text)
    # A shared fragment contains one of these pieces; most texts contain none, so this check is fast.
    if any(plain[start : start + STEP + 1] in long_forms for start in range(0, len(plain) - STEP, STEP)):
        text = "".join(_without_fragments(text, plain, long_forms))
    if pattern := _short_forms(forms):
        text = pattern.sub(REDACTED, text)
    return text


def _without_fragments(text: str, plain: str, forms: str) -> Iterator[str]:
    start = kept_from = 0
    while start + FRAGMENT <= len(plain):
        end = start + FRAGMENT
        if plain[start:end] not in forms:
            start += 1
            continue
        while end < len(plain) and plain[end - FRAGMENT + 1 : end + 1] in forms:
            end += 1
        yield text[kept_from:start] + REDACTED
        start = kept_from = end
    yield text[kept_from:]


def _secrets_of_url(url: str) -> Iterator[str]:
    parsed = httpx.URL(url)
    path, _, query = parsed.raw_path.decode("ascii").partition("?")
    yield path
    yield from path.split("/")
    yield query
    yield from parsed.params.values()


def _plain(text: str) -> str:
    return text.translate(_LOWER)


def _short_forms(forms: Sequence[str]) -> re.Pattern[str] | None:
    short = [re.escape(form) for form in forms if SHORTEST <= len(form) < FRAGMENT]
    pattern = rf"(?<![0-9A-Za-z])(?:{'|'.join(short)})(?![0-9A-Za-z])"
    return re.compile(pattern, re.IGNORECASE) if short else None


def _forms(secret: str) -> Iterator[str]:
    """Yield a secret as it is written in URLs, HTML and JSON, in lower case."""
    decoded = unquote(secret)
    encoded = quote(decoded, safe="")
    escaped = html.escape(decoded)
    in_json = json.dumps(decoded)[1:-1]
    forms = [
        *(secret, decoded, encoded, quote(decoded), quote(encoded, safe="")),
        *(html.escape(secret), escaped, escaped.replace("/", "&#x2f;"), escaped.replace("/", "&#47;")),
        *(in_json, in_json.replace("/", "\\/"), *_basic(secret)),
    ]
    return map(_plain, forms)


def _basic(value: str) -> Iterator[str]:
    """Yield user name and password of a Basic Authorization value."""
    scheme, _, credentials = value.partition(" ")
    if scheme.lower() == "basic":
        try:
            yield b64decode(credentials, validate=True).decode()
        except ValueError:
            return
