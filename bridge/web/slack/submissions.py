"""The modal as it is submitted: a wish like that of the command. What is wrong is shown in the modal.

Source: https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload
"""

import re
from collections.abc import Mapping
from typing import Any

from starlette.background import BackgroundTask
from starlette.responses import Response

from bridge.destinations.slack.response_url import response_url
from bridge.destinations.slack.watch_modal import CHANNEL, IMPORT, LABEL, LIVE, OUTCOMES, PROBLEMS, PROGRESS, VALUE
from bridge.domain.clients import Client
from bridge.web.json_response import ApiResponse
from bridge.web.slack.answers import Answer, logged
from bridge.web.slack.nested import list_at, text_at
from bridge.web.slack.watching import Wish

_REFERENCE = re.compile(r"<[#@]([A-Z0-9]+)>")
_MARKUP = str.maketrans("", "", "`\u2060")


def wish_of(client: Client, user: str, payload: Mapping[str, Any], *, api_url: str) -> Wish:
    """Read the wish from a submitted modal; what is missing is empty, and refused like what is wrong."""
    values = ("view", "state", "values")
    outcomes = text_at(payload, *values, OUTCOMES, VALUE, "selected_option", "value")
    return Wish(
        client=client,
        user=user,
        channel=text_at(payload, *values, CHANNEL, VALUE, "selected_conversation"),
        import_id=text_at(payload, *values, IMPORT, VALUE, "value").strip(),
        label=text_at(payload, *values, LABEL, VALUE, "value").strip() or None,
        on=PROBLEMS if outcomes == PROBLEMS else None,
        live=any(
            text_at(each, "value") == LIVE for each in list_at(payload, *values, PROGRESS, VALUE, "selected_options")
        ),
        answers=response_url(_response_url(payload), api_url=api_url),
    )


def _response_url(payload: Mapping[str, Any]) -> str:
    urls = payload.get("response_urls")
    return text_at(urls[0], "response_url") if isinstance(urls, list) and urls else ""


def respond_to_submission(answer: Answer) -> Response:
    """Return the response to a modal: it closes, unless there is something to say."""
    task = None if answer.afterwards is None else BackgroundTask(logged, answer.afterwards)
    if not answer.text:
        return Response(background=task)
    return ApiResponse({"response_action": "errors", "errors": {IMPORT: _plain(answer.text)}}, background=task)


def _plain(text: str) -> str:
    """Return a text of ours without its markup, which errors in a modal can't have."""
    return _REFERENCE.sub(r"\1", text).translate(_MARKUP).removeprefix("⚠️ ")
