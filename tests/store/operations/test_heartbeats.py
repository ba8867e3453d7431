"""Heartbeats: which workers are alive, which are missing, and which are forgotten."""

import json
from dataclasses import asdict

import pytest

from bridge.domain.heartbeats import ALIVE_FOR, REMEMBERED_FOR, Load, ProcessInfo
from bridge.store import keys
from bridge.store.operations.heartbeats import Fleet, Heartbeats
from tests.support.samples import NOW
from tests.support.store_parts import StoreParts

pytestmark = pytest.mark.anyio

LOAD = Load(polls=12, poll_places=90, deliveries=3, delivery_places=50)


def worker(number: int) -> ProcessInfo:
    return ProcessInfo(id=f"wrk_{number}", host=f"host {number}", version="1.2.3", started_at=NOW + number)


def ids(fleet: Fleet) -> tuple[list[str], list[str]]:
    return [each.process.id for each in fleet.alive], [each.process.id for each in fleet.missing]


async def test_a_worker_is_alive_until_its_heartbeats_stop_and_forgotten_an_hour_later(parts: StoreParts) -> None:
    heartbeats = Heartbeats(parts.store, keys.WORKERS)
    await heartbeats.send(worker(1))
    await heartbeats.send(worker(2))
    assert ids(await heartbeats.read()) == (["wrk_1", "wrk_2"], [])

    parts.store.offset += ALIVE_FOR
    await heartbeats.send(worker(2))
    fleet = await heartbeats.read()
    assert ids(fleet) == (["wrk_2"], ["wrk_1"])
    assert [each.process for each in fleet.heartbeats] == [worker(1), worker(2)]

    parts.store.offset += REMEMBERED_FOR
    await heartbeats.send(worker(2))
    assert ids(await heartbeats.read()) == (["wrk_2"], [])


@pytest.mark.parametrize(
    ("stored", "load"),
    [
        ({**asdict(LOAD), "of_the_next_version": 1}, LOAD),
        ({"polls": 1}, None),
        (None, None),
    ],
)
async def test_the_load_is_read_if_all_of_it_is_known(
    parts: StoreParts, stored: dict[str, int] | None, load: Load | None
) -> None:
    facts = json.dumps({"host": "h", "version": "1", "started_at": 0} | ({"load": stored} if stored else {}))
    await parts.store.call("HSET", keys.WORKERS, "wrk_1", f"{NOW} {facts}")

    assert [each.load for each in (await Heartbeats(parts.store, keys.WORKERS).read()).heartbeats] == [load]


async def test_a_worker_that_shuts_down_is_not_missing(parts: StoreParts) -> None:
    heartbeats = Heartbeats(parts.store, keys.WORKERS)
    await heartbeats.send(worker(1))
    await heartbeats.withdraw(worker(1))

    assert ids(await heartbeats.read()) == ([], [])


async def test_a_clock_that_was_set_back_kills_no_worker(parts: StoreParts) -> None:
    heartbeats = Heartbeats(parts.store, keys.WORKERS)
    await heartbeats.send(worker(1))
    parts.store.offset -= REMEMBERED_FOR
    await heartbeats.send(worker(1))

    assert ids(await heartbeats.read()) == (["wrk_1"], [])
