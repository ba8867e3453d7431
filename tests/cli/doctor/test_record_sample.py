"""The sample of stored records finds those that no encryption key decrypts."""

import pytest
from cryptography.fernet import Fernet

from bridge.cli.doctor.redis_probe import probe_redis
from bridge.store.store_key import store_key
from tests.support.world import FERNET, opened, reopened

pytestmark = pytest.mark.anyio


async def test_records_of_a_key_that_was_removed_too_early_are_found(redis_url: str, sandbox_url: str) -> None:
    new = Fernet.generate_key().decode()
    async with opened(redis_url, sandbox_url) as world:
        await world.watch("a")
        await world.watch("b")
    async with reopened(redis_url, sandbox_url, BRIDGE_ENCRYPTION_KEYS=f"{new},{FERNET}") as world:
        await world.watch("c")
        both = await probe_redis(world.resources)
        await world.resources.store.call("DEL", "rb:store_key")
        await store_key(world.resources.store, world.resources.encryptor)
    async with reopened(redis_url, sandbox_url, BRIDGE_ENCRYPTION_KEYS=new) as world:
        alone = await probe_redis(world.resources)

    assert both.report is not None
    assert (both.report.opens, both.report.sample.count, both.report.sample.undecryptable) == (True, 3, 0)
    assert alone.report is not None
    assert (alone.report.opens, alone.report.sample.count, alone.report.sample.undecryptable) == (True, 3, 2)
