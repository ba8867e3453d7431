"""The clients of a trial: they post watches, push, and read; and remember what they were answered."""

import asyncio
from collections.abc import Mapping, Sequence
from itertools import count, cycle
from time import monotonic
from typing import Any

import httpx

from tests.support.plain_http import plain_async_client
from tests.support.push_messages import push_body, send_push
from tests.support.world import CLIENT_KEY, bearer

from .findings import Ending, ending
from .outside import Outside

POSTS, PUSHES, READS = 10.0, 2.0, 5.0
"""Calls per second of each kind."""
PATIENCE = 60.0
ANSWER_PATIENCE = 15.0
CONNECTIONS = 40
"""The number of HTTP clients, which are used in turn: the time that httpx takes grows with what is open in one."""


class Clients:
    """All clients of one trial; `name` makes its imports different from those of others."""

    def __init__(self, name: str, api: str, outside: Outside) -> None:
        self.accepted: dict[str, str] = {}
        self.refused: dict[str, None] = {}
        self.pushed: list[str] = []
        self.shown: dict[str, Ending] = {}
        self.accepted_at: list[float] = []
        """When each accepted watch was answered."""
        self._name = name
        self._callback_url = outside.callback_url
        self._all = [
            plain_async_client(api, headers=bearer(CLIENT_KEY), timeout=ANSWER_PATIENCE) for _ in range(CONNECTIONS)
        ]
        self._next = cycle(self._all)
        self._numbers = count(1)
        self._calls: set[asyncio.Task[None]] = set()

    async def run(self, until: asyncio.Event) -> None:
        """Call at a constant rate, however long an answer takes."""
        await asyncio.gather(*(self._repeat(*each, until) for each in self._kinds()))
        await asyncio.gather(*self._calls)

    def _kinds(self) -> Sequence[tuple[Any, float]]:
        return (self._post, POSTS), (self._push, PUSHES), (self._read, READS)

    async def _repeat(self, call: Any, rate: float, until: asyncio.Event) -> None:
        due = monotonic()
        while not until.is_set():
            task = asyncio.create_task(call())
            self._calls.add(task)
            task.add_done_callback(self._calls.discard)
            due += 1 / rate
            await asyncio.sleep(max(0.0, due - monotonic()))

    async def _post(self) -> None:
        import_id = f"{self._name}-{next(self._numbers)}"
        if not await self._accepted(import_id):
            self.refused[import_id] = None

    async def _accepted(self, import_id: str) -> bool:
        """Post a watch; return whether it was accepted."""
        notify = [{"type": "callback", "url": self._callback_url}]
        try:
            answer = await self._http.post(
                "/v1/watches",
                json={"importId": import_id, "notify": notify},
                headers={"Idempotency-Key": import_id},
            )
        except httpx.HTTPError:
            return False
        if answer.status_code == 503:
            assert "retry-after" in answer.headers
            return False
        assert answer.status_code == 202, answer.text
        self.accepted[answer.json()["id"]] = import_id
        self.accepted_at.append(monotonic())
        return True

    async def _push(self) -> None:
        message_id = f"msg_{self._name}_{next(self._numbers)}"
        try:
            answer = await send_push(self._http, push_body(message_id), message_id=message_id)
        except httpx.HTTPError:
            return
        if answer.status_code == 204:
            self.pushed.append(message_id)

    async def _read(self) -> None:
        """Read the oldest watch that was not shown as ended."""
        still_open = next((each for each in self.accepted if each not in self.shown), None)
        if still_open is not None:
            await self.get(still_open)

    async def get(self, watch_id: str) -> Mapping[str, Any] | None:
        """Return a watch; None if it does not exist, or can't be read now."""
        try:
            answer = await self._http.get(f"/v1/watches/{watch_id}")
        except httpx.HTTPError:
            return None
        if answer.status_code != 200:
            return None
        watch: Mapping[str, Any] = answer.json()
        if watch["outcome"] is not None:
            self.shown.setdefault(watch_id, ending(watch))
        return watch

    async def repeat_refused(self) -> None:
        """Post again, with the same keys, what was refused."""
        until = monotonic() + PATIENCE
        for import_id in self.refused:
            while not await self._accepted(import_id):
                assert monotonic() < until, "the API does not recover"
                await asyncio.sleep(0.2)

    async def watches_of(self, import_id: str) -> Sequence[str]:
        answer = await self._http.get("/v1/watches", params={"importId": import_id})
        return [each["id"] for each in answer.json()["data"]]

    async def aclose(self) -> None:
        for each in self._all:
            await each.aclose()

    @property
    def _http(self) -> httpx.AsyncClient:
        return next(self._next)
