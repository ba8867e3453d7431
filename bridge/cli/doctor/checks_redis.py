"""Checks of Redis, the clocks and the workers. Pure: values in, findings out."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

from bridge.cli.doctor.checks_redis_restart import check_replay
from bridge.cli.doctor.findings import Finding, failed, ok, warning
from bridge.cli.doctor.record_sample import RecordSample
from bridge.domain.durations import duration_text
from bridge.domain.notices.eviction import Eviction, eviction_by, eviction_risk
from bridge.domain.notices.redis_risks import CLOCK_TOLERANCE, durability_risk, replication_risk, room_risk
from bridge.domain.times import SECOND, Span
from bridge.redis.server import OLDEST_REDIS, Version, dotted
from bridge.store.layout import LAYOUT, layout_problem, layout_remedy
from bridge.store.operations.heartbeats import Fleet

SLOW = 20.0
"""The round trip in ms that is reported as slow. A POST waits for one, a poll or a delivery for about four."""
SHOWN = 3
"""The number of missing permissions that are listed one by one."""
STALE: Span = 300 * SECOND
"""The tolerance of receivers for a callback's timestamp, by Standard Webhooks."""
DRIFTING: Span = 60 * SECOND
"""The difference from Rally's clock from which a warning is given, well before callbacks are refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisReport:
    """Facts about Redis; None where it does not report them."""

    product: str = "Redis"
    version: str | None
    replica: bool = False
    cluster: bool = False
    aof: bool | None
    aof_broken: bool = False
    fsync: str | None
    may_replay: bool | None = True
    """Whether Redis' user `default` may replay the append-only file."""
    replicas: int | None = 0
    """The number of connected replicas."""
    required: int = 0
    """The number of replicas that must confirm each write."""
    policy: str | None
    limit: int = 0
    """The maxmemory of the server in bytes; 0 for no limit."""
    used: int = 0
    round_trips: Sequence[float]
    """The measured round trips in ms."""
    writes_refused: str | None = None
    full: bool = False
    """Whether writes are refused because of maxmemory."""
    too_few_replicas: bool = False
    """Whether writes are refused because of min-replicas-to-write."""
    missing_permissions: Sequence[str] = ()
    """The messages of Redis about commands that its user may not run."""
    layout: str | None = None
    """The version of the stored data, empty if it has none; None if nothing is stored yet."""
    opens: bool | None
    """Whether our encryption keys decrypt the store's own key; None if nothing is stored yet."""
    sample: RecordSample = field(default_factory=RecordSample)


def check_report(address: str, report: RedisReport) -> Iterator[Finding]:
    """Yield the findings about Redis and the stored data."""
    yield _version(address, report)
    yield _durability(report)
    yield _replication(report)
    if report.aof:
        yield check_replay(report.product, _numbers(report.version) or OLDEST_REDIS, may=report.may_replay)
    yield _eviction(report)
    yield _latency(report.round_trips)
    yield _writes(report)
    yield _permissions(report.missing_permissions)
    yield _layout(report)
    yield _encryption_keys(report)


def unreachable(address: str, why: str, remedy: str) -> Finding:
    """Return the finding for a Redis that can't be used."""
    return failed(
        "Redis", f"{address}: {why.rstrip('.')}; its data, its settings and the workers were not checked", remedy
    )


def _version(address: str, report: RedisReport) -> Finding:
    if report.cluster:
        return failed("Redis", f"{address} is a Redis Cluster", "Use a single Redis, or replicas with Sentinel.")
    numbers = _numbers(report.version)
    if numbers is None:
        return warning(
            "Redis", f"{address} does not report its version", f"Check that it is {dotted(OLDEST_REDIS)} or newer."
        )
    is_ = f"{report.product} {report.version}"
    if report.product == "Redis" and numbers < OLDEST_REDIS:
        return failed("Redis", f"{address} is {is_}", f"Use Redis {dotted(OLDEST_REDIS)} or newer, or Valkey.")
    if report.replica:
        return failed("Redis", f"{address} is a replica ({is_})", "Set REDIS_URL to the primary.")
    return ok("Redis", f"{address} answers, {is_}")


