"""Invalid API keys: guessing is rate limited and logged once; valid keys are not affected."""

import pytest
from structlog.testing import capture_logs

from bridge.web.invalid_keys import MAX_ADDRESSES, MAX_INVALID_KEYS, InvalidKey, InvalidKeys
from tests.support.world import CLIENT_KEY, World, bearer

pytestmark = pytest.mark.anyio


async def test_many_invalid_keys_are_rate_limited_and_a_valid_one_is_not(world: World) -> None:
    with capture_logs() as lines:
        answers = [
            await world.api.get("/v1/watches", headers=bearer(f"rbk_guess-number-{number}"))
            for number in range(MAX_INVALID_KEYS + 5)
        ]
        passed = await world.api.get("/v1/watches", headers=bearer(CLIENT_KEY))

    assert [answer.status_code for answer in answers] == [401] * MAX_INVALID_KEYS + [429] * 5
    assert answers[-1].json()["type"] == "/docs#too-many-invalid-keys"
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    assert passed.status_code == 200
    assert [each for each in lines if each["event"] == "api_key.rejected"] == [
        {"event": "api_key.rejected", "address": "127.0.0.1", "log_level": "warning"}
    ]


async def test_calls_without_a_key_or_with_a_valid_one_are_not_counted(world: World) -> None:
    for _ in range(MAX_INVALID_KEYS + 1):
        await world.api.get("/v1/watches")
        await world.api.get("/v1/watches", headers=bearer(CLIENT_KEY))

    assert (await world.api.get("/v1/watches", headers=bearer("rbk_a-wrong-key"))).status_code == 401


def test_a_burst_is_logged_once_and_the_count_restarts_each_minute() -> None:
    keys = InvalidKeys()
    first = [keys.count("192.0.2.1", second) for second in range(MAX_INVALID_KEYS + 1)]
    later = [keys.count("192.0.2.1", 60.0 + second) for second in range(MAX_INVALID_KEYS + 1)]
    after_a_pause = keys.count("192.0.2.1", 300.0)

    assert [noted.first for noted in first + later] == [True] + [False] * (2 * MAX_INVALID_KEYS + 1)
    assert [noted.wait for noted in first] == [0] * MAX_INVALID_KEYS + [40]
    assert [noted.wait for noted in later] == [0] * MAX_INVALID_KEYS + [40]
    assert after_a_pause == InvalidKey(first=True, wait=0)


def test_each_ipv4_address_and_each_ipv6_network_is_counted_separately() -> None:
    keys = InvalidKeys()
    for number in range(MAX_INVALID_KEYS):
        keys.count("192.0.2.1", 0.0)
        keys.count(f"2001:db8:0:1::{number:x}", 0.0)

    assert [keys.count(each, 1.0).wait for each in ("192.0.2.2", "2001:db8:0:2::1", "")] == [0, 0, 0]
    assert [keys.count(each, 1.0).wait for each in ("192.0.2.1", "2001:db8:0:1:ffff::1")] == [59, 59]


def test_the_number_of_remembered_addresses_is_limited_and_the_least_active_is_forgotten() -> None:
    keys = InvalidKeys()
    for number in range(3 * MAX_ADDRESSES):
        keys.count(f"10.0.{number // 256}.{number % 256}", number / 1000)
        keys.count("192.0.2.1", number / 1000)

    assert len(keys) == MAX_ADDRESSES
    assert keys.count("192.0.2.1", 3.0).wait > 0
    assert keys.count("10.0.0.0", 3.0).first
