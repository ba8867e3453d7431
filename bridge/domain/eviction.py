"""Eviction: which keys Redis drops when its memory is full, by its maxmemory-policy."""

from enum import StrEnum


class Eviction(StrEnum):
    """What a policy drops."""

    NOTHING = "nothing"
    EXPIRING = "expiring"
    """Keys that expire; no record of ours does, only marks of arq's jobs and of paces."""
    ANYTHING = "anything"
    UNKNOWN = "unknown"


def eviction_by(policy: str | None) -> Eviction:
    """Classify a policy; None: Redis does not report it."""
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
    """Say what a policy may cost; None when it costs nothing."""
    match eviction_by(policy):
        case Eviction.NOTHING:
            return None
        case Eviction.EXPIRING:
            return f"maxmemory-policy {policy}: when memory is short Redis drops marks of arq's jobs, but no watch"
        case Eviction.ANYTHING:
            return f"maxmemory-policy {policy}: when memory is short Redis drops watches without an error"
        case Eviction.UNKNOWN if policy is None:
            return "Redis does not report its maxmemory-policy; any but noeviction may lose watches"
        case Eviction.UNKNOWN:
            return f"maxmemory-policy {policy[:40]!r} is not known; any but noeviction may lose watches"
