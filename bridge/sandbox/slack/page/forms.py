"""The forms of the inbox page: each is an act of the person that the reader of the page is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bridge.sandbox.slack.acts.acting import Acting
from bridge.sandbox.slack.page.place import Place
from bridge.sandbox.slack.state.channels import PANELS, Channel
from bridge.sandbox.slack.state.people import ALICE, PEOPLE
from bridge.sandbox.slack.state.workspace import Workspace

SEE_OTHER = 303
LONGEST_MESSAGE = 3_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A form that was sent, and from where."""

    place: Place
    fields: Mapping[str, Sequence[str]]

    def text(self, name: str) -> str:
        return self.fields.get(name, [""])[0]


class Forms:
    """The endpoints of the forms; each returns to the page."""

    def __init__(self, slack: Workspace, acting: Acting) -> None:
        self._slack = slack
        self._acting = acting

    async def message(self, request: Request) -> Response:
        form = await _read(request)
        channel = self._channel(form)
        if channel is not None:
            await self._acting.type(form.place.person, channel, form.text("text")[:LONGEST_MESSAGE])
        return self._back(form)

    async def button(self, request: Request) -> Response:
        form = await _read(request)
        post = self._slack.posts.get(form.text("channel"), form.text("ts"))
        if post is not None:
            await self._acting.press(form.place.person, post, form.text("block"), form.text("action"))
        return self._back(form)

    async def shortcut(self, request: Request) -> Response:
        """Use the global shortcut, or with a message the one of the message."""
        form = await _read(request)
        channel = self._channel(form)
        post = self._slack.posts.get(form.text("channel"), form.text("ts"))
        if channel is not None and post is not None:
            await self._acting.use_message_shortcut(form.place.person, channel, post)
        elif channel is not None:
            await self._acting.use_shortcut(form.place.person, channel)
        return self._back(form)

    async def modal(self, request: Request) -> Response:
        """Submit a modal, press a button in it, or close it."""
        form = await _read(request)
        modal = self._slack.modals.get(request.path_params["view_id"])
        if modal is not None:
            person = PEOPLE.get(modal.user, ALICE)
            match form.text("do"), form.text("pressed").partition("/"):
                case "submit", _:
                    await self._acting.submit(person, modal, form.fields)
                case "close", _:
                    self._acting.close(modal)
                case _, (block, _, action) if action:
                    await self._acting.press_in_modal(person, modal, unquote(block), unquote(action), form.fields)
        return self._back(form)

    async def file(self, request: Request) -> Response:
        """Download an uploaded file."""
        upload = self._slack.uploads.get(request.path_params["file_id"])
        if upload is None or upload.content is None:
            return Response(status_code=404)
        return Response(
            upload.content,
            media_type="application/octet-stream",
            headers={"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"},
        )

    def _channel(self, form: Form) -> Channel | None:
        return self._slack.channels.get(form.text("channel") or form.place.channel or PANELS.id)

    def _back(self, form: Form) -> Response:
        """Return to the page, at the modal if one is open."""
        place = form.place
        part = "#modal" if self._slack.modals.of(place.person.id) else ""
        return RedirectResponse(f"{place.url()}{part}", SEE_OTHER)


async def _read(request: Request) -> Form:
    fields = parse_qs((await request.body()).decode("utf-8", "replace"), keep_blank_values=True)
    first = {name: values[0] for name, values in fields.items()}
    return Form(place=Place.of({"as": first.get("as", ""), "in": first.get("in", "")}), fields=fields)
