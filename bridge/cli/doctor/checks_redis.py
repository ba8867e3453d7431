"""Judgments of what we stand on: Redis, the clocks, the workers. Pure: values in, findings out."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from bridge.cli.doctor.findings import Finding, failed, ok, warning
from bridge.domain.eviction import Eviction, eviction_by, eviction_risk
from bridge.domain.times import SECOND, Span
from bridge.redis.server import OLDEST_REDIS, dotted
from bridge.store.schema import REMEDY, schema_problem

SLOW = 20.0
"""Milliseconds; a POST waits for one round trip, a poll or a delivery for about four."""
NEARLY_FULL = 0.9
SHOWN = 3
"""Missing rights that are told one by one."""
HEARD_LATE: Span = 5 * SECOND
"""A worker takes a ring for its own by its own clock; a later one than its next round is of no use."""
STALE: Span = 300 * SECOND
"""Standard Webhooks: how far off its timestamp a receiver takes a callback."""
HALF_WAY_STALE: Span = 60 * SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisSeen:
    """What Redis told of itself; None: it would not say."""

    product: str = "Redis"
    version: str | None
    replica: bool = False
    cluster: bool = False
    aof: bool | None
    aof_broken: bool = False
    fsync: str | None
    policy: str | None
    limit: int = 0
    """Its maxmemory in bytes; 0: none."""
    used: int = 0
    round_trips: Sequence[float]
    """Milliseconds."""
    writes_refused: str | None = None
    full: bool = False
    """Whether they are refused for want of memory."""
    rights_refused: Sequence[str] = ()
    """What Redis says where its user may not do what the bridge does."""
    layout: str | None = None
    """The version that its data names, '' where it names none; None: it holds nothing yet."""
    opens: bool | None
    """Whether our encryption keys open what it holds; None: it holds nothing yet."""


def of_redis(place: str, seen: RedisSeen) -> Iterator[Finding]:
    yield _version(place, seen)
    yield _durability(seen)
    yield _eviction(seen)
    yield _latency(seen.round_trips)
    yield _writes(seen)
    yield _rights(seen.rights_refused)
    yield _layout(seen)
    yield _seal(seen)


def unreachable(place: str, why: str, remedy: str) -> Finding:
    """Say that Redis can't be used, and what of it stays unknown."""
    return failed("Redis", f"{place}: {why}; what it holds, its settings and the workers stay unchecked", remedy)


def _version(place: str, seen: RedisSeen) -> Finding:
    if seen.cluster:
        return failed("Redis", f"{place} is a Redis Cluster", "Use a single Redis, or one with replicas and Sentinel.")
    numbers = re.match(r"(\d+)\.(\d+)", seen.version or "")
    if numbers is None:
        return warning(
            "Redis", f"{place} does not tell its version", f"Make sure that it is {dotted(OLDEST_REDIS)} or newer."
        )
    is_ = f"{seen.product} {seen.version}"
    if seen.product == "Redis" and (int(numbers[1]), int(numbers[2])) < OLDEST_REDIS:
        return failed("Redis", f"{place} is {is_}", f"Use Redis {dotted(OLDEST_REDIS)} or newer, or Valkey.")
    if seen.replica:
        return failed("Redis", f"{place} is a replica ({is_})", "Have REDIS_URL lead to the primary.")
    return ok("Redis", f"{place} answers, {is_}")


def _durability(seen: RedisSeen) -> Finding:
    check, always = "Redis durability", "Set appendonly yes and appendfsync always"
    if seen.aof is False:
        lost = "no append-only file (appendonly no): a crash of Redis loses accepted watches"
        return failed(check, lost, f"{always} in its configuration.")
    if seen.aof_broken:
        return failed(check, "the append-only file can't be written", "Give Redis' disk room, and see Redis' own log.")
    if seen.aof is None or seen.fsync is None:
        unknown = "it does not tell whether and when it writes to disk"
        return warning(check, unknown, f"{always}, or find out what your provider promises.")
    if seen.fsync == "always":
        return ok(check, "every write is on disk before it is answered (appendfsync always)")
    last = "the last second" if seen.fsync == "everysec" else "the last half a minute or more"
    lost = f"appendfsync {seen.fsync}: a power cut may lose {last} of accepted watches"
    return warning(check, lost, f"{always}, unless you accept that.")


