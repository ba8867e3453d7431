"""A Slack that people watch imports in: it takes messages, edits and ephemeral answers, in its mood."""

import json
import re
from hashlib import sha256
from random import Random
from time import time
from typing import Any

from .answers import JSON
from .history import DIGEST, EDIT, END, LIVING, Attempt
from .receivers import Receiver
from .rule_receivers import DIGEST as DIGEST_ID
from .rule_receivers import TOTAL
from .wire import Peer, Request, answer

SLACK, TEAM = "channel", "T000"
IMPORT = re.compile(r"(?:live|again|batch)-\d{5}(?:-\d)?")
WATCH = re.compile(r"wat_\w+")
NOT_INVITED = "C9"
"""How the channels begin in which the app is not."""
OPEN = ("⏳", "❓", "🔒")
"""How living messages about open imports begin; those about unknown imports too."""
MOODS = ("hanging", "trickling", "busy", "failing", "resetting", "ambiguous", "unending")
"""The moods of messages; everything else is always answered, so that it is known what people have asked for."""


class SlackRoom(Receiver):
    """All channels of a Slack workspace: each import has one of its own, so that nothing waits for its turn."""

    def __init__(self, name: str, secret: str, chance: Random) -> None:
        super().__init__(name, secret, chance, slack=True)
        self.said: dict[str, str] = {}
        """What people read as the answer to a click, by the path of its `response_url`."""
        self.buttons: dict[str, str] = {}
        """The watch that the button of a confirmation stops, by its import."""

    @property
    def moods(self) -> tuple[str, ...]:
        return MOODS

    async def serve(self, request: Request, line: Peer) -> bool:
        if request.path in {"/api/auth.test", "/api/chat.postEphemeral"} or request.path.startswith("/commands/"):
            await line.send(answer(200, JSON, json.dumps(self._noted(request)).encode()))
            return True
        return await super().serve(request, line)

    def _noted(self, request: Request) -> dict[str, Any]:
        """Note what a person reads, and which button is shown; return the answer."""
        body = json.loads(request.body or b"{}")
        if body.get("channel", "").startswith(NOT_INVITED):
            return {"ok": False, "error": "not_in_channel"}
        if request.path.startswith("/commands/"):
            self.said[request.path] = body["text"]
        elif (found := IMPORT.search(body.get("text", ""))) and (watch := WATCH.search(json.dumps(body["blocks"]))):
            self.buttons[found[0]] = watch[0]
        return {"ok": True, "team_id": TEAM}

    def _read(self, request: Request) -> Attempt | None:
        body = json.loads(request.body)
        found = IMPORT.search(body.get("text", ""))
        if found is None or request.path not in {"/api/chat.postMessage", "/api/chat.update"}:
            return None
        at = time()
        blocks = json.dumps(body.get("blocks"))
        digest, total = DIGEST_ID.search(blocks), TOTAL.search(body["text"])
        is_digest = digest is not None and total is not None
        return Attempt(
            at=at,
            ended_at=at,
            receiver=self.name,
            label=digest[1] if digest is not None and is_digest else found[0],
            number=0,
            digest=sha256(json.dumps([body["text"], body.get("blocks")]).encode()).hexdigest(),
            in_slack=DIGEST if is_digest else _kind(request.path, body["text"]),
            imports=tuple(sorted(set(IMPORT.findall(blocks)))) if is_digest else (found[0],),
            total=int(total[1]) if total is not None else 1,
            thread=body.get("thread_ts"),
            ts=f"{at:.6f}",
        )

    def _success(self, read: Attempt) -> bytes:
        return json.dumps({"ok": True, "channel": "C0LIVING", "ts": read.ts}).encode()


def _kind(path: str, text: str) -> str:
    if path.endswith("update"):
        return EDIT
    return LIVING if text.startswith(OPEN) else END
