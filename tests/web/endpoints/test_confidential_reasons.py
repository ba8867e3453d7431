"""Reasons of refused deliveries: clients learn nothing about the internal network, admins see the details."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from bridge.destinations.egress.client import Egress
from bridge.destinations.reasons import UNREACHABLE
from bridge.web.app import build
from tests.support.samples import only
from tests.support.world import ADMIN_KEY, CLIENT_KEY, World
from workers.worker import build_worker

pytestmark = pytest.mark.anyio
NAMES = {
    "private.example": ["10.1.2.3"],
    "metadata.example": ["169.254.169.254"],
    "loopback.example": ["127.0.0.1"],
    "mixed.example": ["1.1.1.1", "10.0.0.1"],
    "empty.example": [],
    "odd.example": ["no address"],
    "many.example": [f"1.1.1.{number}" for number in range(100)],
}
HOSTS = [*NAMES, "unknown.example"]


@asynccontextmanager
async def resolving_only(world: World, names: Mapping[str, Sequence[str]]) -> AsyncIterator[World]:
    """Open a world in which only these names resolve."""

    async def resolve(host: str, _: int) -> Sequence[str]:
        if host not in names:
            raise OSError("no such name")
        return names[host]

    async with Egress(world.resources.egress_rules, slots=2, connect_timeout=0.5, resolve=resolve) as egress:
        resources = replace(world.resources, egress=egress)
        worker = build_worker(resources, shift_length=0.5)
        transport = httpx.ASGITransport(build(resources))
        async with httpx.AsyncClient(transport=transport, base_url="http://bridge") as api:
            yield replace(world, resources=resources, worker=worker, api=api)
        await worker.close()


def callback(host: str) -> dict[str, str]:
    return {"type": "callback", "url": f"https://{host}/hook"}


async def test_a_client_gets_the_same_reason_whatever_a_host_name_resolves_to(world: World) -> None:
    async with resolving_only(world, NAMES) as there:
        answers = {
            host: await there.post("/v1/destinations/test", json={"destination": callback(host)}) for host in HOSTS
        }

    documents = [{**answer.json(), "destination": "…", "fingerprint": "…"} for answer in answers.values()]
    assert all(each == documents[0] for each in documents)
    assert (documents[0]["verdict"], documents[0]["reason"], documents[0]["tookMs"]) == ("deferred", UNREACHABLE, 0)


async def test_an_admin_and_the_log_get_the_actual_reason(world: World) -> None:
    with capture_logs() as lines:
        async with resolving_only(world, NAMES) as there:
            reasons = [await reason_told(there, host, ADMIN_KEY) for host in ("private.example", "unknown.example")]
            await reason_told(there, "private.example", CLIENT_KEY)

    assert [reason.removeprefix(f"{UNREACHABLE}: ") for reason in reasons] == [
        "an address of this kind is not allowed: private; EGRESS_ALLOW can allow it",
        "the name does not resolve",
    ]
    assert "private" in next(line["reason"] for line in lines if line["event"] == "destination.tested")


async def reason_told(world: World, host: str, key: str) -> str:
    answer = await world.post("/v1/destinations/test", key=key, json={"destination": callback(host)})
    return str(answer.json()["reason"])


async def test_deliveries_and_attempts_show_a_client_the_same_reason_as_well(world: World) -> None:
    async with resolving_only(world, NAMES) as there:
        await there.sandbox.set_import("imp", ("COMPLETED", 0))
        watch = await there.watch(notify=[callback(host) for host in HOSTS])
        await there.poll()
        await there.deliver()
        listed = (await there.reload(watch))["deliveries"]
        each = [(await there.get(f"/v1/deliveries/{delivery['id']}")).json() for delivery in listed]
        for_admins = [
            (await there.get(f"/v1/deliveries/{delivery['id']}", key=ADMIN_KEY)).json() for delivery in listed
        ]

    assert {delivery["lastReason"] for delivery in listed + each} == {UNREACHABLE}
    assert {what(only(delivery["log"])) for delivery in each} == {(UNREACHABLE, 0, None, "")}
    assert len({only(delivery["log"])["reason"] for delivery in for_admins}) == 6, "private, metadata and so on"


def what(attempt: dict[str, Any]) -> tuple[Any, ...]:
    return attempt["reason"], attempt["tookMs"], attempt["status"], attempt["answer"]