def _eviction(seen: RedisSeen) -> Finding:
    check, set_policy = "Redis eviction", "Set maxmemory-policy noeviction."
    if (risk := eviction_risk(seen.policy)) is not None:
        lost = eviction_by(seen.policy) is Eviction.ANYTHING
        return failed(check, risk, set_policy) if lost else warning(check, risk, set_policy)
    if seen.limit and seen.used >= NEARLY_FULL * seen.limit:
        found = f"nothing is dropped, but {seen.used / seen.limit:.0%} of maxmemory is used: soon no watch is accepted"
        return warning(check, found, "Raise maxmemory, or shorten BRIDGE_RETENTION.")
    return ok(check, "nothing is ever dropped (maxmemory-policy noeviction)")


def _latency(round_trips: Sequence[float]) -> Finding:
    typical, worst = median(round_trips), max(round_trips)
    found = f"{typical:.1f} ms a round trip, at most {worst:.1f} of {len(round_trips)}"
    if typical > SLOW:
        nearer = "Run the bridge nearer to Redis: each call waits for a round trip, each poll for about four."
        return warning("Redis latency", found, nearer)
    return ok("Redis latency", found)


def _writes(seen: RedisSeen) -> Finding:
    if seen.writes_refused is None:
        return ok("Redis writes", "it takes them")
    remedy = "See Redis' own log, and that REDIS_URL leads to the primary, with a user who may write."
    if seen.full:
        remedy = "Raise its maxmemory, or shorten BRIDGE_RETENTION."
    return failed("Redis writes", f"it refuses them: {seen.writes_refused}", remedy)


def _rights(refused: Sequence[str]) -> Finding:
    check = "Redis rights"
    if not refused:
        return ok(check, "its user may do all that the bridge does")
    more = f"; and {len(refused) - SHOWN} more" if len(refused) > SHOWN else ""
    return failed(
        check,
        f"{'; '.join(refused[:SHOWN])}{more}",
        "Grant them to the user of REDIS_URL: see /docs/operations#redis-permissions.",
    )


def _layout(seen: RedisSeen) -> Finding:
    if seen.layout is None:
        return ok("Stored data", "nothing is stored in this Redis yet")
    if problem := schema_problem(seen.layout):
        return failed("Stored data", problem, f"{REMEDY}.")
    return ok("Stored data", f"its layout is ours ({seen.layout})")


def _seal(seen: RedisSeen) -> Finding:
    match seen.opens:
        case None:
            return ok("Encryption keys", "nothing is sealed in this Redis yet")
        case True:
            return ok("Encryption keys", "they open what this Redis holds")
        case False:
            add = "Add the key that sealed it to BRIDGE_ENCRYPTION_KEYS, or use the Redis that belongs to these."
            return failed("Encryption keys", "none of them opens what this Redis holds", add)


def of_our_clock(ahead: Span) -> Finding:
    """Judge by how much this machine's clock is ahead of Redis', which is the bridge's one clock."""
    why = f"matters from {HEARD_LATE // SECOND} s: rings between machines are heard late, log lines out of order"
    found = f"{_apart(ahead, 'this machine', 'Redis', within=SECOND)} ({why})"
    if abs(ahead) >= HEARD_LATE:
        return warning("Clock", found, "Keep the clocks of all machines by NTP.")
    return ok("Clock", found)


def of_the_clock_outside(ahead: Span, whose: str) -> Finding:
    """Judge by how much our clock, `whose`, is ahead of Rally's, which is told to the second."""
    why = f"matters from {STALE // SECOND} s: receivers refuse callbacks of another time"
    found = f"{_apart(ahead, whose, 'Rally', within=2 * SECOND)} ({why})"
    if abs(ahead) >= STALE:
        return failed("Clock outside", found, f"Set the clock of the machine of {whose} right, and keep it by NTP.")
    if abs(ahead) >= HALF_WAY_STALE:
        return warning("Clock outside", found, f"Keep the clock of the machine of {whose} by NTP.")
    return ok("Clock outside", found)


def _apart(ahead: Span, ours: str, theirs: str, *, within: Span) -> str:
    """Say how far apart two clocks are; less than `within` nobody can tell."""
    if abs(ahead) < within:
        return f"{ours} and {theirs} are less than {within // SECOND} s apart"
    return f"{ours} is {abs(ahead) / SECOND:,.0f} s {'ahead of' if ahead > 0 else 'behind'} {theirs}"


def of_workers(*, seen: bool) -> Finding:
    if seen:
        return ok("Workers", "one gave a sign of life within the last seconds")
    nobody = "none gave a sign of life within the last seconds: nobody asks Rally, nothing is sent"
    return failed("Workers", nobody, "Start one, rally-bridge worker, or see why it ended in its log.")
