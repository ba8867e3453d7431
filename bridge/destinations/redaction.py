"""What a receiver repeats of its own destination's secrets, struck out before it is recorded, logged or shown."""

import html
import json
import re
from base64 import b64decode
from collections.abc import Iterator, Sequence
from urllib.parse import quote, unquote

import httpx

from bridge.destinations.slack_bot import SlackBot
from bridge.domain.deliveries import Callback, ResolvedDestination, SlackChannel, SlackWebhook

REDACTED = "•••"
FRAGMENT = 8
"""Characters in a row that a text shares with a secret before they are struck: a part of it tells too much as well."""
SHORTEST = 4
"""What is shorter is no secret. From here to a fragment, a secret is struck where it stands as a word of its own."""
STEP = FRAGMENT // 2
_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
"""Unlike `str.lower` it keeps every character's position."""


def secrets_of(address: ResolvedDestination, bot: SlackBot | None) -> Sequence[str]:
    """Return what a destination is sent and nobody else may read: path, query, header values, secret or token."""
    match address:
        case SlackWebhook(url=url):
            return tuple(_secrets_of_url(url.reveal()))
        case SlackChannel():
            return () if bot is None else (bot.token.reveal(),)
        case Callback(url=url, secret=secret, headers=headers):
            values = [value.reveal() for value in headers.values()]
            own = [] if secret is None else [secret.reveal()]
            return (*_secrets_of_url(url.reveal()), *values, *own)


def redact(text: str, secrets: Sequence[str]) -> str:
    """Replace what a text shares with the secrets, in whatever usual form: encoded, escaped, cut, in other case."""
    if len(text) < SHORTEST:
        return text
    forms = sorted({form for secret in secrets for form in _forms(secret)})
    long_forms, plain = "\0".join(form for form in forms if len(form) >= FRAGMENT), _plain(text)
    # Whatever shares a fragment shares one of these pieces, so that most texts are done with here.
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
    """Decode user name and password of a header's value."""
    scheme, _, credentials = value.partition(" ")
    if scheme.lower() == "basic":
        try:
            yield b64decode(credentials, validate=True).decode()
        except ValueError:
            return
