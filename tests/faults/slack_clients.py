"""Clients whose watches tell Slack: batches with a digest, and watches whose callback is refused and sent again."""

import asyncio
from collections.abc import Mapping, Sequence
from random import Random
from time import monotonic, time
from typing import Any

import httpx

from tests.support.plain_http import plain_async_client

from .answers import Story
from .fleet import KEY
from .history import SEND_AGAIN, Attempt, BatchPost
from .rally import Rally
from .receivers import Receiver
from .slack_acts import SlackActs
from .wire import LOOPBACK, Peer, Request, answer

TIMEOUT = 12.0
IN_BATCH = 4
LENGTHS = (0.5, 6.0)
LONGEST = 15.0
"""Seconds before the end of the faults after which nothing new begins."""
SHORTEST = 8.0
PAUSE = (2.0, 5.0)
REFUSED = 410
LOOKS, BETWEEN_LOOKS = 60, 0.5
AGAIN = "again-hook"


class AgainHook(Receiver):
    """A callback that refuses the messages of an import for good, until it is mended."""

    def __init__(self, secret: str, chance: Random) -> None:
        super().__init__(AGAIN, secret, chance)
        self.mended: set[str] = set()

    @property
    def moods(self) -> tuple[str, ...]:
        return ()

    def refused(self, import_id: str) -> bool:
        return any(each.label == import_id and each.status == REFUSED for each in self.attempts)

    def destination(self, import_id: str) -> dict[str, Any]:
        url = f"http://{LOOPBACK}:{self.server.port}/again/{import_id}"
        return {"type": "callback", "url": url, "secret": self._secret}

    def _read(self, request: Request) -> Attempt | None:
        if not request.path.startswith("/again/"):
            return None
        at, label = time(), request.path.removeprefix("/again/")
        webhook_id = request.headers.get("webhook-id")
        facts: dict[str, Any] = {"receiver": AGAIN, "label": label, "number": 0, "digest": request.body.hex()}
        return Attempt(at=at, ended_at=at, webhook_id=webhook_id, signed=self._is_signed(request), **facts)

    async def _take(self, read: Attempt, line: Peer) -> Attempt:
        status = 200 if read.label in self.mended else REFUSED
        await line.send(answer(status))
        return Attempt(
            at=read.at,
            ended_at=time(),
            receiver=read.receiver,
            label=read.label,
            number=0,
            digest=read.digest,
            webhook_id=read.webhook_id,
            signed=read.signed,
            status=status,
            taken=status == 200,
        )


class SlackClients:
    """Posts batches and watches, and lets people send again what was refused."""

    def __init__(self, apis: Mapping[str, str], rally: Rally, hook: AgainHook, acts: SlackActs, chance: Random) -> None:
        self.batches: list[BatchPost] = []
        self._apis = apis
        self._rally = rally
        self._hook = hook
        self._acts = acts
        self._chance = chance
        self._numbers = 0
        self._http = plain_async_client(timeout=TIMEOUT, headers={"Authorization": f"Bearer {KEY}"})

    async def aclose(self) -> None:
        await self._http.aclose()

    async def post_for(self, seconds: float) -> None:
        """Post early enough that everything is refused, and sent again, within `seconds`."""
        until = monotonic() + max(SHORTEST, seconds - LONGEST)
        async with asyncio.TaskGroup() as together:
            while monotonic() < until:
                self._numbers += 1
                together.create_task(self._batch(f"batch-{self._numbers:05}"))
                together.create_task(self._send_again(f"again-{self._numbers:05}"))
                await asyncio.sleep(self._chance.uniform(*PAUSE))

    async def _batch(self, name: str) -> None:
        import_ids = [self._begin(f"{name}-{number}") for number in range(IN_BATCH)]
        notify = [{"type": "slack", "channel": f"C0B{name.removeprefix('batch-')}"}]
        watches = [{"importId": import_id, "notify": notify} for import_id in import_ids]
        at, (api, found) = time(), await self._post("/v1/watches/batch", {"watches": watches, "digest": True})
        results: Sequence[Mapping[str, Any]] = () if found is None else found["results"]
        told = tuple(each for each, result in zip(import_ids, results, strict=False) if result["status"] == 202)
        self.batches.append(BatchPost(at=at, ended_at=time(), api=api, import_ids=told))

    async def _send_again(self, import_id: str) -> None:
        """Post a watch whose callback is refused; then mend the callback, and click twice."""
        channel = f"C0A{self._begin(import_id).removeprefix('again-')}"
        notify = [{"type": "slack", "channel": channel}, self._hook.destination(import_id)]
        _, watch = await self._post("/v1/watches", {"importId": import_id, "notify": notify})
        if watch is None or not await self._refused(import_id):
            return
        self._hook.mended.add(import_id)
        for _ in range(2):
            clicks = (self._acts.click(SEND_AGAIN, import_id, watch["id"], channel) for _ in range(2))
            await asyncio.gather(*clicks)
            await asyncio.sleep(self._chance.uniform(*PAUSE))

    async def _refused(self, import_id: str) -> bool:
        for _ in range(LOOKS):
            if self._hook.refused(import_id):
                break
            await asyncio.sleep(BETWEEN_LOOKS)
        return self._hook.refused(import_id)

    def _begin(self, import_id: str) -> str:
        seconds = self._chance.uniform(*LENGTHS)
        self._rally.stories[import_id] = Story(ending="completed", began=time(), seconds=seconds)
        return import_id

    async def _post(self, path: str, body: Mapping[str, Any]) -> tuple[str, Any]:
        """Return the API process, and the document of a success."""
        api = self._chance.choice(sorted(self._apis))
        try:
            answered = await self._http.post(f"{self._apis[api]}{path}", json=body)
        except httpx.HTTPError:
            return api, None
        return api, answered.json() if answered.is_success else None
