"""The clients: they post and read watches throughout a run, and record the responses."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from random import Random
from time import monotonic, time
from typing import Any

import httpx

from tests.support.plain_http import plain_async_client

from .answers import Story
from .fleet import KEY
from .history import OUTCOMES, Subscription, WatchPost, WatchView
from .rally import Rally
from .receivers import Place

TIMEOUT = 12.0
FAR_EXPIRY = 3600
JOINS = 0.25
"""The share of posts for an import that is already watched."""
FRESH = 12
"""The number of recent imports that another post may join."""
AT_ONCE = 20
WEIGHTS = (40, 15, 15, 10, 8, 12)
"""The weights of OUTCOMES, in their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """The longest duration of an import, and the expiry of a watch that times out, in seconds."""

    longest: float = 12.0
    expiry: tuple[int, int] = (4, 10)


class Generator:
    """Posts and reads through a random API process each time."""

    def __init__(
        self, apis: Mapping[str, str], rally: Rally, places: Sequence[Place], chance: Random, lengths: Lengths
    ) -> None:
        self.posts: list[WatchPost] = []
        self.seen: list[WatchView] = []
        self._apis = apis
        self._rally = rally
        self._places = places
        self._chance = chance
        self._lengths = lengths
        self._imports: list[str] = []
        self._labels = 0
        self._room = asyncio.Semaphore(AT_ONCE)
        self._http = plain_async_client(timeout=TIMEOUT, headers={"Authorization": f"Bearer {KEY}"})

    async def aclose(self) -> None:
        await self._http.aclose()

    async def post_for(self, seconds: float, *, rate: float) -> None:
        """Post `rate` watches a second for `seconds`; catch up after delays of a busy machine."""
        following = monotonic()
        until = following + seconds
        async with asyncio.TaskGroup() as posting:
            while following < until:
                await asyncio.sleep(following - monotonic())
                self._labels += 1
                posting.create_task(self._post(f"w{self._labels:05}"))
                following += self._chance.expovariate(rate)

    async def read_for(self, seconds: float, *, rate: float) -> None:
        """Read accepted watches, so that an outcome that changes is seen."""
        until = monotonic() + seconds
        while monotonic() < until:
            accepted = [post.watch_id for post in self.posts if post.watch_id]
            if accepted:
                await self._read(self._chance.choice(accepted))
            await asyncio.sleep(1 / rate)

    async def settle(self, patience: float) -> float:
        """Read the accepted watches until none is open; return the seconds that it took."""
        began = monotonic()
        left = self._accepted_ids()
        while left and monotonic() < began + patience:
            seen = await asyncio.gather(*(self._read(watch_id) for watch_id in sorted(left)))
            left -= {each.watch_id for each in seen if each and each.ended}
            await asyncio.sleep(0.5)
        return monotonic() - began

    async def follow(self, posting: asyncio.Task[None], *, pause: float, patience: float) -> int:
        """Read the open watches in rounds, each until it has ended; return the number that never did."""
        ended: set[str] = set()
        until = inf
        while (left := self._accepted_ids() - ended) or not posting.done():
            if posting.done():
                until = min(until, monotonic() + patience)
            if monotonic() > until:
                break
            began = monotonic()
            seen = await asyncio.gather(*(self._read(watch_id) for watch_id in sorted(left)))
            ended |= {each.watch_id for each in seen if each and each.ended}
            await asyncio.sleep(max(0.0, began + pause - monotonic()))
        return len(left)

    def _accepted_ids(self) -> set[str]:
        return {post.watch_id for post in self.posts if post.watch_id}

    async def read_all(self) -> None:
        """Read every accepted watch once."""
        await asyncio.gather(*(self._read(post.watch_id) for post in self.posts if post.watch_id))

    async def _post(self, label: str) -> None:
        import_id, story = self._choose(label)
        chosen = self._chance.sample(self._places, self._chance.choice((0, 1, 1, 2, 3)))
        subscriptions = tuple(
            Subscription(receiver=place.name, on=self._some_outcomes(), paced=place.slack) for place in chosen
        )
        body = {
            "importId": import_id,
            "label": label,
            "notify": [place.notify(label, number, subscriptions[number].on) for number, place in enumerate(chosen)],
            "expiresIn": self._chance.randint(*self._lengths.expiry) if story.ending == "timed_out" else FAR_EXPIRY,
        }
        api = self._chance.choice(sorted(self._apis))
        at = time()
        status, watch_id = await self._send(api, body)
        self.posts.append(
            WatchPost(
                at=at,
                ended_at=time(),
                api=api,
                label=label,
                ending=story.ending,
                subscriptions=subscriptions,
                status=status,
                watch_id=watch_id,
                import_id=import_id,
                over_at=story.over_at,
            )
        )

    async def _send(self, api: str, body: Mapping[str, Any]) -> tuple[int | None, str | None]:
        async with self._room:
            try:
                answer = await self._http.post(f"{self._apis[api]}/v1/watches", json=body)
            except httpx.HTTPError:
                return None, None
        return answer.status_code, answer.json()["id"] if answer.is_success else None

    def _choose(self, label: str) -> tuple[str, Story]:
        """Choose an import that is already watched, or start a new one."""
        if self._imports and self._chance.random() < JOINS:
            import_id = self._chance.choice(self._imports[-FRESH:])
            return import_id, self._rally.stories[import_id]
        (ending,) = self._chance.choices(OUTCOMES, WEIGHTS)
        late = ending in {"completed", "failed"} and self._chance.random() < 0.2
        story = Story(ending=ending, began=time(), seconds=self._chance.uniform(0.0, self._lengths.longest), late=late)
        import_id = f"imp-{label.removeprefix('w')}"
        self._rally.stories[import_id] = story
        self._imports.append(import_id)
        return import_id, story

    def _some_outcomes(self) -> frozenset[str] | None:
        if self._chance.random() < 0.8:
            return None
        return frozenset(self._chance.sample(OUTCOMES, 3))

    async def _read(self, watch_id: str) -> WatchView | None:
        """Read a watch; record nothing if the response is not about it."""
        url = self._apis[self._chance.choice(sorted(self._apis))]
        async with self._room:
            try:
                answer = await self._http.get(f"{url}/v1/watches/{watch_id}")
            except httpx.HTTPError:
                return None
        if answer.status_code not in {200, 404}:
            return None
        seen = _seen(watch_id, answer.json() if answer.is_success else {"state": None, "outcome": None})
        self.seen.append(seen)
        return seen


def _seen(watch_id: str, shown: Mapping[str, Any]) -> WatchView:
    pending = sum(each["state"] == "pending" for each in shown.get("deliveries", ()))
    return WatchView(at=time(), watch_id=watch_id, state=shown["state"], outcome=shown["outcome"], pending=pending)
