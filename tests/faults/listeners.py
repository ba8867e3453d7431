"""Clients that wait for the end of watches, with event streams and long polls, and a record of the results."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random
from time import monotonic, time

import httpx

from tests.support.plain_http import plain_async_client

from .fleet import KEY
from .history import ListenerResult, WatchPost

AT_ONCE = 8
RECENT = 12
"""The number of recent watches to choose from: most of them are still open."""
WAITS = (5, 25)
PATIENCE = 30.0
"""Seconds after which a client leaves a stream."""
SILENCE = 20.0
"""Seconds without a byte after which a client gives up: longer than the pause between two signs of life."""
PAUSE = 0.3


class Listeners:
    """Concurrent listeners, each of which waits for one watch after another."""

    def __init__(self, apis: Mapping[str, str], posts: Sequence[WatchPost], chance: Random) -> None:
        self.results: list[ListenerResult] = []
        self._apis = apis
        self._posts = posts
        self._chance = chance
        timeout = httpx.Timeout(SILENCE, read=SILENCE)
        self._http = plain_async_client(timeout=timeout, headers={"Authorization": f"Bearer {KEY}"})

    async def aclose(self) -> None:
        await self._http.aclose()

    async def listen_for(self, seconds: float) -> None:
        """Start listening repeatedly for `seconds`, and wait until each listener has ended."""
        until = monotonic() + seconds
        async with asyncio.TaskGroup() as listening:
            for _ in range(AT_ONCE):
                listening.create_task(self._listen_until(until))

    async def _listen_until(self, until: float) -> None:
        while monotonic() < until:
            accepted = [post.watch_id for post in self._posts[-RECENT:] if post.watch_id]
            if accepted:
                await self._listen(self._chance.choice(accepted))
            await asyncio.sleep(PAUSE)

    async def _listen(self, watch_id: str) -> None:
        api, at = self._chance.choice(sorted(self._apis)), time()
        stream = self._chance.random() < 0.5
        unheard = ListenerResult(at=at, ended_at=at, api=api, watch_id=watch_id, stream=stream)
        url = f"{self._apis[api]}/v1/watches/{watch_id}"
        try:
            async with asyncio.timeout(PATIENCE + SILENCE):
                result = await (self._stream(unheard, f"{url}/events") if stream else self._wait(unheard, url))
        except (httpx.HTTPError, TimeoutError):
            result = unheard
        self.results.append(replace(result, ended_at=time()))

    async def _wait(self, unheard: ListenerResult, url: str) -> ListenerResult:
        answer = await self._http.get(url, params={"wait": self._chance.randint(*WAITS)})
        if not answer.is_success:
            return unheard
        outcome = answer.json()["outcome"]
        return replace(unheard, outcome=outcome, heard_at=None if outcome is None else time(), complete=True)

    async def _stream(self, unheard: ListenerResult, url: str) -> ListenerResult:
        until = monotonic() + PATIENCE
        async with self._http.stream("GET", url) as answer:
            async for line in answer.aiter_lines():
                if line.startswith("data:") and (outcome := json.loads(line.removeprefix("data:")).get("outcome")):
                    return replace(unheard, outcome=outcome, heard_at=time())
                if monotonic() > until:
                    return unheard
        return replace(unheard, complete=answer.is_success)
