"""The probe of Redis: what it reads of messages."""

import pytest

from bridge.cli.doctor.redis_probe import probe_redis
from bridge.resources import open_resources
from tests.support.world import World

pytestmark = pytest.mark.anyio


async def test_abandoned_and_failing_messages_are_read_with_their_fingerprints(world: World) -> None:
    for name, status in (("revoked", 410), ("failing", 500)):
        await world.sandbox.set_import(name, ("COMPLETED", 0))
        await world.sandbox.set_answers(name, {"status": status})
        await world.watch(name, notify=[{"type": "callback", "url": world.sandbox.callback_url(name)}])
    await world.poll()
    await world.deliver()

    async with open_resources(world.resources.settings) as resources:
        probe = await probe_redis(resources)

    assert probe.error == ""
    assert probe.messages is not None
    abandoned, failing = probe.messages
    assert [each.reason for each in (*abandoned, *failing)] == ["HTTP 410, the receiver is gone for good", "HTTP 500"]
    assert abandoned[0].place != failing[0].place
