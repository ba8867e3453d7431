"""The part of the control API that configures the simulated Slack, and lists what is in it."""

import dataclasses
from typing import Annotated, Any

from pydantic import Field
from pydantic.alias_generators import to_camel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bridge.sandbox.bodies import Body, parsed
from bridge.sandbox.slack.state.faults import SlackFault
from bridge.sandbox.slack.state.workspace import Workspace

SECRET_FIELDS = frozenset({"content", "secret"})


class SlackFaultBody(Body):
    """A fault of the next `times` calls of a method, or of `response_url` or `upload`."""

    method: Annotated[str, Field(min_length=1)]
    times: Annotated[int, Field(ge=1)] = 1
    error: str | None = None
    status: Annotated[int | None, Field(ge=200, le=599)] = None
    retry_after: Annotated[int | None, Field(ge=0)] = None
    lost: bool = False
    delay: Annotated[float, Field(ge=0, le=600)] = 0


class ChannelBody(Body):
    has_app: bool | None = None
    archived: bool | None = None


class SlackControl:
    """The endpoints that configure the simulated Slack."""

    def __init__(self, slack: Workspace) -> None:
        self._slack = slack

    async def add_fault(self, request: Request) -> Response:
        body = await parsed(request, SlackFaultBody)
        if isinstance(body, Response):
            return body
        if body.error is None and body.status is None and not body.lost and not body.delay:
            return JSONResponse({"errors": ["set error, status, lost or delay"]}, 422)
        self._slack.faults.add(SlackFault(**body.model_dump()))
        return Response(status_code=204)

    async def put_channel(self, request: Request) -> Response:
        """Set whether the app is a member of a channel, and whether the channel is archived, as the body says."""
        body = await parsed(request, ChannelBody)
        if isinstance(body, Response):
            return body
        channel_id = request.path_params["channel_id"]
        channel = self._slack.channels.change(channel_id, has_app=body.has_app, archived=body.archived)
        return Response(status_code=404 if channel is None else 204)

    async def delete_message(self, request: Request) -> Response:
        """Delete a message, as a person may."""
        post = self._slack.posts.get(request.path_params["channel_id"], request.path_params["ts"])
        if post is None:
            return Response(status_code=404)
        self._slack.posts.remove(post)
        return Response(status_code=204)

    async def state(self, _: Request) -> Response:
        slack = self._slack
        return JSONResponse(
            {
                "messages": [_json(post) for post in slack.posts],
                "modals": [_json(modal) for modal in slack.modals.all()],
                "files": [_json(upload) for upload in slack.uploads.all()],
                "channels": [_json(channel) for channel in slack.channels.all().values()],
                "calls": [_json(call) for call in slack.calls],
            }
        )


def _json(value: Any) -> dict[str, Any]:
    """Return the fields of a dataclass with camelCase names, without contents and secrets."""
    names = [each.name for each in dataclasses.fields(value) if each.name not in SECRET_FIELDS]
    return {to_camel(name): getattr(value, name) for name in names}
