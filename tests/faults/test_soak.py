"""How a soak classifies keys and log lines."""

import pytest

from tests.faults.soak import STAYING, complaints, family, why


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("rb:fence", "rb:fence"),
        ("rb:watch:wat_01m89bn76209y1fzc63fgdjxtf", "rb:watch:…"),
        ("rb:delivery:dlv_01m89bn76209y1fzc63fgdjxtf0", "rb:delivery:…"),
        ("rb:import:default:imp-00207", "rb:import:…:…"),
        ("rb:budget:default", "rb:budget:…"),
        ("rb:watches:of:faults:completed", "rb:watches:of:…:completed"),
        ("rb:queue:health-check", "rb:queue:health-check"),
        ("arq:in-progress:5902bf86ef954dc5ac7fe0ee4e91afe0", "arq:in-progress:…"),
    ],
)
def test_keys_of_one_kind_are_counted_as_one(key: str, kind: str) -> None:
    assert family(key) == kind


def test_keys_that_may_remain_are_not_records() -> None:
    records = ("watch:", "watches:", "import:", "imports:", "waiting:", "delivery:", "deliveries:", "attempts:", "lane")
    assert not [kind for kind in STAYING if kind.removeprefix("rb:").startswith(records)]


def test_warnings_errors_and_lines_that_are_not_json_are_complaints_of_a_log() -> None:
    lines = [
        '{"event": "watch.settled", "level": "info"}',
        '{"event": "redis.unavailable", "level": "warning"}',
        '{"event": "log.arq.worker", "level": "error", "text": "job failed"}',
        "Traceback (most recent call last):",
    ]
    found = list(complaints("worker0", lines))
    assert found == [
        "worker0 warning redis.unavailable",
        "worker0 error log.arq.worker job failed",
        "worker0 Traceback (most recent call last):",
    ]
    assert not any(why(complaint) for complaint in found)


def test_complaints_of_redis_are_found_by_their_mark() -> None:
    lines = [
        "21816:C 25 Nov 2026 12:50:05.192 # oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo",
        "21816:M 25 Nov 2026 12:50:05.193 * Running mode=standalone, port=0.",
        "21816:M 25 Nov 2026 12:50:06.001 # Can't save in background: fork: Cannot allocate memory",
    ]
    assert [why(complaint) is None for complaint in complaints("redis0", lines)] == [False, True]
