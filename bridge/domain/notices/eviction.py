"""Eviction: which keys each maxmemory-policy lets Redis delete when its memory is full."""

from enum import StrEnum


class Eviction(StrEnum):
    """What a policy deletes."""

    NOTHING = "nothing"
    EXPIRING = "expiring"
    """Keys with an expiry: arq's job keys and pacing keys; records of watches have none."""
    ANYTHING = "anything"
    UNKNOWN = "unknown"


def eviction_by(policy: str | None) -> Eviction:
    """Classify a policy; None if Redis does not report it."""
    match policy:
        case "noeviction":
            return Eviction.NOTHING
        case str() if policy.startswith("volatile-"):
            return Eviction.EXPIRING
        case str() if policy.startswith("allkeys-") or policy == "eviction":  # the latter in Dragonfly
            return Eviction.ANYTHING
        case _:
            return Eviction.UNKNOWN


def eviction_risk(policy: str | None) -> str | None:
    """Return what could be lost under a policy, in words; None if nothing."""
    match eviction_by(policy):
        case Eviction.NOTHING:
            return None
        case Eviction.EXPIRING:
            return f"maxmemory-policy {policy}: when memory is short Redis drops keys of arq's jobs, but no watch"
        case Eviction.ANYTHING:
            return f"maxmemory-policy {policy}: when memory is short Redis drops watches without an error"
        case Eviction.UNKNOWN if policy is None:
            return "Redis does not report its maxmemory-policy; any but noeviction may lose watches"
        case Eviction.UNKNOWN:
            return f"maxmemory-policy {policy[:40]!r} is not known; any but noeviction may lose watches"
