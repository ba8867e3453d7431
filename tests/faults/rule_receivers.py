"""The receivers of messages of rules: a callback for each import, and a Slack channel that gets digests."""

import json
import re
from collections.abc import Mapping
from hashlib import sha256
from time import time
from typing import Any

from .history import Attempt
from .receivers import TYPES, Receiver
from .wire import LOOPBACK, Request

HOOK, ROOM = "hook", "room"
IMPORT = re.compile(r"(?:push|imp|stale|forged|test)[-_]\w+")
DIGEST = re.compile(r"`(dlv_\w+)`")
TOTAL = re.compile(r"([\d,]+) imports? ended")
RULES = """\
[destinations.{hook}]
type = "callback"
url = "http://{host}:{hook_port}/rules"
secret = "{hook_secret}"

[destinations.{room}]
type = "slack_webhook"
url = "http://{host}:{room_port}/services/T0/B0/room"

[[rules]]
name = "each"
outcomes = "always"
notify = ["{hook}"]

[[rules]]
name = "together"
outcomes = "always"
notify = ["{room}"]
mode = "digest"
digest = {{every = "1m"}}
"""


class RuleHook(Receiver):
    """A callback of a rule: each message is about one import."""

    def _read(self, request: Request) -> Attempt | None:
        if request.path != "/rules":
            return None
        data = json.loads(request.body)
        return Attempt(
            **_facts(self.name, request, data["data"]["importId"]),
            webhook_id=request.headers.get("webhook-id"),
            watch_id=data["data"]["watchId"],
            outcome=TYPES.get(data["type"], data["type"]),
            signed=self._is_signed(request),
            imports=(data["data"]["importId"],),
            total=1,
        )


class RuleRoom(Receiver):
    """A Slack channel of a rule: each message is a digest, with the id of its delivery at its end."""

    def _read(self, request: Request) -> Attempt | None:
        message = json.loads(request.body)
        blocks = json.dumps(message["blocks"])
        found, total = DIGEST.search(blocks), TOTAL.search(message["text"])
        if found is None or total is None or not request.path.startswith("/services/"):
            return None
        named = frozenset(IMPORT.findall(blocks))
        return Attempt(
            **_facts(self.name, request, found[1]),
            imports=tuple(sorted(named)),
            total=int(total[1].replace(",", "")),
        )


def _facts(receiver: str, request: Request, label: str) -> Mapping[str, Any]:
    at = time()
    digest = sha256(request.body).hexdigest()
    return {"at": at, "ended_at": at, "receiver": receiver, "label": label, "number": 0, "digest": digest}


def rules_file(hook: Receiver, room: Receiver) -> str:
    """Return the configuration file with both rules and their destinations."""
    return RULES.format(
        host=LOOPBACK,
        hook=HOOK,
        hook_port=hook.server.port,
        hook_secret=hook.place.secret,
        room=ROOM,
        room_port=room.server.port,
    )
