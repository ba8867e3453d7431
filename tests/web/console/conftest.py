"""A world in which a client or an admin is signed in to the console."""

import pytest

from tests.support.console import sign_in
from tests.support.world import ADMIN_KEY, World


@pytest.fixture
async def signed_in(world: World) -> World:
    """Signed in as the client `crm`."""
    assert (await sign_in(world)).status_code == 303
    return world


@pytest.fixture
async def as_admin(world: World) -> World:
    assert (await sign_in(world, ADMIN_KEY)).status_code == 303
    return world
