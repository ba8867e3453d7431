"""What the settings of Redis put at risk, in words."""

import pytest

from bridge.domain.notices.redis_risks import clock_risk, durability_risk, replication_risk, room_risk
from bridge.domain.times import SECOND


@pytest.mark.parametrize(
    ("append_only", "append_ok", "fsync", "words", "certain"),
    [
        (True, True, "always", None, False),
        (True, True, "everysec", "may lose the last second", False),
        (True, True, "no", "the last 30 seconds", False),
        (True, None, None, "does not report", False),
        (None, None, "always", "does not report", False),
        (True, False, "always", "can't be written", True),
        (False, True, "always", "appendonly no", True),
    ],
)
def test_durability(
    *, append_only: bool | None, append_ok: bool | None, fsync: str | None, words: str | None, certain: bool
) -> None:
    risk = durability_risk(append_only=append_only, append_ok=append_ok, fsync=fsync)
    assert (risk is None) == (words is None)
    if risk is not None and words is not None:
        assert words in risk.text
        assert risk.certain == certain


@pytest.mark.parametrize(
    ("replicas", "required", "words"),
    [
        (0, 0, ""),
        (2, 1, "only 1 of 2 replicas must confirm (REDIS_MIN_REPLICAS): a planned failover may lose"),
        (2, 2, ""),
        (None, 0, ""),
        (1, 0, "1 replica is connected, and REDIS_MIN_REPLICAS is not set: a failover may lose"),
        (0, 1, "REDIS_MIN_REPLICAS is 1, but no replicas are connected: nothing can be accepted"),
        (None, 1, "does not report its replicas"),
    ],
)
def test_replication(replicas: int | None, required: int, words: str) -> None:
    risk = replication_risk(replicas, required)
    assert (risk is None) == (words == "")
    assert risk is None or words in risk.text


@pytest.mark.parametrize(("share", "at_risk"), [(None, False), (0.89, False), (0.9, True)])
def test_room(share: float | None, *, at_risk: bool) -> None:
    assert (room_risk(share) is not None) == at_risk


@pytest.mark.parametrize(
    ("ahead", "words"), [(0, ""), (4999, ""), (-7 * SECOND, "7 s behind"), (9 * SECOND, "9 s ahead")]
)
def test_clock(ahead: int, words: str) -> None:
    risk = clock_risk(ahead)
    assert (risk is None) == (not words)
    assert risk is None or words in risk.text
