"""Another client, whose receivers all hang at once: it takes as many places as it is given."""

import asyncio
from collections.abc import Sequence
from time import time

import httpx

from .answers import Story
from .rally import Rally
from .wire import LOOPBACK, Line, Request, Server, answer

KEY = "key-of-the-crowd"
PORTS = 40
TOLD = 10
"""Ports that one watch is told to, which is as many as a watch may have."""
WATCHES = 40
WARM_ROUNDS = 50
"""Tenths of a second in which all ports should have taken their first message."""
HANG = 60.0
TIMEOUT = 10.0


class Crowd:
    """Ports that are well until they hang, all at once; when they are let go, each says that it is gone."""

    def __init__(self, rally: Rally) -> None:
        self.servers = [Server(self._serve) for _ in range(PORTS)]
        self.notes: list[str] = []
        self._rally = rally
        self._let_go = asyncio.Event()
        self._status = 410
        self._warm = 0
        self._imports = 0

    async def hang(self, api: str, seconds: float) -> None:
        """Let every port take one message, and then have all deliveries of many watches hang for so long.

        A receiver that took the last message is trusted with several at once.
        """
        groups = [self.servers[start : start + TOLD] for start in range(0, PORTS, TOLD)]
        self._status, self._warm = 200, 0
        self._let_go.set()
        await self._post(api, groups)
        for _ in range(WARM_ROUNDS):
            await asyncio.sleep(0.1)
            if self._warm >= PORTS:
                break
        self._let_go.clear()
        await self._post(api, [groups[number % len(groups)] for number in range(WATCHES)])
        await asyncio.sleep(seconds)
        self._status = 410
        self._let_go.set()

    async def _post(self, api: str, groups: Sequence[Sequence[Server]]) -> None:
        """Watch an import that has ended, once for each group of ports, in one batch."""
        self._imports += 1
        import_id = f"imp-crowd{self._imports}"
        self._rally.stories[import_id] = Story(ending="completed", began=time(), seconds=0.0)
        urls = [[f"http://{LOOPBACK}:{server.port}/crowd" for server in group] for group in groups]
        watches = [
            {"importId": import_id, "notify": [{"type": "callback", "url": url} for url in told]} for told in urls
        ]
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=TIMEOUT) as http:
                headers = {"Authorization": f"Bearer {KEY}"}
                said = await http.post(f"{api}/v1/watches/batch", json={"watches": watches}, headers=headers)
            if not said.is_success:
                self.notes.append(f"the crowd was answered {said.status_code}")
        except httpx.HTTPError as error:
            self.notes.append(f"the crowd was not answered: {type(error).__name__}")

    async def _serve(self, request: Request, line: Line) -> bool:
        del request
        if not self._let_go.is_set():
            let_go, left = asyncio.create_task(self._let_go.wait()), asyncio.create_task(line.left(HANG))
            await asyncio.wait((let_go, left), return_when=asyncio.FIRST_COMPLETED)
            let_go.cancel()
            left.cancel()
            await asyncio.gather(let_go, left, return_exceptions=True)
        self._warm += 1
        await line.send(answer(self._status))
        return True
