"""What Redis may evict under each policy."""

import pytest

from bridge.domain.notices.eviction import Eviction, eviction_by, eviction_risk


@pytest.mark.parametrize(
    ("name", "drops", "words"),
    [
        ("noeviction", Eviction.NOTHING, None),
        *((f"volatile-{how}", Eviction.EXPIRING, "but no watch") for how in ("lru", "lfu", "random", "ttl")),
        *((f"allkeys-{how}", Eviction.ANYTHING, "drops watches") for how in ("lru", "lfu", "random", "of-tomorrow")),
        ("eviction", Eviction.ANYTHING, "drops watches"),
        ("of-a-vendor", Eviction.UNKNOWN, "'of-a-vendor' is not known"),
        (None, Eviction.UNKNOWN, "does not report"),
    ],
)
def test_each_policy_evicts_nothing_some_keys_or_any_key(name: str | None, drops: Eviction, words: str | None) -> None:
    risk = eviction_risk(name)

    assert eviction_by(name) is drops
    assert risk is None if words is None else words in str(risk)
