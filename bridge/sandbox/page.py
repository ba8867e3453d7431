"""The inbox page: received messages as a person would see them, the demo imports, and the state of the sandbox."""

import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from bridge.sandbox.demo_buttons import DEMOS, DemoBridge, next_id
from bridge.sandbox.demo_imports import Story, uploaded
from bridge.sandbox.inbox import Inbox
from bridge.sandbox.mrkdwn import as_html
from bridge.sandbox.push_messages import EVENTS
from bridge.sandbox.pushes import SentPush
from bridge.sandbox.rally import Rally
from bridge.sandbox.shown_messages import shown_messages, tabs_of
from bridge.sandbox.slack.page.cards import button_fields, name_of
from bridge.sandbox.slack.page.place import Place
from bridge.sandbox.slack.page.shown_modal import parts_of
from bridge.sandbox.slack.state.channels import PANELS
from bridge.sandbox.slack.state.people import PEOPLE
from bridge.sandbox.slack.state.workspace import Workspace

HOME = Path(__file__).parent
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self';"
    " frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {"Content-Security-Policy": POLICY, "Referrer-Policy": "same-origin", "Cache-Control": "no-cache"}
SHOWN = 50
PUSHES_SHOWN = CALLS_SHOWN = 10
RULES_WAIT = 31
"""Seconds from a push until the message of a rule."""
FLOOD, FLOOD_WINDOW = 5, 600.0
"""The number of single messages that a rule sends to a channel, and the seconds for which it counts."""


class Page:
    """Renders the inbox; all text in it is untrusted and escaped."""

    def __init__(
        self, rally: Rally, inbox: Inbox, slack: Workspace, bridge: DemoBridge | None, *, has_app: bool
    ) -> None:
        self._rally = rally
        self._inbox = inbox
        self._slack = slack
        self._bridge = bridge
        self._has_app = has_app
        self._upload: Story | None = None
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(HOME / "templates"), autoescape=True, trim_blocks=True, lstrip_blocks=True
        )
        environment.filters |= {"time": _time, "formatted": self._formatted, "plain": _plain, "quoted": _quoted}
        environment.globals["button_fields"] = button_fields
        self._template = environment.get_template("inbox.html")

    async def show(self, request: Request) -> Response:
        """Return the page; 304 if it is the one that the browser has."""
        html = self._render(Place.of(request.query_params))
        headers = {**HEADERS, "ETag": f'"{sha256(html.encode()).hexdigest()[:32]}"'}
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        return HTMLResponse(html, headers=headers)

    async def start_demo(self, request: Request) -> Response:
        """Post a watch of a demo import, and return to the page."""
        if self._bridge is None:
            problem: str | None = "The sandbox does not know a bridge: SANDBOX_BRIDGE_URL and SANDBOX_BRIDGE_KEY."
        else:
            problem = await self._bridge.watch(request.path_params["import_id"])
        if problem is None:
            return RedirectResponse("/inbox", HTTPStatus.SEE_OTHER)
        return HTMLResponse(self._render(Place(), problem), HTTPStatus.BAD_GATEWAY, HEADERS)

    async def upload(self, _: Request) -> Response:
        """Upload a CSV file in Rally's UI, so that nobody but Rally knows of the import; return to the page."""
        self._upload = uploaded(f"csv-{secrets.token_hex(4)}", self._rally.now())
        self._rally.start(self._upload)
        return RedirectResponse("/inbox", HTTPStatus.SEE_OTHER)

    def _render(self, place: Place, problem: str | None = None) -> str:
        messages = shown_messages(self._slack, self._inbox, place)
        return self._template.render(
            problem=problem,
            bridge=self._bridge,
            demos={next_id(demo, self._rally.stories): ends for demo, ends in DEMOS.items()},
            cards=messages[:SHOWN],
            total=len(messages),
            place=place,
            tabs=tabs_of(self._slack, self._inbox, place),
            **self._of_slack(place),
            **self._of_rally(),
        )

    def _of_slack(self, place: Place) -> Mapping[str, Any]:
        modal = self._slack.modals.of(place.person.id)
        return {
            "has_app": self._has_app,
            "people": list(PEOPLE.values()),
            "channels": [each for each in self._slack.channels.all().values() if each.person is None],
            "current": place.channel or PANELS.id,
            "modal": modal,
            "parts": [] if modal is None else list(parts_of(self._slack, modal)),
            "calls": list(self._slack.calls)[: -CALLS_SHOWN - 1 : -1],
        }

    def _of_rally(self) -> Mapping[str, Any]:
        now, window = self._rally.now(), self._rally.window
        return {
            "pushes": list(self._rally.pushes.sent)[: -PUSHES_SHOWN - 1 : -1] if self._rally.pushes.enabled else None,
            "upload": self._shown_upload(now),
            "imports": [story.as_json(now) for story in list(self._rally.stories.values())[: -SHOWN - 1 : -1]],
            "window": window,
            "used": window.taken[window.end(now)],
            "ends": window.end(now),
        }

    def _shown_upload(self, now: float) -> Mapping[str, Any] | None:
        """Return the last upload of the button, with its push once that was sent, and what became of its message."""
        if self._upload is None or self._upload.import_id not in self._rally.stories:
            return None
        sent = self._rally.pushes.sent
        push = next((each for each in reversed(sent) if each.import_id == self._upload.import_id), None)
        return {
            "import": self._upload.as_json(now),
            "push": push,
            "told": any(self._upload.import_id in message.body for message in self._inbox.messages),
            "expected": None if push is None or _is_flood(sent, push.at) else push.at + RULES_WAIT,
        }

    def _formatted(self, text: Mapping[str, Any]) -> str:
        """Return the HTML of a text object of Block Kit."""
        return as_html(
            text["text"],
            formatted=text["type"] == "mrkdwn",
            name=lambda mentioned: name_of(self._slack, mentioned),
        )


def _is_flood(sent: Iterable[SentPush], now: float) -> bool:
    """Return whether so many CSV imports have ended that the bridge gathers their messages in a digest."""
    recent = {each.import_id for each in sent if each.event == EVENTS["CSV"] and now - FLOOD_WINDOW < each.at <= now}
    return len(recent) > FLOOD


async def style(_: Request) -> Response:
    return FileResponse(HOME / "templates" / "inbox.css", media_type="text/css")


async def script(_: Request) -> Response:
    return FileResponse(HOME / "templates" / "inbox.js", media_type="text/javascript")


def _plain(text: Any) -> str:
    """Return the HTML of a message's text as a notification shows it."""
    return as_html(str(text), formatted=False)


def _quoted(text: str) -> str:
    """Return a text for a part of a path."""
    return quote(text, safe="")


def _time(moment: float) -> str:
    try:
        return datetime.fromtimestamp(moment, UTC).strftime("%H:%M:%S")
    except (ValueError, OverflowError, OSError):  # beyond every calendar
        return "at no time"
