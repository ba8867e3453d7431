"""Content negotiation: which of the media types of a resource a request prefers.

Source: https://www.rfc-editor.org/rfc/rfc9110#section-12.5.1
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

ANY = "*"
_QUALITY = re.compile(r"(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)")


class MediaRange(NamedTuple):
    """A media range of an Accept header."""

    type: str
    subtype: str
    quality: float
    position: int
    """The place in the header, from 0 downwards: of equal ones, the first is preferred."""

    @property
    def specificity(self) -> int:
        return (self.type != ANY) + (self.subtype != ANY)

    def fits(self, media_type: str) -> bool:
        type_, _, subtype = media_type.partition("/")
        return self.type in {ANY, type_} and self.subtype in {ANY, subtype}


def preferred(accept: str, offered: Sequence[str]) -> str | None:
    """Return the offered media type that an Accept header prefers, the first one without a preference.

    Return None if it accepts none of them.
    """
    if not accept.strip():
        return offered[0]
    ranges = list(_ranges(accept))
    found: list[tuple[MediaRange, str]] = []
    for media_type in offered:
        fitting = [each for each in ranges if each.fits(media_type)]
        if fitting and (best := max(fitting, key=lambda each: each.specificity)).quality > 0:
            found.append((best, media_type))
    return max(found, key=lambda each: _rank(each[0]), default=(None, None))[1]


def _rank(found: MediaRange) -> tuple[float, int, int]:
    return found.quality, found.specificity, found.position


def _ranges(accept: str) -> Iterator[MediaRange]:
    """Yield the valid media ranges of a header; parameters other than the quality are ignored."""
    for number, part in enumerate(accept.split(",")):
        name, *parameters = (each.strip().lower() for each in part.split(";"))
        type_, slash, subtype = name.partition("/")
        qualities = [each.removeprefix("q=").strip() for each in parameters if each.startswith("q=")]
        valid = type_ and subtype and slash and (type_ != ANY or subtype == ANY)
        if valid and all(map(_QUALITY.fullmatch, qualities)):
            yield MediaRange(type_, subtype, float(qualities[0]) if qualities else 1.0, -number)
