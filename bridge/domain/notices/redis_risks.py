"""What the settings of Redis, its replicas and its clock put at risk, in words; the doctor and the start name it."""

from dataclasses import dataclass

from bridge.domain.times import SECOND, Span

NEARLY_FULL = 0.9
"""The used share of Redis' memory from which the operator is warned: by notices, alerts and the doctor."""
CLOCK_TOLERANCE: Span = 5 * SECOND
"""The difference of clocks from which the log lines of several machines are visibly out of order."""


@dataclass(frozen=True, slots=True)
class Risk:
    """What may be lost, or does not work; `certain` if a single crash loses it, or if it does not work now."""

    text: str
    certain: bool = False


def durability_risk(*, append_only: bool | None, append_ok: bool | None, fsync: str | None) -> Risk | None:
    """Return what a crash may lose; None if every write is on disk before its reply."""
    if append_only is False:
        return Risk("no append-only file (appendonly no): a crash of Redis loses accepted watches", certain=True)
    if append_ok is False:
        return Risk("the append-only file can't be written", certain=True)
    if append_only is None or fsync is None:
        return Risk("it does not report whether and when it writes to disk")
    if fsync == "always":
        return None
    last = "the last second" if fsync == "everysec" else "the last 30 seconds or more"
    return Risk(f"appendfsync {fsync}: a power cut may lose {last} of accepted watches")


def replication_risk(replicas: int | None, required: int) -> Risk | None:
    """Return what a failover may lose, if `required` replicas must confirm each write; None if nothing."""
    if replicas is None:
        return Risk("it does not report its replicas, which REDIS_MIN_REPLICAS requires") if required else None
    if replicas < required:
        missing = f"REDIS_MIN_REPLICAS is {required}, but {_count(replicas)} connected: nothing can be accepted"
        return Risk(missing, certain=True)
    if replicas and not required:
        last = "a failover may lose what was accepted, pushed or settled last"
        return Risk(f"{_count(replicas)} connected, and REDIS_MIN_REPLICAS is not set: {last}")
    if replicas > required:
        last = "a planned failover may lose what was acknowledged in its first second"
        return Risk(f"only {required} of {replicas} replicas must confirm (REDIS_MIN_REPLICAS): {last}")
    return None


def _count(replicas: int) -> str:
    return "1 replica is" if replicas == 1 else f"{replicas or 'no'} replicas are"


def room_risk(share: float | None) -> Risk | None:
    """Return what may soon happen because Redis' memory is nearly full; None if it is not, or if `share` is unknown.

    `share` is the used part of its memory, from 0 to 1.
    """
    if share is None or share < NEARLY_FULL:
        return None
    soon = "watches are refused" if share >= 1 else "soon watches are refused"
    return Risk(f"{share:.0%} of maxmemory is used: {soon}")


def clock_risk(ahead: Span) -> Risk | None:
    """Return what it means that the clock of this machine is ahead of Redis' by so much."""
    if abs(ahead) < CLOCK_TOLERANCE:
        return None
    side = "ahead of" if ahead > 0 else "behind"
    seconds = f"{abs(ahead) / SECOND:,.0f} s"
    return Risk(f"the clock of this machine is {seconds} {side} Redis': log lines of several machines are out of order")
