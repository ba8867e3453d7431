"""The page that watches an import: a form for what a client would POST."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import RedirectResponse, Response

from bridge.domain.times import HOUR, SECOND
from bridge.web.console.visits import Visit, action, page
from bridge.web.endpoints.watches import accept_wanted, validate_wanted
from bridge.web.refusals import Problem, Refusal, Refused
from bridge.web.requests.body import validation_context

FIELDS = ("importId", "workspace", "label", "named", "channel", "webhook", "callback", "on", "hours")
_NAMES = {
    "/importId": "Import id",
    "/label": "Label",
    "/workspace": "Workspace",
    "/expiresIn": "Hours until it expires",
}


@page
async def show(visit: Visit) -> Response:
    return _form(visit, {name: visit.request.query_params.get(name, "") for name in FIELDS})


@action
async def watch(visit: Visit, form: Mapping[str, str]) -> Response:
    """Watch an import, and go to the page of the watch. If something is wrong, show the form again."""
    sent = {name: form.get(name, "") for name in FIELDS}
    body = body_of(sent)
    context = validation_context(visit.resources, visit.client)
    try:
        wanted = validate_wanted(visit.resources, visit.client, json.dumps(body).encode(), None, context)
    except Refused as refused:
        if refused.refusal is not Refusal.VALIDATION_FAILED:
            raise
        return _form(visit, sent, [sentence(each, body) for each in refused.problems], status=422)
    accepted = await accept_wanted(visit.resources, wanted)
    return RedirectResponse(f"/console/watches/{accepted.watch.id}?done=accepted", 303)


def body_of(sent: Mapping[str, str]) -> dict[str, Any]:
    """Return the request that a filled-in form stands for; empty fields are left out."""
    destinations = [
        {"type": "named", "name": sent["named"]},
        {"type": "slack", "channel": sent["channel"]},
        {"type": "slack_webhook", "url": sent["webhook"]},
        {"type": "callback", "url": sent["callback"]},
    ]
    on = {"on": sent["on"]} if sent["on"] else {}
    body: dict[str, Any] = {name: sent[name] for name in ("importId", "workspace", "label") if sent[name]}
    body["notify"] = [{**each, **on} for each in destinations if all(each.values())]
    if sent["hours"]:
        body["expiresIn"] = _seconds(sent["hours"])
    return body


def _seconds(hours: str) -> int | str:
    """Return the seconds of a number of hours; text that is none as it is, so that it is refused."""
    return int(hours) * HOUR // SECOND if hours.isascii() and hours.isdigit() else hours


def sentence(problem: Problem, body: Mapping[str, Any]) -> str:
    """Return a problem in the words of the form."""
    if problem.pointer.startswith("/notify/"):
        number = int(problem.pointer.split("/")[2])
        what = str(body["notify"][number]["type"]).replace("_", " ").capitalize()
        return f"{what}: {problem.detail}."
    return f"{_NAMES.get(problem.pointer, problem.pointer)}: {problem.detail}."


def _form(visit: Visit, sent: Mapping[str, str], problems: list[str] | None = None, *, status: int = 200) -> Response:
    resources, permissions = visit.resources, visit.client.permissions
    return visit.page(
        "new_watch.html",
        status,
        sent=sent,
        problems=problems or [],
        workspaces=[name for name in resources.rally if permissions.may_watch_in(name)],
        named=[name for name in sorted(resources.named) if permissions.may_name(name)],
        has_bot=resources.sender.slack_bot is not None,
    )
