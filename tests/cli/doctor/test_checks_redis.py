"""What the doctor finds in the facts about Redis and about clocks."""

from dataclasses import replace
from typing import Any

import pytest

from bridge.cli.doctor import checks_redis
from bridge.cli.doctor.checks_redis import RedisReport
from bridge.cli.doctor.findings import Finding
from bridge.cli.doctor.record_sample import RecordSample
from bridge.domain.heartbeats import Heartbeat, ProcessInfo
from bridge.domain.times import SECOND
from bridge.store.layout import LAYOUT
from bridge.store.operations.heartbeats import Fleet
from tests.support.samples import NOW

GOOD = RedisReport(
    version="7.4.1", aof=True, fsync="always", policy="noeviction", round_trips=(0.2, 0.3, 9.0), opens=True
)


def checked(report: RedisReport) -> dict[str, Finding]:
    return {finding.check: finding for finding in checks_redis.check_report("redis://h:6379", report)}


def test_a_good_redis_passes_every_check() -> None:
    assert {finding.state for finding in checked(GOOD).values()} == {"ok"}
    assert {finding.state for finding in checked(replace(GOOD, opens=None)).values()} == {"ok"}, "nothing encrypted yet"


@pytest.mark.parametrize(
    ("changes", "check", "state", "words"),
    [
        ({"version": "6.2.14"}, "Redis", "failed", "Redis 6.2.14"),
        ({"version": "7.0.0"}, "Redis", "ok", "7.0.0"),
        ({"version": "10.0.0"}, "Redis", "ok", "Redis 10.0.0"),
        ({"product": "Valkey", "version": "9.1.2"}, "Redis", "ok", "Valkey 9.1.2"),
        ({"replica": True}, "Redis", "failed", "a replica"),
        ({"missing_permissions": list("abcd")}, "Redis permissions", "failed", "a; b; c; and 1 more"),
        ({"version": None}, "Redis", "warning", "does not report"),
        ({"cluster": True}, "Redis", "failed", "Cluster"),
        ({"aof": False}, "Redis durability", "failed", "appendonly no"),
        ({"aof_broken": True}, "Redis durability", "failed", "can't be written"),
        ({"aof": None}, "Redis durability", "warning", "does not report"),
        ({"fsync": None}, "Redis durability", "warning", "does not report"),
        ({"fsync": "everysec"}, "Redis durability", "warning", "the last second"),
        ({"fsync": "no"}, "Redis durability", "warning", "30 seconds"),
        ({"replicas": None}, "Redis replication", "ok", "no replica"),
        (
            {"replicas": 2},
            "Redis replication",
            "warning",
            "2 replicas are connected, and REDIS_MIN_REPLICAS is not set",
        ),
        ({"replicas": 2, "required": 2}, "Redis replication", "ok", "all 2 replicas must confirm"),
        ({"replicas": 2, "required": 1}, "Redis replication", "warning", "only 1 of 2 replicas must confirm"),
        ({"replicas": 1, "required": 2}, "Redis replication", "failed", "but 1 replica is connected: nothing can be"),
        ({"replicas": None, "required": 1}, "Redis replication", "warning", "does not report its replicas"),
        ({"policy": None}, "Redis eviction", "warning", "does not report"),
        ({"policy": "of-a-vendor"}, "Redis eviction", "warning", "'of-a-vendor' is not known"),
        ({"policy": "volatile-lru"}, "Redis eviction", "warning", "but no watch"),
        ({"policy": "allkeys-lru"}, "Redis eviction", "failed", "drops watches"),
        ({"policy": "allkeys-lru", "limit": 1}, "Redis eviction", "failed", "drops watches"),
        ({"limit": 100, "used": 89}, "Redis eviction", "ok", "noeviction"),
        ({"limit": 100, "used": 90}, "Redis eviction", "warning", "90%"),
        ({"round_trips": (20.1, 20.1, 1.0)}, "Redis latency", "warning", "20.1 ms"),
        ({"round_trips": (20.0, 20.0, 900.0)}, "Redis latency", "ok", "900.0"),
        ({"writes_refused": "OOM command not allowed", "full": True}, "Redis writes", "failed", "OOM"),
        ({"writes_refused": "READONLY You can't write"}, "Redis writes", "failed", "READONLY"),
        ({"writes_refused": "NOREPLICAS", "too_few_replicas": True}, "Redis writes", "failed", "NOREPLICAS"),
        ({"layout": ""}, "Stored data", "failed", "names no layout"),
        ({"layout": "1"}, "Stored data", "failed", "has layout '1'"),
        ({"layout": str(LAYOUT)}, "Stored data", "ok", "its layout is current"),
        ({"opens": False}, "Encryption keys", "failed", "none of them"),
        ({"sample": RecordSample(20, 3)}, "Encryption keys", "failed", "3 of 20 records"),
        ({"sample": RecordSample(20, 0)}, "Encryption keys", "ok", "a sample of 20 records"),
    ],
)
def test_facts_about_redis_become_findings(changes: dict[str, Any], check: str, state: str, words: str) -> None:
    finding = checked(replace(GOOD, **changes))[check]

    assert (finding.state, words in finding.detail) == (state, True), finding
    assert (finding.remedy is None) == (state == "ok")


