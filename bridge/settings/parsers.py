"""Parsers of single values: each takes a text and returns a value, or raises ValueError with a sentence.

What is judged is exactly what is returned. No message repeats a secret.
"""

import re
from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit

from bridge.domain.callback_secrets import FORM, check_secret
from bridge.domain.durations import duration
from bridge.domain.import_links import LONGEST_TEMPLATE, PLACE
from bridge.domain.mentions import USER_ID
from bridge.domain.secret import Secret
from bridge.domain.sentinel_urls import sentinel_url
from bridge.domain.times import Span

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
NAME_IN_WORDS = "a name of a-z, 0-9, - and _, which begins with a letter or digit and has at most 63 characters"
_FERNET_KEY = re.compile(r"[A-Za-z0-9_-]{43}=")
"""The form of a Fernet key: 32 bytes in URL-safe base64."""
_DATABASE = re.compile(r"(/|/\d+/?)?", re.ASCII)
_VISIBLE = re.compile(r"[\x21-\x7e]+")
_BOT_TOKEN = re.compile(r"(xoxe\.)?xoxb-")
_SEPARATORS = re.compile(r"[,\s]+")
_QUOTES = ('"', "'")
_HIGHEST_PORT = 65_535
_DEFAULT_PORTS = {"http": 80, "https": 443}
T = TypeVar("T")


def parts(text: str) -> list[str]:
    """Split a list. Commas, blanks and line ends separate the elements, none of which contains them."""
    return [part for part in _SEPARATORS.split(text) if part]


def each(text: str, what: str, parse: Callable[[str], T]) -> tuple[T, ...]:
    """Parse every element of a list in a text; raise ValueError with the number of each invalid one."""
    return each_of(parts(text), what, parse)


def each_of(elements: Sequence[str], what: str, parse: Callable[[str], T]) -> tuple[T, ...]:
    parsed: list[T] = []
    problems: list[str] = []
    for number, part in enumerate(elements, start=1):
        try:
            parsed.append(parse(part))
        except ValueError as error:
            problems.append(f"{what} {number} {error}")
    if problems or not parsed:
        raise ValueError("; ".join(problems) or "must hold at least one")
    return tuple(parsed)


def durations(text: str) -> tuple[Span, ...]:
    return each(text, "entry", duration)


def secrets(text: str) -> tuple[Secret, ...]:
    return each(text, "key", visible)


def is_quoted(text: str) -> bool:
    """Return whether a text begins or ends with a quote, which no value of ours does."""
    return text.strip().startswith(_QUOTES) or text.strip().endswith(_QUOTES)


def bot_token(text: str) -> Secret:
    """Return the token of a Slack bot; those of people and of apps can't post as the bot."""
    token = visible(text)
    if not _BOT_TOKEN.match(token.reveal()):
        raise ValueError(
            "must be the token of a bot, which begins with xoxb-: Bot User OAuth Token in Slack's settings"
        )
    return token


def visible(text: str) -> Secret:
    """Return a key or token; raise ValueError if a header can't contain it."""
    text = text.strip()
    if not _VISIBLE.fullmatch(text):
        raise ValueError("must consist of visible ASCII characters, without blanks")
    if is_quoted(text):
        raise ValueError("must not be enclosed in quotes, which would be part of it")
    return Secret(text)


def secret_url(text: str) -> Secret:
    """Return an http or https URL, which is checked as destinations are once the rules for them are known."""
    if _split(text.strip()).scheme not in {"http", "https"}:
        raise ValueError("must be one http or https URL")
    return Secret(text.strip())


def redis_url(text: str) -> Secret:
    if sentinel_url(text.strip()) is not None:
        return Secret(text.strip())
    url = _split(text.strip())
    if url.scheme not in {"redis", "rediss", "unix"}:
        raise ValueError("must begin with redis://, rediss://, unix://, redis+sentinel:// or rediss+sentinel://")
    if url.fragment or (url.scheme != "unix" and not _DATABASE.fullmatch(url.path)) or "@" in url.query:
        # After a / ? or # in the password, the rest of it would be no part of the password, but be ignored.
        raise ValueError("must be redis://[[user]:password@]host[:port]/[db]; percent-encode special characters")
    return Secret(text.strip())


def proxy_url(text: str) -> Secret:
    url = _split(text.strip())
    if url.scheme not in {"http", "https"} or not url.hostname or url.path.strip("/") or url.query or url.fragment:
        raise ValueError("must be http://host:port or https://host:port, optionally with user:password@")
    return Secret(text.strip())


