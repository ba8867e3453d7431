"""Receivers: what identifies the place that a destination sends to, however it is written."""

import re
from collections.abc import Mapping
from functools import lru_cache

from bridge.destinations.egress.urls import ORIGINS, Forbidden, parse_url
from bridge.domain.destinations import (
    Callback,
    Destination,
    NamedDestination,
    ResolvedDestination,
    SlackChannel,
    SlackWebhook,
)

_PLAIN_URL = re.compile(r"(https?://[A-Za-z0-9.-]+(?::[0-9]+)?)(/[A-Za-z0-9_~/-]*)")
"""A URL whose path has one spelling, so that only its origin is parsed, and once: parsing takes long."""
_ENCODED = re.compile(r"%[0-9A-Fa-f]{2}")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")
"""Characters that mean the same with and without percent-encoding: https://www.rfc-editor.org/rfc/rfc3986#section-2.3"""


def receiver_of(destination: ResolvedDestination) -> str:
    """Return the identity of a receiver: the channel, or the URL in one spelling. It may be secret."""
    match destination:
        case SlackChannel(channel=channel):
            return channel
        case SlackWebhook(url=url) | Callback(url=url):
            return canonical_url(url.reveal())


def receiver_in(destination: Destination, named: Mapping[str, ResolvedDestination]) -> str:
    """Return the identity of the receiver of a destination, which may be a name; of an unknown name, the name."""
    match destination:
        case NamedDestination(name=name):
            return receiver_of(named[name]) if name in named else f"named {name}"
        case _:
            return receiver_of(destination)


def identity_of(destination: Destination) -> str:
    """Return what a fingerprint of a destination is made of; it may be secret.

    A name stands for itself: otherwise a client could find out which URL it names, by fingerprints of its own URLs.
    """
    match destination:
        case NamedDestination(name=name):
            return f"named {name}"
        case _:
            return receiver_of(destination)


def canonical_url(url: str) -> str:
    """Return a URL in one spelling: its origin, path and query, without needless percent-encoding."""
    if (plain := _PLAIN_URL.fullmatch(url)) and (origin := _canonical_origin(plain[1])) is not None:
        return origin + plain[2]
    parsed = parse_url(url)
    if isinstance(parsed, Forbidden):
        return url
    path = parsed.parsed.raw_path.decode("ascii").removesuffix("?")
    return parsed.origin + _ENCODED.sub(_decoded, path)


@lru_cache(maxsize=ORIGINS)
def _canonical_origin(origin: str) -> str | None:
    """Return an origin in one spelling; None if nothing can be sent to it."""
    parsed = parse_url(origin)
    return None if isinstance(parsed, Forbidden) else parsed.origin


def _decoded(encoded: re.Match[str]) -> str:
    character = chr(int(encoded[0][1:], 16))
    return character if _UNRESERVED.fullmatch(character) else encoded[0].upper()
