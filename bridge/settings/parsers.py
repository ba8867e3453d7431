"""Parsers of variables: each takes a string and returns a value, or raises ValueError with a sentence.

No message repeats a secret.
"""

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from cryptography.fernet import Fernet

from bridge.domain.callback_secrets import FORM, check_secret
from bridge.domain.durations import duration
from bridge.domain.secret import Secret
from bridge.domain.times import Span
from bridge.domain.workspaces import DEFAULT_WORKSPACE

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_VISIBLE = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """One more Rally account: its name here, its key, and its base URL where it is another than the first one's."""

    name: str
    key: Secret
    base_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredDestination:
    """A destination under a name: an incoming webhook of Slack's, or else a callback."""

    name: str
    slack: bool
    url: Secret


def parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def durations(text: str) -> tuple[Span, ...]:
    return tuple(duration(part) for part in parts(text))


def secret(text: str) -> Secret:
    return Secret(text.strip())


def secrets(text: str) -> tuple[Secret, ...]:
    return tuple(Secret(part) for part in parts(text))


def bearer(text: str) -> Secret:
    """Return a key or token that is valid in a header."""
    if not _VISIBLE.fullmatch(text.strip()):
        raise ValueError("must consist of visible ASCII characters")
    return secret(text)


def redis_url(text: str) -> Secret:
    scheme = _split(text.strip()).scheme
    if scheme not in {"redis", "rediss", "unix"}:
        raise ValueError("must begin with redis://, rediss:// or unix://")
    return secret(text)


def proxy_url(text: str) -> Secret:
    url = _split(text.strip())
    if url.scheme not in {"http", "https"} or not url.hostname or url.path.strip("/") or url.query or url.fragment:
        raise ValueError("must be http://host:port or https://host:port, optionally with user:password@")
    return secret(text)


def _split(url: str) -> SplitResult:
    """Split a URL. urllib's own message is replaced, as it may hold a password."""
    try:
        return urlsplit(url)
    except ValueError:
        raise ValueError("must be a URL: percent-encode special characters") from None


def base_url(text: str) -> str:
    url = _split(text.strip())
    if url.scheme not in {"http", "https"} or not url.hostname:
        raise ValueError("must be an http or https URL")
    if url.username or url.password or url.query or url.fragment:
        raise ValueError("must have no user, password, query or fragment")
    return text.strip().rstrip("/")


def workspaces(text: str) -> tuple[Workspace, ...]:
    parsed: list[Workspace] = []
    problems: list[str] = []
    for number, part in enumerate(parts(text), start=1):
        name, _, rest = part.partition(":")
        key, at, url = rest.partition("@")
        if not NAME.fullmatch(name) or not _VISIBLE.fullmatch(key):
            problems.append(f"entry {number} must be name:key or name:key@https://base.url")
            continue
        try:
            elsewhere = base_url(url) if at else None
        except ValueError as error:
            problems.append(f"the base URL of {name!r} {error}")
            continue
        if name == DEFAULT_WORKSPACE or any(known.name == name for known in parsed):
            problems.append(f"the name {name!r} is taken")
        else:
            parsed.append(Workspace(name=name, key=Secret(key), base_url=elsewhere))
    if problems:
        raise ValueError("; ".join(problems))
    return tuple(parsed)


def named_destinations(text: str) -> tuple[ConfiguredDestination, ...]:
    parsed: list[ConfiguredDestination] = []
    problems: list[str] = []
    for number, part in enumerate(parts(text), start=1):
        name, _, rest = part.partition("=")
        kind, _, url = rest.partition(":") if rest.startswith(("slack:", "callback:")) else ("", "", rest)
        if not NAME.fullmatch(name) or not url.startswith(("http://", "https://")):
            problems.append(f"entry {number} must be name=https://… (or name=slack:https://…, name=callback:https://…)")
        elif any(known.name == name for known in parsed):
            problems.append(f"the name {name!r} is taken")
        else:
            host = _split(url).hostname or ""
            slack = kind == "slack" or (not kind and host.startswith("hooks.slack"))
            parsed.append(ConfiguredDestination(name=name, slack=slack, url=Secret(url)))
    if problems:
        raise ValueError("; ".join(problems))
    return tuple(parsed)


def fernet_keys(text: str) -> tuple[Secret, ...]:
    for number, part in enumerate(parts(text), start=1):
        try:
            Fernet(part)
        except ValueError:
            raise ValueError(f"key {number} is not a Fernet key (44 characters of URL-safe base64)") from None
    return _at_least_one(text)


def callback_secrets(text: str) -> tuple[Secret, ...]:
    for number, part in enumerate(parts(text), start=1):
        if check_secret(part):
            raise ValueError(f"secret {number} must be {FORM}")
    return _at_least_one(text)


def _at_least_one(text: str) -> tuple[Secret, ...]:
    secrets = tuple(Secret(part) for part in parts(text))
    if not secrets:
        raise ValueError("must hold at least one")
    return secrets
