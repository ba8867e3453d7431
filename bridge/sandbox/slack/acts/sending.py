"""Sending of what people do to the bridge, and waiting for what follows."""

import json
from collections.abc import Mapping

from bridge.sandbox.slack.acts.bridge_link import INTERACTIONS, BridgeLink, Reply
from bridge.sandbox.slack.acts.payloads import Payload
from bridge.sandbox.slack.state.workspace import Call, Workspace

FOLLOWS_WITHIN = 1.5
"""The seconds in which the app usually posts, or opens a modal, after its answer."""
NO_APP = "no app is installed: the sandbox has no SANDBOX_SLACK_SIGNING_SECRET, or no SANDBOX_BRIDGE_URL"


class Sending:
    """Sends requests to the bridge, and records how they were answered."""

    def __init__(self, slack: Workspace, bridge: BridgeLink, *, follows_within: float) -> None:
        self._slack = slack
        self._bridge = bridge
        self._follows_within = follows_within

    async def interact(self, payload: Payload) -> Reply:
        return await self.send(INTERACTIONS, {"payload": json.dumps(payload)})

    async def send(self, path: str, form: Mapping[str, str]) -> Reply:
        if not self._bridge.enabled:
            return Reply(problem=NO_APP)
        reply = await self._bridge.send(path, form)
        result = reply.problem or "ok"
        self._slack.calls.append(Call(at=self._slack.now(), method=f"POST {path}", channel="", result=result))
        return reply

    async def wait(self, since: int) -> None:
        """Wait for a change since a count, so that the next page shows what the person has caused."""
        await self._slack.changes.wait(since, self._follows_within)
