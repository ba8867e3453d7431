"""The simulated Rally: its endpoints respond as documented, or with configured faults."""

import asyncio
import hmac
import secrets
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from bridge.sandbox.cut_off import cut_off
from bridge.sandbox.demo_imports import Story, demo, start_story
from bridge.sandbox.pushes import Manner, Pushes
from bridge.sandbox.rate_limit_window import Window

REQUESTS_KEPT = 100_000
TEXTS = {
    401: "Unauthorized",
    403: "Forbidden",
    404: "Import not found",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
TRICKLE_PAUSE = 0.2


@dataclass(slots=True)
class Fault:
    """A fault for the next `times` requests: a status, or a kind of misbehaviour."""

    times: int = 1
    import_id: str | None = None
    status: int | None = None
    kind: str | None = None
    retry_after: str | None = None
    seconds: float = 60.0
    size: int = 9 * 1024 * 1024
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedRequest:
    """A request and its response."""

    at: float
    import_id: str
    status: int
    over_limit: bool = False


class Rally:
    """The state of the simulated Rally: imports, rate-limit window, pending faults, and received requests."""

    def __init__(self, *, key: str, window: Window, pushes: Pushes, now: Callable[[], float]) -> None:
        self.key = key
        self.window = window
        self.pushes = pushes
        self.now = now
        self.stories: dict[str, Story] = {}
        self.faults: list[Fault] = []
        self.requests: deque[ReceivedRequest] = deque(maxlen=REQUESTS_KEPT)

    async def get_import(self, request: Request) -> Response:
        import_id = opaque_id(request)
        now = self.now()
        if refusal := self._refusal(request, import_id, now):
            return refusal
        fault = self._next_fault(import_id)
        if fault is not None:
            return await self._misbehave(fault, import_id, self.window.headers(now))
        return self._answer(import_id, now)

    def start(self, story: Story, manner: Manner = "normal") -> None:
        """Start an import, whose end is pushed in this manner."""
        self.stories[story.import_id] = story
        self.pushes.plan_end(story, manner)

    def remove(self, import_id: str) -> None:
        self.stories.pop(import_id, None)
        self.pushes.forget(import_id)

    async def import_people(self, request: Request) -> Response:
        """Start an import of the given people, which takes a few seconds.

        Source: https://docs.rallyuxr.com/api-reference/people/import-people
        """
        import_id = f"imp-{secrets.token_hex(8)}"
        now = self.now()
        if refusal := self._refusal(request, import_id, now):
            return refusal
        people = len((await request.json())["people"])
        self.start(start_story(import_id, "API", now, people=people))
        answer = {"message": "Import started", "count": people, "importId": import_id}
        return JSONResponse(answer, headers=self.window.headers(now))

    def _refusal(self, request: Request, import_id: str, now: float) -> Response | None:
        if not self._has_key(request):
            return self._text(import_id, 401, self.window.headers(now))
        if self.window.take(now):
            return None
        self.requests.append(ReceivedRequest(at=now, import_id=import_id, status=429, over_limit=True))
        headers = self.window.headers(now) | {"Retry-After": str(self.window.retry_after(now))}
        return PlainTextResponse(TEXTS[429], 429, headers)

    def _has_key(self, request: Request) -> bool:
        offered = request.headers.get("authorization", "").encode()
        return hmac.compare_digest(offered, f"Bearer {self.key}".encode())

    def _answer(self, import_id: str, now: float) -> Response:
        story = self.stories.get(import_id)
        if story is None and (story := demo(import_id, now)):
            self.start(story)
        if story is None:
            return self._text(import_id, 404, {})  # the only response without documented rate-limit headers
        self._record(import_id, 200)
        return JSONResponse(story.as_json(now), headers=self.window.headers(now))

    def _text(self, import_id: str, status: int, headers: Mapping[str, str]) -> Response:
        self._record(import_id, status)
        return PlainTextResponse(TEXTS.get(status, "Some other answer"), status, headers)

    def _record(self, import_id: str, status: int) -> None:
        self.requests.append(ReceivedRequest(at=self.now(), import_id=import_id, status=status))

    def _next_fault(self, import_id: str) -> Fault | None:
        for fault in self.faults:
            if fault.import_id in {None, import_id}:
                fault.times -= 1
                if fault.times <= 0:
                    self.faults.remove(fault)
                return fault
        return None

    async def _misbehave(self, fault: Fault, import_id: str, limits: Mapping[str, str]) -> Response:
        headers = {**({} if fault.status == 404 else limits), **fault.headers}  # noqa: PLR2004 - as documented
        if fault.retry_after is not None:
            headers["Retry-After"] = fault.retry_after
        if fault.status is not None:
            return self._text(import_id, fault.status, headers)
        self._record(import_id, 200)
        if fault.kind == "hang":
            await asyncio.sleep(fault.seconds)
        if fault.kind == "wrong_id":
            statuses = (("COMPLETED", 0.0),)
            other = Story(
                import_id="another", type="API", began=self.now(), statuses=statuses, people=1, failed_records=()
            )
            return JSONResponse(other.as_json(self.now()), headers=headers)
        return _wrong_body(fault, headers)


def _wrong_body(fault: Fault, headers: dict[str, str]) -> Response:
    match fault.kind:
        case "huge":
            return StreamingResponse(_chunks(fault.size), headers=headers, media_type="application/json")
        case "trickle":
            return StreamingResponse(_trickle(fault.seconds), headers=headers, media_type="application/json")
        case "reset":
            return cut_off(headers)
        case _:
            return PlainTextResponse("<html>not the API</html>", headers=headers)


def opaque_id(request: Request) -> str:
    """Return the id in the raw path, decoded as one segment."""
    raw: bytes = request.scope["raw_path"]
    return unquote(raw.split(b"?")[0].decode("ascii", "replace").split("/imports/", 1)[1])


async def _chunks(size: int) -> AsyncIterator[bytes]:
    for _ in range(0, size, 65536):
        yield b" " * 65536


async def _trickle(seconds: float) -> AsyncIterator[bytes]:
    for _ in range(int(seconds / TRICKLE_PAUSE)):
        yield b" "
        await asyncio.sleep(TRICKLE_PAUSE)
