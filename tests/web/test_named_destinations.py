"""The list of named destinations: those that the client may use, without their addresses."""

from pathlib import Path

import pytest

from bridge.domain.clients import digest
from tests.support.world import CLIENT_KEY, OTHER_KEY, World, bearer, opened

pytestmark = pytest.mark.anyio
NAMED = "ops=slack:https://hooks.slack.com/services/T000/B000/XXXX,crm=https://crm.example.com/secret-path"
CLIENTS = f"""
[clients.every]
keys = ["sha256:{digest(CLIENT_KEY).hex()}"]

[clients.confined]
keys = ["sha256:{digest(OTHER_KEY).hex()}"]
named = ["ops"]
"""


async def test_a_client_sees_the_names_that_it_may_use_and_no_address(
    redis_url: str, sandbox_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "clients.toml"
    file.write_text(CLIENTS)
    changes = {"NAMED_DESTINATIONS": NAMED, "BRIDGE_API_KEYS": "", "BRIDGE_CLIENTS_FILE": str(file)}
    async with opened(redis_url, sandbox_url, **changes) as world:
        every, confined = [await world.get("/v1/destinations", key=key) for key in (CLIENT_KEY, OTHER_KEY)]
    crm, ops = {"name": "crm", "type": "callback"}, {"name": "ops", "type": "slack_webhook"}
    assert every.json() == {"data": [crm, ops]}
    assert confined.json() == {"data": [ops]}


async def test_the_list_is_empty_without_named_destinations_and_closed_without_a_key(world: World) -> None:
    assert (await world.get("/v1/destinations")).json() == {"data": []}
    assert (await world.api.get("/v1/destinations")).status_code == 401
    assert (await world.api.get("/v1/destinations?x=1", headers=bearer(CLIENT_KEY))).status_code == 422