def _numbers(version: str | None) -> Version | None:
    found = re.match(r"(\d+)\.(\d+)", version or "")
    return found and (int(found[1]), int(found[2]))


def _durability(report: RedisReport) -> Finding:
    check, always = "Redis durability", "Set appendonly yes and appendfsync always"
    risk = durability_risk(append_only=report.aof, append_ok=not report.aof_broken, fsync=report.fsync)
    if risk is None:
        return ok(check, "every write is on disk before its reply (appendfsync always)")
    if report.aof is not False and report.aof_broken:
        return failed(check, risk.text, "Free space on its disk, and see Redis' own log.")
    if risk.certain:
        return failed(check, risk.text, f"{always} in its configuration.")
    unknown = report.aof is None or report.fsync is None
    unless = ", or check what your provider guarantees." if unknown else ", unless you accept that."
    return warning(check, risk.text, f"{always}{unless}")


def _replication(report: RedisReport) -> Finding:
    check, guide = "Redis replication", "see /docs/operations#what-a-failover-may-lose."
    risk = replication_risk(report.replicas, report.required)
    if risk is None and not report.required:
        return ok(check, "no replica is connected, so none can take over")
    if risk is None:
        return ok(check, f"all {report.replicas} replicas must confirm (REDIS_MIN_REPLICAS)")
    if risk.certain:
        return failed(check, risk.text, "Start the replicas, or lower REDIS_MIN_REPLICAS.")
    return warning(check, risk.text, f"Set REDIS_MIN_REPLICAS to their number, or accept that: {guide}")


def _eviction(report: RedisReport) -> Finding:
    check, set_policy = "Redis eviction", "Set maxmemory-policy noeviction."
    if (eviction := eviction_risk(report.policy)) is not None:
        lost = eviction_by(report.policy) is Eviction.ANYTHING
        return failed(check, eviction, set_policy) if lost else warning(check, eviction, set_policy)
    if (risk := room_risk(report.used / report.limit if report.limit else None)) is not None:
        return warning(check, f"no eviction, but {risk.text}", "Raise maxmemory, or shorten BRIDGE_RETENTION.")
    return ok(check, "nothing is ever evicted (maxmemory-policy noeviction)")


def _latency(round_trips: Sequence[float]) -> Finding:
    typical, worst = median(round_trips), max(round_trips)
    detail = f"{typical:.1f} ms per round trip, {worst:.1f} ms at most in {len(round_trips)}"
    if typical > SLOW:
        nearer = "Run the bridge closer to Redis: each call waits for a round trip, each poll for about four."
        return warning("Redis latency", detail, nearer)
    return ok("Redis latency", detail)


def _writes(report: RedisReport) -> Finding:
    if report.writes_refused is None:
        return ok("Redis writes", "they are accepted")
    remedy = "See Redis' own log, and check that REDIS_URL is the primary, with a user that may write."
    if report.too_few_replicas:
        remedy = "Start its replicas, or repair their link to it: its min-replicas-to-write requires them."
    if report.full:
        remedy = "Raise its maxmemory, or shorten BRIDGE_RETENTION."
    return failed("Redis writes", f"they are refused: {report.writes_refused}", remedy)


def _permissions(refused: Sequence[str]) -> Finding:
    check = "Redis permissions"
    if not refused:
        return ok(check, "its user may run every command of the bridge")
    more = f"; and {len(refused) - SHOWN} more" if len(refused) > SHOWN else ""
    return failed(
        check,
        f"{'; '.join(refused[:SHOWN])}{more}",
        "Grant them to the user of REDIS_URL: see /docs/operations#redis-permissions.",
    )


def _layout(report: RedisReport) -> Finding:
    if report.layout is None:
        return ok("Stored data", "nothing is stored yet")
    if problem := layout_problem(report.layout):
        return failed("Stored data", problem, f"{layout_remedy(report.layout)}.")
    if report.layout != str(LAYOUT):
        return ok("Stored data", f"its layout is {report.layout}, which this version reads; its own is {LAYOUT}")
    return ok("Stored data", f"its layout is current ({report.layout})")


