"""The control API, which configures the sandbox; without a key, as it listens on loopback."""

from dataclasses import asdict
from typing import Annotated, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bridge.sandbox.bodies import Body, parsed
from bridge.sandbox.demo_imports import Kind, Story, generate_failed_records
from bridge.sandbox.inbox import Inbox, Planned
from bridge.sandbox.pushes import Manner
from bridge.sandbox.rally import Fault, Rally
from bridge.sandbox.rate_limit_window import Window
from bridge.sandbox.slack.state.workspace import Workspace

LONGEST = 10**9
"""The longest duration in seconds, about thirty years; much later times do not fit into a datetime."""


class _Status(Body):
    status: Annotated[str, Field(min_length=1)]
    after: Annotated[float, Field(ge=0, le=LONGEST)] = 0


class ImportBody(Body):
    """Either `statuses`, or `outcome` and `seconds`; `failed` is the number of failed records to generate.

    An import that was `startedAgo` (seconds) may have ended long ago; a push of it is then a replay.
    """

    type: Kind = "CSV"
    statuses: list[_Status] | None = None
    outcome: Literal["completed", "partial", "failed"] = "completed"
    seconds: Annotated[float, Field(ge=0, le=LONGEST)] = 8
    people: Annotated[int, Field(ge=0)] = 120
    failed: Annotated[int, Field(ge=0, le=10_000)] = 0
    failed_records: list[dict[str, str]] | None = None
    started_ago: Annotated[float, Field(ge=0, le=LONGEST)] = 0
    push: Manner = "normal"

    def story(self, import_id: str, now: float) -> Story:
        end = "ERROR" if self.outcome == "failed" else "COMPLETED"
        shorthand = (("NOT_STARTED", 0.0), ("UPLOADING", self.seconds / 4), (end, self.seconds))
        number = self.failed or (3 if self.outcome == "partial" else 0)
        explicit = "failed_records" in self.model_fields_set
        records = None if self.failed_records is None else tuple(self.failed_records)
        return Story(
            import_id=import_id,
            type=self.type,
            began=now - self.started_ago,
            statuses=shorthand if self.statuses is None else tuple((s.status, s.after) for s in self.statuses),
            people=self.people,
            failed_records=records if explicit else generate_failed_records(number),
        )


class FaultBody(Body):
    """The faulty response for the next `times` requests."""

    times: Annotated[int, Field(ge=1)] = 1
    import_id: str | None = None
    status: Annotated[int | None, Field(ge=200, le=599)] = None
    kind: Literal["hang", "garbage", "wrong_id", "huge", "reset", "trickle"] | None = None
    retry_after: str | int | None = None
    seconds: Annotated[float, Field(ge=0, le=600)] = 60
    size: Annotated[int, Field(ge=0, le=100_000_000)] = 9 * 1024 * 1024
    headers: dict[str, str] = Field(default_factory=dict)

    def fault(self) -> Fault:
        fields = self.model_dump()
        fields["retry_after"] = None if self.retry_after is None else str(self.retry_after)
        return Fault(**fields)


class LimitBody(Body):
    limit: Annotated[int, Field(ge=0)]
    window: Annotated[int, Field(ge=1, le=LONGEST)]


class PlannedBody(Body):
    status: Annotated[int, Field(ge=200, le=599)] = 200
    headers: dict[str, str] = Field(default_factory=dict)
    body: str = ""
    delay: Annotated[float, Field(ge=0, le=600)] = 0


class Control:
    """The endpoints that configure the simulated Rally and the inbox, and return what they received."""

    def __init__(self, rally: Rally, inbox: Inbox, slack: Workspace, original: Window) -> None:
        self._rally = rally
        self._inbox = inbox
        self._slack = slack
        self._original = (original.limit, original.seconds, rally.key, inbox.secrets, rally.pushes.secrets)

    async def put_import(self, request: Request) -> Response:
        body = await parsed(request, ImportBody)
        if isinstance(body, Response):
            return body
        import_id = request.path_params["import_id"]
        story = body.story(import_id, self._rally.now())
        self._rally.start(story, body.push)
        return JSONResponse(story.as_json(self._rally.now()))

    async def delete_import(self, request: Request) -> Response:
        self._rally.remove(request.path_params["import_id"])
        return Response(status_code=204)

    async def add_fault(self, request: Request) -> Response:
        body = await parsed(request, FaultBody)
        if isinstance(body, Response):
            return body
        if (body.status is None) == (body.kind is None):
            return JSONResponse({"errors": ["set either status or kind"]}, 422)
        self._rally.faults.append(body.fault())
        return Response(status_code=204)

    async def put_limit(self, request: Request) -> Response:
        body = await parsed(request, LimitBody)
        if isinstance(body, Response):
            return body
        self._rally.window = Window(body.limit, body.window)
        return Response(status_code=204)

    async def put_key(self, request: Request) -> Response:
        key = await parsed(request, str)
        if isinstance(key, Response):
            return key
        self._rally.key = key
        return Response(status_code=204)

    async def put_secrets(self, request: Request) -> Response:
        secrets = await parsed(request, list[str])
        if isinstance(secrets, Response):
            return secrets
        self._inbox.secrets = tuple(secrets)
        return Response(status_code=204)

    async def plan_answers(self, request: Request) -> Response:
        planned = await parsed(request, list[PlannedBody])
        if isinstance(planned, Response):
            return planned
        answers = [Planned(**each.model_dump()) for each in planned]
        self._inbox.planned[request.path_params["name"]].extend(answers)
        return Response(status_code=204)

    async def requests(self, _: Request) -> Response:
        return JSONResponse(
            [
                {"at": each.at, "importId": each.import_id, "status": each.status, "overLimit": each.over_limit}
                for each in self._rally.requests
            ]
        )

    async def windows(self, _: Request) -> Response:
        window = self._rally.window
        return JSONResponse({"limit": window.limit, "seconds": window.seconds, "taken": dict(window.taken)})

    async def messages(self, request: Request) -> Response:
        filters = {name: value for name in ("kind", "name") if (value := request.query_params.get(name))}
        messages = [
            {**asdict(message), "parsed": message.parsed()}
            for message in self._inbox.messages
            if all(getattr(message, name) == value for name, value in filters.items())
        ]
        return JSONResponse(messages)

    async def delete_messages(self, _: Request) -> Response:
        self._inbox.messages.clear()
        return Response(status_code=204)

    async def reset(self, _: Request) -> Response:
        limit, seconds, self._rally.key, self._inbox.secrets, self._rally.pushes.secrets = self._original
        self._rally.window = Window(limit, seconds)
        for state in (self._rally.stories, self._rally.faults, self._rally.requests):
            state.clear()
        self._inbox.messages.clear()
        self._inbox.planned.clear()
        self._rally.pushes.clear()
        self._slack.clear()
        return Response(status_code=204)
