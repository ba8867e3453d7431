"""Commands and clicks of people in Slack, signed as Slack signs them, through a random API process each time."""

import asyncio
import json
from collections.abc import Mapping
from random import Random
from time import time
from typing import Any
from urllib.parse import urlencode

import httpx

from tests.support.plain_http import plain_async_client
from tests.support.slack_requests import SlackStandIn, click, command_form, signed_headers

from .history import SEND_AGAIN, STOP, Act
from .slack_room import SlackRoom
from .wire import LOOPBACK

TIMEOUT = 12.0
ACTIONS = {STOP: "stop_watching", SEND_AGAIN: "send_again"}
PATIENCE, LOOKS = 4.0, 20
"""For how many seconds, and in how many looks, the answer to a click is awaited."""


class SlackActs:
    """Does what people do, and records the answers."""

    def __init__(self, apis: Mapping[str, str], room: SlackRoom, chance: Random) -> None:
        self.acts: list[Act] = []
        self._apis = apis
        self._room = room
        self._chance = chance
        self._numbers = 0
        self._http = plain_async_client(timeout=TIMEOUT)

    async def aclose(self) -> None:
        await self._http.aclose()

    async def stop(self, import_id: str, channel: str) -> None:
        """Stop the watch of an import: by its button, if its confirmation was shown, or by a command."""
        watch_id = self._room.buttons.get(import_id)
        if watch_id is not None and self._chance.random() < 0.5:
            await self.click(STOP, import_id, watch_id, channel)
        else:
            await self._command(f"stop {import_id}", import_id, channel)

    async def _command(self, text: str, import_id: str, channel: str) -> None:
        form = command_form(text, channel_id=channel, response_url=self._response_url()[0])
        at, api, answer = await self._send("commands", form)
        said = "" if answer is None or not answer.content or answer.status_code != 200 else answer.json()["text"]
        self._record(at, api, STOP, import_id, answer, said=said)

    async def click(self, kind: str, import_id: str, watch_id: str, channel: str) -> None:
        url, path = self._response_url()
        payload: dict[str, Any] = click(SlackStandIn(), ACTIONS[kind], watch_id, channel=channel)
        payload["response_url"] = url
        at, api, answer = await self._send("interactions", {"payload": json.dumps(payload)})
        said = await self._said(path) if answer is not None else ""
        self._record(at, api, kind, import_id, answer, clicked=True, said=said)

    def _response_url(self) -> tuple[str, str]:
        self._numbers += 1
        path = f"/commands/T000/{self._numbers}/secret"
        return f"http://{LOOPBACK}:{self._room.server.port}{path}", path

    async def _said(self, path: str) -> str:
        for _ in range(LOOKS):
            if path in self._room.said:
                break
            await asyncio.sleep(PATIENCE / LOOKS)
        return self._room.said.get(path, "")

    async def _send(self, endpoint: str, form: Mapping[str, str]) -> tuple[float, str, httpx.Response | None]:
        body = urlencode(form).encode()
        api, at = self._chance.choice(sorted(self._apis)), time()
        try:
            url = f"{self._apis[api]}/slack/{endpoint}"
            return at, api, await self._http.post(url, content=body, headers=signed_headers(body))
        except httpx.HTTPError:
            return at, api, None

    def _record(
        self,
        at: float,
        api: str,
        kind: str,
        import_id: str,
        answer: httpx.Response | None,
        *,
        said: str,
        clicked: bool = False,
    ) -> None:
        status = None if answer is None else answer.status_code
        facts: dict[str, Any] = {"api": api, "kind": kind, "import_id": import_id, "status": status, "said": said}
        self.acts.append(Act(at=at, ended_at=time(), clicked=clicked, **facts))