def _encryption_keys(report: RedisReport) -> Finding:
    match report.opens:
        case None:
            return ok("Encryption keys", "nothing is encrypted yet")
        case True if report.sample.undecryptable:
            some = f"they don't decrypt {report.sample.undecryptable} of {report.sample.count} records of a sample"
            back = (
                "Add the key that encrypted them to BRIDGE_ENCRYPTION_KEYS; keep old keys until the retention is over."
            )
            return failed("Encryption keys", some, back)
        case True:
            return ok("Encryption keys", f"they decrypt the stored data (a sample of {report.sample.count} records)")
        case False:
            add = "Add the key that encrypted it to BRIDGE_ENCRYPTION_KEYS, or use the matching Redis."
            return failed("Encryption keys", "none of them decrypts the stored data", add)


def check_local_clock(ahead: Span) -> Finding:
    """Check by how much this machine's clock is ahead of Redis', which the bridge uses for all times."""
    why = f"matters from {CLOCK_TOLERANCE // SECOND} s: log lines of several machines are out of order"
    detail = f"{_difference(ahead, 'this machine', 'Redis', within=SECOND)} ({why})"
    if abs(ahead) >= CLOCK_TOLERANCE:
        return warning("Clock", detail, "Synchronise the clocks of all machines by NTP.")
    return ok("Clock", detail)


def check_external_clock(ahead: Span, whose: str) -> Finding:
    """Check by how much our clock, that of `whose`, is ahead of Rally's, which is known to the second."""
    why = f"matters from {STALE // SECOND} s: receivers refuse callbacks with another time"
    detail = f"{_difference(ahead, whose, 'Rally', within=2 * SECOND)} ({why})"
    if abs(ahead) >= STALE:
        return failed("Clock outside", detail, f"Correct the clock of {whose}, and synchronise it by NTP.")
    if abs(ahead) >= DRIFTING:
        return warning("Clock outside", detail, f"Synchronise the clock of {whose} by NTP.")
    return ok("Clock outside", detail)


def _difference(ahead: Span, ours: str, theirs: str, *, within: Span) -> str:
    """Describe the difference of two clocks; less than `within` can't be measured."""
    if abs(ahead) < within:
        return f"{ours} and {theirs} are less than {within // SECOND} s apart"
    return f"{ours} is {abs(ahead) / SECOND:,.0f} s {'ahead of' if ahead > 0 else 'behind'} {theirs}"


def check_workers(fleet: Fleet, *, writes_refused: bool = False) -> Finding:
    """Check that a worker is alive, and that none has vanished without a shutdown.

    While Redis refuses writes, workers can't store their heartbeats, so nothing is known of them.
    """
    if not fleet.alive and writes_refused:
        unknown = "not known, as Redis refuses the writes by which they say that they are alive"
        return warning("Workers", f"{unknown}{_last_seen(fleet)}", "Check again once Redis accepts writes.")
    if not fleet.alive:
        dead = "none has been alive within the last seconds: imports are not polled, and nothing is sent"
        remedy = "Start one with `rally-bridge worker`, or see its log for why it ended."
        return failed("Workers", f"{dead}{_last_seen(fleet)}", remedy)
    alive = ", ".join(f"{each.process.host} ({each.process.version})" for each in fleet.alive)
    detail = f"{len(fleet.alive)} alive: {alive}{_last_seen(fleet)}"
    if fleet.missing:
        return warning("Workers", detail, "If it was not stopped on purpose, see its log for why it ended.")
    return ok("Workers", detail)


def check_notices(failed_notices: int, destination: str | None) -> Finding:
    """Check that notices to the operator arrive."""
    check = "Notices to the operator"
    if failed_notices:
        detail = f"{failed_notices} to {destination or 'no destination now'} were given up; no other notice says so"
        return warning(
            check, detail, "See `rally-bridge deliveries --state abandoned` with an admin's key for the reason."
        )
    return ok(check, f"to {destination}" if destination else "not sent: OPERATOR_NOTIFY is not set")


def _last_seen(fleet: Fleet) -> str:
    return "".join(
        f"; {each.process.host} was last seen {duration_text((fleet.now - each.at) // SECOND * SECOND)} ago"
        for each in fleet.missing
    )
