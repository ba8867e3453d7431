"""The list of named destinations: those that the client may use, without their addresses."""

import pytest

from tests.support.configuration import client, destination
from tests.support.world import CLIENT_KEY, OTHER_KEY, World, bearer, opened

pytestmark = pytest.mark.anyio
CONFIG = "\n".join(
    [
        destination("ops", "slack_webhook", "https://hooks.slack.com/services/T000/B000/XXXX"),
        destination("crm", "callback", "https://crm.example.com/secret-path"),
        client("every", CLIENT_KEY),
        client("confined", OTHER_KEY, named=["ops"]),
    ]
)


async def test_a_client_sees_the_names_that_it_may_use_and_no_address(redis_url: str, sandbox_url: str) -> None:
    async with opened(redis_url, sandbox_url, CONFIG, BRIDGE_API_KEYS="") as world:
        every, confined = [await world.get("/v1/destinations", key=key) for key in (CLIENT_KEY, OTHER_KEY)]
    crm, ops = {"name": "crm", "type": "callback"}, {"name": "ops", "type": "slack_webhook"}
    assert every.json() == {"data": [crm, ops]}
    assert confined.json() == {"data": [ops]}


async def test_the_list_is_empty_without_named_destinations_and_closed_without_a_key(world: World) -> None:
    assert (await world.get("/v1/destinations")).json() == {"data": []}
    assert (await world.api.get("/v1/destinations")).status_code == 401
    assert (await world.api.get("/v1/destinations?x=1", headers=bearer(CLIENT_KEY))).status_code == 422
