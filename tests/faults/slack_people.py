"""People in Slack, who watch imports that run for long by a command, through a random API process each time."""

import asyncio
from collections.abc import Mapping
from random import Random
from time import monotonic, time
from urllib.parse import urlencode

import httpx

from tests.support.plain_http import plain_async_client
from tests.support.slack_requests import command_form, signed_headers

from .answers import Story
from .history import Asked
from .rally import Rally
from .slack_acts import SlackActs
from .slack_room import NOT_INVITED

TIMEOUT = 12.0
LIVING_AFTER = 60.0
"""The seconds after which an import has a living message."""
LENGTHS = (LIVING_AFTER + 1, LIVING_AFTER + 35)
SHORT_LENGTHS = (1.0, 12.0)
"""Imports that are stopped about when they end."""
SHORTEST = 8.0
PAUSE = (0.3, 1.5)
SILENT = 200
REFUSED = 0.15
"""The share of commands in channels in which the app is not."""
STOPPED = 0.5
"""The share of watches that are stopped, and after how many seconds."""
STOPPED_AFTER = (0.5, 12.0)


class SlackPeople:
    """Ask for watches, and record the answers."""

    def __init__(self, apis: Mapping[str, str], rally: Rally, slack_url: str, acts: SlackActs, chance: Random) -> None:
        self._acts = acts
        self.asked: list[Asked] = []
        self._apis = apis
        self._rally = rally
        self._slack_url = slack_url
        self._chance = chance
        self._http = plain_async_client(timeout=TIMEOUT)

    async def aclose(self) -> None:
        await self._http.aclose()

    async def ask_for(self, seconds: float) -> None:
        """Ask for watches: first for long imports, as long as most living messages are due within `seconds`."""
        began = monotonic()
        long_until, until = began + max(SHORTEST, seconds - LIVING_AFTER), began + max(SHORTEST, seconds)
        async with asyncio.TaskGroup() as stopping:
            while monotonic() < until:
                import_id = f"live-{len(self.asked):05}"
                await self._ask(import_id, LENGTHS if monotonic() < long_until else SHORT_LENGTHS)
                if not self.asked[-1].refused and self._chance.random() < STOPPED:
                    stopping.create_task(self._stop(import_id))
                await asyncio.sleep(self._chance.uniform(*PAUSE))

    async def _stop(self, import_id: str) -> None:
        await asyncio.sleep(self._chance.uniform(*STOPPED_AFTER))
        await self._acts.stop(import_id, _channel(import_id))

    async def _ask(self, import_id: str, lengths: tuple[float, float]) -> None:
        story = Story(ending="completed", began=time(), seconds=self._chance.uniform(*lengths))
        self._rally.stories[import_id] = story
        api = self._chance.choice(sorted(self._apis))
        refused = self._chance.random() < REFUSED
        channel = _channel(import_id).replace("C0", NOT_INVITED, 1) if refused else _channel(import_id)
        response_url = self._slack_url + answered_at(import_id)
        form = command_form(f"watch {import_id}", channel_id=channel, response_url=response_url)
        body = urlencode(form).encode()
        at = time()
        try:
            answer = await self._http.post(
                f"{self._apis[api]}/slack/commands", content=body, headers=signed_headers(body)
            )
            acknowledged = answer.status_code == SILENT and not answer.content
        except httpx.HTTPError:
            acknowledged = False
        over_at = story.began + story.seconds
        self.asked.append(
            Asked(
                at=at,
                ended_at=time(),
                api=api,
                import_id=import_id,
                over_at=over_at,
                acknowledged=acknowledged,
                refused=refused,
            )
        )


def answered_at(import_id: str) -> str:
    """Return the path of the `response_url` of a command."""
    return f"/commands/T000/{import_id}/secret"


def _channel(import_id: str) -> str:
    return f"C0{import_id.removeprefix('live-')}"
