"""A Slack that people watch imports in: it takes messages, edits and ephemeral answers, in its mood."""

import json
import re
from hashlib import sha256
from time import time

from .answers import JSON
from .history import EDIT, END, LIVING, Attempt
from .receivers import Receiver
from .wire import Peer, Request, answer

SLACK, TEAM = "channel", "T000"
IMPORT = re.compile(r"live-\d{5}")
RUNNING = "⏳"
MOODS = ("hanging", "trickling", "busy", "failing", "resetting", "ambiguous", "unending")
"""The moods of messages; everything else is always answered, so that it is known what people have asked for."""


class SlackRoom(Receiver):
    """All channels of a Slack workspace: each import has one of its own, so that nothing waits for its turn."""

    @property
    def moods(self) -> tuple[str, ...]:
        return MOODS

    async def serve(self, request: Request, line: Peer) -> bool:
        if request.path in {"/api/auth.test", "/api/chat.postEphemeral"} or request.path.startswith("/commands/"):
            await line.send(answer(200, JSON, json.dumps({"ok": True, "team_id": TEAM}).encode()))
            return True
        return await super().serve(request, line)

    def _read(self, request: Request) -> Attempt | None:
        body = json.loads(request.body)
        found = IMPORT.search(body.get("text", ""))
        if found is None or request.path not in {"/api/chat.postMessage", "/api/chat.update"}:
            return None
        at = time()
        return Attempt(
            at=at,
            ended_at=at,
            receiver=self.name,
            label=found[0],
            number=0,
            digest=sha256(json.dumps([body["text"], body.get("blocks")]).encode()).hexdigest(),
            in_slack=_kind(request.path, body["text"]),
            thread=body.get("thread_ts"),
            ts=f"{at:.6f}",
        )

    def _success(self, read: Attempt) -> bytes:
        return json.dumps({"ok": True, "channel": "C0LIVING", "ts": read.ts}).encode()


def _kind(path: str, text: str) -> str:
    if path.endswith("update"):
        return EDIT
    return LIVING if text.startswith(RUNNING) else END
