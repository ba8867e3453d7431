"""Hanging receivers, in any number: the slots that they use, and that other deliveries don't wait for them."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

import httpx
import pytest

from bridge.domain.times import MINUTE, SECOND
from bridge.store.deliveries.deliveries import Bound, DeliveryClaim
from bridge.web.endpoints.send_test_slots import SLOTS_PER_CLIENT
from tests.support.samples import only
from tests.support.world import CLIENT_KEY, OTHER_KEY, World, opened
from workers.delivery_slots import (
    DOUBTFUL_SLOTS,
    MAX_ATTEMPTS,
    MAX_DOUBTFUL_PER_CLIENT,
    MAX_LATE_PER_CLIENT,
    SLOTS,
    DeliverySlots,
)

pytestmark = pytest.mark.anyio

HOSTS = 60
"""More receivers than a worker has slots."""
NUMBERS = count()


class Receivers:
    """Receivers on many loopback addresses, each with its own lane, that answer or hang."""

    def __init__(self) -> None:
        self.port = 0
        self.hang = False
        self.received = 0
        self._news = asyncio.Event()
        self._open: set[asyncio.StreamWriter] = set()

    def url(self, host: int) -> str:
        return f"http://127.0.1.{host}:{self.port}/hook"

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        while await reader.read(65536):
            self.received += 1
            self._news.set()
            if not self.hang:
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    async def have_received(self, number: int) -> None:
        async with asyncio.timeout(9):  # shorter than an attempt without an answer
            while self.received < number:
                self._news.clear()
                await self._news.wait()

    def close(self) -> None:
        for writer in self._open:
            writer.close()


@asynccontextmanager
async def receivers() -> AsyncIterator[Receivers]:
    found = Receivers()
    first = await asyncio.start_server(found.connected, "127.0.1.1", 0)
    found.port = first.sockets[0].getsockname()[1]
    others = [f"127.0.1.{host}" for host in range(2, HOSTS + 1)]
    async with first, await asyncio.start_server(found.connected, others, found.port):
        try:
            yield found
        finally:
            found.close()


def callback(url: str) -> dict[str, str]:
    return {"type": "callback", "url": url}


async def create_deliveries(world: World, *urls: str, key: str = CLIENT_KEY) -> list[str]:
    """Create a due delivery for each URL; return the ids of the watches."""
    world.worker.settler._on_due = lambda: None  # nothing is sent before the test starts the shift
    import_id = f"imp{next(NUMBERS)}"
    await world.sandbox.set_import(import_id, ("COMPLETED", 0))
    watches = [
        await world.watch(import_id, notify=[callback(url) for url in urls[first : first + 10]], key=key)
        for first in range(0, len(urls), 10)
    ]
    await world.poll()
    return [watch["id"] for watch in watches]


async def states(world: World, *watch_ids: str) -> Counter[tuple[str, int]]:
    """Count the deliveries of these watches by their state and attempts."""
    watches = [watch for watch_id in watch_ids if (watch := await world.resources.watches.get(watch_id))]
    ids = [f"dlv_{watch.id.removeprefix('wat_')}{number:x}" for watch in watches for number in range(len(watch.notify))]
    return Counter((each.state.value, each.attempts) for each in await world.resources.deliveries.many(ids))


async def deliver_until(world: World, watch_id: str) -> None:
    async with asyncio.timeout(9):  # shorter than an attempt without an answer
        while not (await states(world, watch_id))["delivered", 1]:
            world.worker.deliveries.start()
            await asyncio.sleep(0.02)


async def test_the_hanging_receivers_of_one_client_leave_slots_to_the_others(redis_url: str, sandbox_url: str) -> None:
    async with (
        receivers() as silent,
        receivers() as swift,
        opened(redis_url, sandbox_url, EGRESS_ALLOW="127.0.0.0/8") as world,
    ):
        silent.hang = True
        hanging = await create_deliveries(world, *map(silent.url, range(1, HOSTS + 1)))
        world.worker.deliveries.start()
        await silent.have_received(DOUBTFUL_SLOTS)

        watch_id = only(await create_deliveries(world, swift.url(1), key=OTHER_KEY))
        await deliver_until(world, watch_id)

        assert await states(world, *hanging) == {("pending", 0): HOSTS}, "none of those that hang has ended yet"
        assert silent.received <= MAX_DOUBTFUL_PER_CLIENT
        silent.close()  # or the worker's end would wait for the attempts


async def test_receivers_that_begin_to_hang_at_once_delay_the_others_only_briefly(
    redis_url: str, sandbox_url: str
) -> None:
    async with (
        receivers() as turning,
        receivers() as swift,
        opened(redis_url, sandbox_url, EGRESS_ALLOW="127.0.0.0/8") as world,
    ):
        urls = [turning.url(host) for host in range(1, HOSTS + 1)]
        await create_deliveries(world, *urls, swift.url(1))
        await world.deliver()
        assert (turning.received, swift.received) == (HOSTS, 1)
        turning.hang = True
        hanging = await create_deliveries(world, *urls)
        world.worker.deliveries.start()
        await turning.have_received(HOSTS + SLOTS)

        watch_id = only(await create_deliveries(world, swift.url(1)))
        await deliver_until(world, watch_id)

        assert await states(world, *hanging) == {("pending", 0): HOSTS}, "none of those that hang has ended yet"
        turning.close()  # or the worker's end would wait for the attempts


async def test_doubtful_lanes_are_claimed_up_to_their_bounds_together_with_good_ones(world: World) -> None:
    claim = world.resources.deliveries.claim
    await create_deliveries(world, world.sandbox.callback_url())
    await world.deliver()  # its lane is not doubtful from now on
    await create_deliveries(world, *(f"https://r{number}.example/" for number in range(10)))
    await create_deliveries(world, *(f"https://s{number}.example/" for number in range(10)), key=OTHER_KEY)
    await create_deliveries(world, world.sandbox.callback_url())

    _, _, first = await claim(room=50, lease=SECOND, doubtful=Bound(room=6, per_client=4))
    held = Counter(each.owner for each in first if each.doubtful)
    now, again, second = await claim(room=50, lease=SECOND, doubtful=Bound(room=4, per_client=4, in_progress=held))
    held += Counter(each.owner for each in second if each.doubtful)
    _, later, third = await claim(room=50, lease=SECOND, doubtful=Bound(room=4, per_client=4, in_progress=held))

    assert Counter((each.owner, each.doubtful) for each in first) == {
        ("crm", True): 4,
        ("billing", True): 2,
        ("crm", False): 1,
    }
    assert Counter(each.owner for each in second) == {"billing": 2}
    assert third == []
    assert again
    assert later
    assert min(again, later) > now, "what is over its bound is no reason to look again at once"


async def test_clients_with_doubtful_lanes_take_turns(world: World) -> None:
    await create_deliveries(world, *(f"https://r{number}.example/" for number in range(10)))
    await create_deliveries(world, *(f"https://s{number}.example/" for number in range(3)), key=OTHER_KEY)
    turns: list[str] = []
    for _ in range(6):
        _, _, claims = await world.resources.deliveries.claim(
            room=50, lease=30 * SECOND, doubtful=Bound(room=1, per_client=9)
        )
        turns.append(only(claims).owner)
        world.pass_time(1)

    assert Counter(turns) == {"crm": 3, "billing": 3}


async def test_hanging_test_messages_of_one_client_leave_slots_to_the_others(redis_url: str, sandbox_url: str) -> None:
    async with (
        receivers() as silent,
        receivers() as swift,
        opened(redis_url, sandbox_url, EGRESS_ALLOW="127.0.0.0/8") as world,
    ):
        silent.hang = True

        async def test(url: str, key: str) -> httpx.Response:
            return await world.post("/v1/destinations/test", json={"destination": callback(url)}, key=key)

        hanging = [asyncio.create_task(test(silent.url(host), CLIENT_KEY)) for host in range(1, SLOTS_PER_CLIENT + 1)]
        await silent.have_received(SLOTS_PER_CLIENT)

        refused = await test(silent.url(HOSTS), CLIENT_KEY)
        response = await test(swift.url(1), OTHER_KEY)

        assert (refused.status_code, refused.json()["type"]) == (503, "/docs#service-unavailable")
        assert int(refused.headers["retry-after"]) > 0
        assert response.json()["verdict"] == "accepted"
        assert not any(each.done() for each in hanging)
        assert silent.received == SLOTS_PER_CLIENT
        silent.close()
        verdicts = {each.json()["verdict"] for each in await asyncio.gather(*hanging)}
        assert verdicts == {"deferred"}
        silent.hang = False
        assert (await test(silent.url(1), CLIENT_KEY)).json()["verdict"] == "accepted", "their slots are free again"


async def test_the_metrics_count_overdue_doubtful_lanes(world: World) -> None:
    await create_deliveries(world, "https://r1.example/", "https://r2.example/")
    await create_deliveries(world, "https://s1.example/", key=OTHER_KEY)

    world.pass_time(2 * MINUTE)

    assert "rally_bridge_lanes_overdue 3.0" in (await world.get("/metrics")).text


def claim_of(client: str, number: int, *, doubtful: bool) -> DeliveryClaim:
    return DeliveryClaim(id=f"dlv_{client}{number}", fence=number, record={}, doubtful=doubtful, owner=client)


def test_a_late_attempt_gives_up_its_slot_until_the_client_has_too_many() -> None:
    slots = DeliverySlots()
    claims = [claim_of("crm", number, doubtful=False) for number in range(MAX_LATE_PER_CLIENT + 1)]
    for claim in claims:
        slots.acquire(claim)

    assert [slots.release_late(claim) for claim in claims] == [True] * MAX_LATE_PER_CLIENT + [False]
    assert not slots.release_late(claims[0]), "it has no place any more"
    assert slots.room == SLOTS + MAX_LATE_PER_CLIENT
    for claim in claims:
        slots.release(claim)
    assert slots.room == SLOTS


def test_late_attempts_of_all_clients_are_bounded() -> None:
    slots = DeliverySlots()
    claims = [
        claim_of(client, number, doubtful=False) for client in ("a", "b") for number in range(MAX_LATE_PER_CLIENT)
    ]
    for claim in claims:
        slots.acquire(claim)
        slots.release_late(claim)

    assert slots.room == MAX_ATTEMPTS


def test_doubtful_lanes_have_a_quarter_of_the_slots_and_of_all_attempts() -> None:
    slots = DeliverySlots()
    held: list[DeliveryClaim] = []
    while slots.doubtful.room:
        for _ in range(slots.doubtful.room):
            held.append(claim_of("crm", len(held), doubtful=True))
            slots.acquire(held[-1])
        assert slots.doubtful.room == 0
        for claim in held:
            slots.release_late(claim)

    assert len(held) == MAX_ATTEMPTS // 4
    assert slots.doubtful.in_progress == {"crm": MAX_ATTEMPTS // 4}
    for claim in held:
        slots.release(claim)
    assert slots.doubtful == Bound(room=SLOTS // 4, per_client=MAX_DOUBTFUL_PER_CLIENT)
