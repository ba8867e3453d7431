"""A browser's part in the console, without a browser: signing in, and sending the forms of pages."""

import re
from html import unescape

import httpx

from tests.support.world import CLIENT_KEY, World

TOKEN = re.compile(r'name="csrf" value="([^"]+)"')
SIGN_IN = "/console/sign-in"


def token_in(page: str) -> str:
    """Return the token that the forms of a page contain."""
    found = TOKEN.search(page)
    assert found is not None, page
    return unescape(found[1])


async def sign_in(world: World, key: str = CLIENT_KEY, **fields: str) -> httpx.Response:
    form = await world.api.get(SIGN_IN)
    return await world.api.post(SIGN_IN, data={"csrf": token_in(form.text), "key": key, **fields})


async def send(world: World, page: str, path: str, **fields: str) -> httpx.Response:
    """Open a page, and send a form of it."""
    shown = await world.api.get(page)
    assert shown.status_code == 200, shown.text
    return await world.api.post(path, data={"csrf": token_in(shown.text), **fields})