def _split(url: str) -> SplitResult:
    """Split a URL. urllib's own messages are replaced, as they may hold a password."""
    if any(character.isspace() for character in url):
        raise ValueError("must be one URL, without blanks")
    try:
        split = urlsplit(url)
    except ValueError:
        raise ValueError("must be a URL: percent-encode special characters") from None
    if (port := _port(split)) is not None and not 1 <= port <= _HIGHEST_PORT:
        raise ValueError(f"must have a port from 1 to {_HIGHEST_PORT}; percent-encode special characters")
    return split


def _port(url: SplitResult) -> int | None:
    """Return the port; 0 if it is no number or too large."""
    try:
        return url.port
    except ValueError:
        return 0


def base_url(text: str) -> str:
    """Return a URL without the slashes at its end."""
    text = text.strip()
    url = _split(text)
    if url.scheme not in {"http", "https"} or not url.hostname:
        raise ValueError("must be an http or https URL")
    if url.username or url.password or url.query or url.fragment:
        raise ValueError("must have no user, password, query or fragment")
    if any(character in ',\\"' for character in text):
        raise ValueError("must be one URL, without commas, quotes and backslashes")
    return text.rstrip("/")


def import_url(text: str) -> str:
    """Return the template of a link: an http or https URL with {importId} once, after the host."""
    text = text.strip()
    url = _split(text)
    if url.scheme not in {"http", "https"} or not url.hostname or PLACE in url.netloc:
        raise ValueError(f"must be an http or https URL with {PLACE} after the host")
    if text.count(PLACE) != 1:
        raise ValueError(f"must contain {PLACE} once")
    if url.username or url.password:
        raise ValueError("must have no user and password")
    rest = text.replace(PLACE, "")
    if not _VISIBLE.fullmatch(rest) or any(character in '{}<>|\\"`^' for character in rest):
        raise ValueError(f"must consist of characters of URLs, beside {PLACE}; percent-encode others")
    if len(text) > LONGEST_TEMPLATE:
        raise ValueError(f"must have at most {LONGEST_TEMPLATE} characters")
    return text


def origins(text: str) -> tuple[str, ...]:
    return each(text, "origin", _origin)


def _origin(text: str) -> str:
    """Return an origin exactly as browsers send it: in lower case, without the default port."""
    url = _split(text)
    if url.scheme not in _DEFAULT_PORTS or not url.hostname or "*" in url.hostname or url.username or url.password:
        raise ValueError("must be https://host or https://host:port, without *")
    host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
    port = "" if url.port in {None, _DEFAULT_PORTS[url.scheme]} else f":{url.port}"
    if not text.isascii() or text != f"{url.scheme}://{host}{port}":
        raise ValueError("must be as browsers send it: in lower case, without path, slash at its end and default port")
    return text


def fernet_keys(text: str) -> tuple[Secret, ...]:
    return each(text, "key", _fernet_key)


def _fernet_key(text: str) -> Secret:
    if not _FERNET_KEY.fullmatch(text):
        raise ValueError("is not a Fernet key (44 characters of URL-safe base64)")
    return Secret(text)


def callback_secrets(text: str) -> tuple[Secret, ...]:
    return each(text, "secret", callback_secret)


def webhook_secrets(given: str | list[str]) -> tuple[Secret, ...]:
    """Return the secrets of Rally's pushes, of a text or of a list in `bridge.toml`."""
    return each_of(parts(given) if isinstance(given, str) else given, "secret", callback_secret)


SHORTEST_SIGNING_SECRET = 16


def signing_secrets(text: str) -> tuple[Secret, ...]:
    return each(text, "secret", _signing_secret)


def _signing_secret(text: str) -> Secret:
    if len(text) < SHORTEST_SIGNING_SECRET:
        raise ValueError("is too short; Slack shows it under Basic Information, as Signing Secret")
    return visible(text)


def slack_users(text: str) -> tuple[str, ...]:
    return each(text, "entry", _slack_user)


def _slack_user(text: str) -> str:
    if not re.fullmatch(USER_ID, text):
        raise ValueError("is not the id of a Slack user, such as U0123ABCD: in a profile, Copy member ID")
    return text


def callback_secret(text: str) -> Secret:
    if check_secret(text):
        raise ValueError(f"must be {FORM}")
    return Secret(text)
