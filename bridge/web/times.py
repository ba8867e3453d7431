"""Moments as JSON has them."""

from bridge.domain.times import Moment, rfc3339


def rfc3339_or_none(moment: Moment | None) -> str | None:
    return None if moment is None else rfc3339(moment)
