"""The simulated Slack of the sandbox: its methods, its people with a planned bridge, and its pages over HTTP."""

import dataclasses
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from bridge.sandbox.app import create_app
from bridge.sandbox.settings import SandboxSettings
from bridge.sandbox.slack.acts.acting import Acting
from bridge.sandbox.slack.acts.bridge_link import INTERACTIONS, BridgeLink, Reply
from bridge.sandbox.slack.api.answering import answer_person
from bridge.sandbox.slack.api.calls import METHODS
from bridge.sandbox.slack.api.refusal import Refused
from bridge.sandbox.slack.state.channels import Channel
from bridge.sandbox.slack.state.identity import Identity
from bridge.sandbox.slack.state.modals import Modal
from bridge.sandbox.slack.state.posts import Post
from bridge.sandbox.slack.state.workspace import Workspace
from tests.support.samples import only
from tests.support.sandbox_app import Clock

TOKEN = "xoxb-1"
SIGNING_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
HERE = "C0PANELS"
SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "x"}}


def plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


BUTTON = {"type": "button", "action_id": "stop", "text": plain("Stop"), "value": "wat_1"}
BUTTONS = {"type": "actions", "block_id": "buttons", "elements": [BUTTON]}
INPUT = {
    "type": "input",
    "block_id": "import",
    "label": plain("Import id"),
    "element": {"type": "plain_text_input", "action_id": "value", "max_length": 20},
}
VIEW = {"type": "modal", "callback_id": "cb", "title": plain("Watch"), "submit": plain("Go"), "blocks": [INPUT]}


@dataclass(frozen=True)
class PlannedBridge(BridgeLink):
    """A bridge that keeps what it is sent, and answers as planned: with nothing, if nothing is planned."""

    forms: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)

    async def send(self, path: str, form: Mapping[str, str]) -> Reply:
        self.forms.append((path, form))
        return self.replies.pop(0) if self.replies else Reply()

    @property
    def payload(self) -> dict[str, Any]:
        """The payload of the only interaction."""
        path, form = only(self.forms)
        assert path == INTERACTIONS
        payload: dict[str, Any] = json.loads(form["payload"])
        return payload


@dataclass
class SimulatedSlack:
    """A workspace, and what people do in it."""

    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.workspace = Workspace(Identity(token=TOKEN, signing_secret=SIGNING_SECRET), self.clock)
        self.bridge = PlannedBridge(url="http://bridge", secret=SIGNING_SECRET, now=self.clock)
        self.people = Acting(self.workspace, self.bridge, follows_within=0)

    def call(self, method: str, **arguments: Any) -> dict[str, Any]:
        """Carry out a method of Slack's API; a refusal is returned as its `error` and `messages`."""
        try:
            return METHODS[method](self.workspace, arguments)
        except Refused as refused:
            return {"error": refused.error, "messages": refused.messages}

    def respond(self, path: str, **answer: Any) -> str | None:
        """Answer through a response URL; return Slack's error."""
        return answer_person(self.workspace, path, answer)

    def post(self, text: str = "hello", **arguments: Any) -> Post:
        """Post a message; return it."""
        answer = self.call("chat.postMessage", channel=HERE, text=text, **arguments)
        return self.at(answer["ts"])

    def at(self, ts: str) -> Post:
        post = self.workspace.posts.get(HERE, ts)
        assert post is not None
        return post

    @property
    def posts(self) -> list[Post]:
        return list(self.workspace.posts)

    @property
    def here(self) -> Channel:
        return self.channel(HERE)

    def channel(self, channel_id: str) -> Channel:
        channel = self.workspace.channels.get(channel_id)
        assert channel is not None
        return channel

    def trigger(self) -> str:
        return self.workspace.triggers.make("U0ALICE", HERE)

    def open(self, **changes: Any) -> Modal:
        """Open a modal for Alice; return it."""
        opened = self.call("views.open", trigger_id=self.trigger(), view=VIEW | changes)
        modal = self.workspace.modals.get(opened["view"]["id"])
        assert modal is not None
        return modal


@dataclass
class SlackOverHttp:
    """The simulated Slack as the bridge and a browser reach it."""

    http: httpx.AsyncClient

    async def answer(self, method: str, **content: Any) -> httpx.Response:
        """Call a method of Slack's API, as the diversion does."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        return await self.http.post(f"/outbound/https/slack.com/api/{method}", headers=headers, **content)

    async def call(self, method: str, **arguments: Any) -> dict[str, Any]:
        """Call a method with the arguments in JSON."""
        document: dict[str, Any] = (await self.answer(method, json=arguments)).json()
        return document

    async def at(self, url: str, **content: Any) -> httpx.Response:
        """Send something to a URL that Slack has given out, as the diversion does."""
        scheme, _, rest = url.partition("://")
        return await self.http.post(f"/outbound/{scheme}/{rest}", **content)

    async def state(self) -> dict[str, Any]:
        found: dict[str, Any] = (await self.http.get("/control/slack")).json()
        return found

    async def plan(self, **fault: Any) -> None:
        answer = await self.http.post("/control/slack/faults", json=fault)
        assert answer.status_code == 204, answer.text

    async def page(self, **query: str) -> str:
        return (await self.http.get("/inbox", params=query)).text


@asynccontextmanager
async def slack_over_http(**settings: Any) -> AsyncIterator[SlackOverHttp]:
    sandbox = dataclasses.replace(SandboxSettings(rally_key="rally-key", slack_token=TOKEN), **settings)
    transport = httpx.ASGITransport(create_app(sandbox, Clock()))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8081") as http:
        yield SlackOverHttp(http)
