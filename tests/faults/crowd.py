"""Another client whose receivers all hang at once, and use as many slots as they get."""

import asyncio
from itertools import cycle, islice
from time import time

import httpx

from tests.support.plain_http import plain_async_client

from .answers import Story
from .rally import Rally
from .wire import LOOPBACK, Peer, Request, Server, answer

KEY = "key-of-the-crowd"
PORTS = 100
"""Two concurrent messages to each exceed the slots of the whole fleet."""
TOLD = 10
"""Destinations of one watch: the maximum."""
WATCHES = 40
HANG = 60.0
TIMEOUT = 10.0


class Crowd:
    """Ports that accept connections without a response; when released, each answers 410."""

    def __init__(self, rally: Rally) -> None:
        self.servers = [Server(self._serve) for _ in range(PORTS)]
        self.notes: list[str] = []
        self._rally = rally
        self._let_go = asyncio.Event()
        self._imports = 0

    async def hang(self, api: str, seconds: float) -> None:
        """Watch an ended import in one batch, and let all its deliveries hang for `seconds`."""
        self._let_go.clear()
        await self._post(api)
        await asyncio.sleep(seconds)
        self._let_go.set()

    async def _post(self, api: str) -> None:
        self._imports += 1
        import_id = f"imp-crowd{self._imports}"
        self._rally.stories[import_id] = Story(ending="completed", began=time(), seconds=0.0)
        urls = cycle(f"http://{LOOPBACK}:{server.port}/crowd" for server in self.servers)
        watches = [
            {"importId": import_id, "notify": [{"type": "callback", "url": url} for url in islice(urls, TOLD)]}
            for _ in range(WATCHES)
        ]
        try:
            async with plain_async_client(timeout=TIMEOUT) as http:
                headers = {"Authorization": f"Bearer {KEY}"}
                response = await http.post(f"{api}/v1/watches/batch", json={"watches": watches}, headers=headers)
            if not response.is_success:
                self.notes.append(f"the crowd was answered {response.status_code}")
        except httpx.HTTPError as error:
            self.notes.append(f"the crowd was not answered: {type(error).__name__}")

    async def _serve(self, request: Request, line: Peer) -> bool:
        del request
        if not self._let_go.is_set():
            let_go, left = asyncio.create_task(self._let_go.wait()), asyncio.create_task(line.left(HANG))
            await asyncio.wait((let_go, left), return_when=asyncio.FIRST_COMPLETED)
            let_go.cancel()
            left.cancel()
            await asyncio.gather(let_go, left, return_exceptions=True)
        await line.send(answer(410))
        return True
