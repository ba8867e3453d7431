"""Rally's pushes during a run: late, repeated, reordered, forged, stale, and repeated until they are accepted."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from random import Random
from time import monotonic, time

import httpx
from standardwebhooks import Webhook

from tests.support.plain_http import plain_async_client

from .answers import STATUSES, Story
from .fleet import PUSH_SECRET, secret
from .history import FORGED, GENUINE, STALE, TEST, PushPost
from .rally import Rally

TIMEOUT = 15.0
"""Svix gives up after as many seconds."""
LATEST = 4.0
"""The longest delay of a push in seconds; within it, pushes arrive in another order than imports end."""
REPEATED = 0.3
EARLY = 0.1
LOST = 0.05
"""The share of pushes about watched imports that never come: polling alone finds those ends."""
KINDS = {GENUINE: 70, FORGED: 15, STALE: 8, TEST: 7}
RETRY_PAUSES = (0.3, 1.0, 2.0)
"""Svix waits 5 s, 5 min and longer; a run has no time for that."""
A_MONTH = 30 * 86_400


class Pusher:
    """Pushes ends of imports that nobody watches, and of watched ones, through a random API process each time."""

    def __init__(self, apis: Mapping[str, str], rally: Rally, chance: Random) -> None:
        self.posts: list[PushPost] = []
        self._apis = apis
        self._rally = rally
        self._chance = chance
        self._messages = 0
        self._watched: set[str] = set()
        """The watched imports whose push has been decided on."""
        self._http = plain_async_client(timeout=TIMEOUT)

    async def aclose(self) -> None:
        await self._http.aclose()

    async def push_for(self, seconds: float, *, rate: float, patience: float) -> None:
        """Begin `rate` imports a second for `seconds`, push their ends and those of watched ones, and retry."""
        following = monotonic()
        until = following + seconds
        async with asyncio.TaskGroup() as pushing:
            while following < until:
                await asyncio.sleep(following - monotonic())
                pushing.create_task(self._push_one(until + patience))
                for import_id, story in self._ended_watched():
                    pushing.create_task(self._tell(GENUINE, import_id, story, until + patience))
                following += self._chance.expovariate(rate)

    def _ended_watched(self) -> list[tuple[str, Story]]:
        """Return the imports that clients watch, that Rally pushes, and that have ended since the last call."""
        ended = [
            (import_id, story)
            for import_id, story in self._rally.stories.items()
            if import_id.startswith("imp-0") and import_id not in self._watched and story.ending in STATUSES
            if story.over_at is not None and story.over_at < time()
        ]
        self._watched |= {import_id for import_id, _ in ended}
        return [each for each in ended if self._chance.random() >= LOST]

    async def _push_one(self, until: float) -> None:
        (kind,) = self._chance.choices([*KINDS], [*KINDS.values()])
        self._messages += 1
        import_id = f"{kind}_{self._messages:05}" if kind == TEST else f"{kind}-{self._messages:05}"
        began = time() - (A_MONTH if kind == STALE else 0)
        seconds = self._chance.uniform(0, 6)
        story = Story(ending=self._chance.choice([*STATUSES]), began=began, seconds=seconds)
        if kind != TEST:
            self._rally.stories[import_id] = story
        early = kind == GENUINE and self._chance.random() < EARLY
        if kind in {GENUINE, FORGED} and not early:
            await asyncio.sleep(seconds)
        await self._tell(kind, import_id, story, until)

    async def _tell(self, kind: str, import_id: str, story: Story, until: float) -> None:
        """Post a push until it is accepted, perhaps once more after that, as Svix does."""
        await asyncio.sleep(self._chance.uniform(0, LATEST))
        self._messages += 1
        message_id = f"msg_{self._messages:06}"
        body = _body(import_id, story)
        signer = secret() if kind == FORGED else PUSH_SECRET
        attempts = 1 + (self._chance.random() < REPEATED)
        number = 0
        while attempts and monotonic() < until:
            status = await self._post(kind, import_id, message_id, body, signer)
            attempts -= status is not None and status < 500
            number += 1
            await asyncio.sleep(RETRY_PAUSES[min(number, len(RETRY_PAUSES)) - 1])

    async def _post(self, kind: str, import_id: str, message_id: str, body: bytes, signer: str) -> int | None:
        api = self._chance.choice(sorted(self._apis))
        at = datetime.now(UTC)
        headers = {
            "svix-id": message_id,
            "svix-timestamp": str(int(at.timestamp())),
            "svix-signature": Webhook(signer).sign(message_id, at, body.decode()),
        }
        began, status = time(), None
        try:
            url = f"{self._apis[api]}/v1/push/rally/default"
            status = (await self._http.post(url, content=body, headers=headers)).status_code
        except httpx.HTTPError:
            pass  # recorded as no answer
        story = self._rally.stories.get(import_id)
        self.posts.append(
            PushPost(
                at=began,
                ended_at=time(),
                api=api,
                kind=kind,
                message_id=message_id,
                import_id=import_id,
                ending=story.ending if story else None,
                status=status,
            )
        )
        return status


def _body(import_id: str, story: Story) -> bytes:
    over = story.over_at or story.began
    ended = time() >= over
    failed = story.ending == "completed_with_failures" and ended
    return json.dumps(
        {
            "_eventType": "person_import.csv.finished",
            "importId": import_id,
            "status": STATUSES[story.ending] if ended else "UPLOADING",
            "updatedAt": datetime.fromtimestamp(min(over, time()), UTC).isoformat(timespec="milliseconds"),
            "failedRecords": [{"email": "someone@example.com"}] if failed else [],
        }
    ).encode()