@pytest.mark.parametrize(
    ("ahead", "here", "outside_"),
    [
        (0, "ok", "ok"),
        (-4_999, "ok", "ok"),
        (5_000, "warning", "ok"),
        (-5_000, "warning", "ok"),
        (59_999, "warning", "ok"),
        (-60_000, "warning", "warning"),
        (300_000, "warning", "failed"),
        (-(10**12), "warning", "failed"),
    ],
)
def test_findings_on_clocks_name_the_difference_that_matters(ahead: int, here: str, outside_: str) -> None:
    ours, theirs = checks_redis.check_local_clock(ahead), checks_redis.check_external_clock(ahead, "Redis")

    assert (ours.state, "matters from 5 s" in ours.detail) == (here, True)
    assert (theirs.state, "matters from 300 s" in theirs.detail) == (outside_, True)


def heartbeat(host: str, ago: int) -> Heartbeat:
    worker = ProcessInfo(id=f"wrk_{host}", host=host, version="1.2.3", started_at=0)
    return Heartbeat(process=worker, at=NOW - ago * SECOND)


@pytest.mark.parametrize(
    ("heartbeats", "state", "words"),
    [
        ([("one", 3)], "ok", "1 alive: one (1.2.3)"),
        ([("one", 3), ("two", 0)], "ok", "2 alive: one (1.2.3), two (1.2.3)"),
        ([("one", 3), ("two", 95)], "warning", "1 alive: one (1.2.3); two was last seen 1m35s ago"),
        ([("two", 95)], "failed", "nothing is sent; two was last seen 1m35s ago"),
        ([], "failed", "none has been alive"),
    ],
)
def test_the_workers_and_those_that_disappeared_are_named(
    heartbeats: list[tuple[str, int]], state: str, words: str
) -> None:
    fleet = Fleet(now=NOW, heartbeats=tuple(heartbeat(*each) for each in heartbeats))
    finding = checks_redis.check_workers(fleet)

    assert (finding.state, words in finding.detail) == (state, True), finding


@pytest.mark.parametrize(
    ("cause", "remedy"),
    [({"full": True}, "maxmemory"), ({"too_few_replicas": True}, "Start its replicas"), ({}, "Redis' own log")],
)
def test_each_cause_of_refused_writes_has_its_remedy(cause: dict[str, Any], remedy: str) -> None:
    finding = checked(replace(GOOD, writes_refused="refused", **cause))["Redis writes"]

    assert remedy in str(finding.remedy)


def test_a_redis_that_refuses_writes_says_nothing_of_workers() -> None:
    fleet = Fleet(now=NOW, heartbeats=(heartbeat("two", 95),))

    gone = checks_redis.check_workers(fleet, writes_refused=True)
    alive = checks_redis.check_workers(Fleet(now=NOW, heartbeats=(heartbeat("one", 3),)), writes_refused=True)

    assert (gone.state, "Start one" in str(gone.remedy)) == ("warning", False)
    assert "two was last seen 1m35s ago" in gone.detail
    assert alive.state == "ok"
