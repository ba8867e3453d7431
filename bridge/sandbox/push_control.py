"""The part of the control API that sends pushes, as Rally or an attacker would, and lists those that were sent."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bridge.sandbox.bodies import Body, parsed
from bridge.sandbox.demo_imports import Story, generate_failed_records
from bridge.sandbox.push_messages import EVENTS, TEST_ID, PushMessage, message_of
from bridge.sandbox.pushes import PlannedPush
from bridge.sandbox.rally import Rally

REPLAY_AGE = 21 * 86400.0
"""Seconds between the end of an import and the replay of its message; Svix keeps messages for 90 days."""


class PushBody(Body):
    """A push to send now: about an import of the sandbox, or about any other with the given status.

    `twice`: the same message two times. `forged`: signed with another secret. `replayed`: the import ended three weeks
    ago. `test`: what the Testing tab of Svix' portal sends, an example about an import that does not exist.
    """

    kind: Literal["normal", "twice", "forged", "replayed", "test"] = "normal"
    import_id: Annotated[str, Field(min_length=1)] = TEST_ID
    workspace: Annotated[str, Field(pattern="^[a-z0-9_-]+$")] = "default"
    event: str | None = None
    status: str = "COMPLETED"
    failed: Annotated[int, Field(ge=0, le=10_000)] = 0

    def message(self, story: Story | None, now: float) -> PushMessage:
        event = self.event or EVENTS.get(story.type if story else "CSV", EVENTS["CSV"])
        shown = story.as_json(now) if story else self._shown(now)
        if self.kind == "replayed":
            shown["updatedAt"] = _iso(now - REPLAY_AGE)
        return message_of(shown, event, self.workspace)

    def _shown(self, now: float) -> dict[str, Any]:
        failed = 2 if self.kind == "test" else self.failed
        return {
            "importId": TEST_ID if self.kind == "test" else self.import_id,
            "status": self.status,
            "updatedAt": _iso(now),
            "failedRecords": list(generate_failed_records(failed)) or None,
        }


class PushControl:
    """The endpoints that send and list pushes, and set the secrets that sign them."""

    def __init__(self, rally: Rally) -> None:
        self._rally = rally
        self._pushes = rally.pushes

    async def send(self, request: Request) -> Response:
        """Send a push; return how the bridge answered each time."""
        body = await parsed(request, PushBody)
        if isinstance(body, Response):
            return body
        if not self._pushes.enabled:
            return JSONResponse({"errors": ["SANDBOX_BRIDGE_URL and SANDBOX_WEBHOOK_SECRETS are not set"]}, 409)
        now = self._rally.now()
        story = None if body.kind == "test" else self._rally.stories.get(body.import_id)
        push = PlannedPush(at=now, message=body.message(story, now), forged=body.kind == "forged")
        sent = [await self._pushes.send(push) for _ in range(2 if body.kind == "twice" else 1)]
        return JSONResponse([each.as_json() for each in sent])

    async def sent(self, _: Request) -> Response:
        return JSONResponse([each.as_json() for each in self._pushes.sent])

    async def put_secrets(self, request: Request) -> Response:
        secrets = await parsed(request, list[str])
        if isinstance(secrets, Response):
            return secrets
        self._pushes.secrets = tuple(secrets)
        return Response(status_code=204)


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")
