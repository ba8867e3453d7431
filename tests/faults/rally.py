"""A stand-in for Rally with a real fixed window, that answers as documented or as its mood is; and its record."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from time import time
from typing import Any

from .history import Asked, Window
from .wire import Headers, Line, Request, Server, answer, as_json

HANG = 20.0
VISIBLE_AFTER = 1.5
"""Seconds for which a new import is not found, where it is a late one; shorter than the product's grace."""
MOODS = ("storm", "failing", "storm", "resetting", "hanging", "storm", "garbage", "absurd", "silent")
FAILING = (500, 502, 503, 504)
JSON: Headers = (("Content-Type", "application/json"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """An import: how it ends, and when."""

    ending: str
    began: float
    seconds: float
    late: bool = False


class Rally:
    """Tells stories; `mood` is how it answers just now, "well" for as documented."""

    def __init__(self, window: Window, chance: Random) -> None:
        self.window = window
        self.mood = "well"
        self.server = Server(self.serve)
        self.stories: dict[str, Story] = {}
        self.asked: list[Asked] = []
        self._chance = chance
        self._taken: Counter[int] = Counter()
        self._moods: dict[str, Callable[[Line, str, float], Any]] = {
            "well": self._well,
            "storm": self._storm,
            "failing": self._failing,
            "resetting": self._resetting,
            "hanging": self._hanging,
            "garbage": self._garbage,
            "absurd": self._absurd,
            "silent": self._silent,
        }

    async def serve(self, request: Request, line: Line) -> bool:
        at = time()
        _, worker, _, _, import_id = request.path.split("/")
        reply = self._reply(line, import_id, at)
        answered_at = time()
        try:
            if reply.text:
                await line.send(reply.text)
            if reply.hang:
                await line.left(HANG)
                answered_at = time()
            if reply.cut:
                line.writer.close()
            if reply.reset:
                line.reset()
        finally:
            self.asked.append(
                Asked(
                    at=at,
                    ended_at=answered_at,
                    worker=worker,
                    import_id=import_id,
                    status=reply.status,
                    retry_after=reply.retry_after,
                    told=reply.told,
                    muddled=reply.muddled,
                )
            )
        return not (reply.hang or reply.reset or reply.cut)

    def _reply(self, line: Line, import_id: str, at: float) -> "Reply":
        number = int(at // self.window.seconds)
        self._taken[number] += 1
        if self._taken[number] > self.window.limit:
            wait = max(1, round(self._end(at) - at + 0.5))
            headers = (*self._limits(at), ("Retry-After", str(wait)))
            return Reply(text=answer(429, headers), status=429, retry_after=wait, told=True)
        reply: Reply = self._moods[self.mood](line, import_id, at)
        return reply

    def _end(self, at: float) -> float:
        return (at // self.window.seconds + 1) * self.window.seconds

    def _limits(self, at: float) -> Headers:
        taken = self._taken[int(at // self.window.seconds)]
        return (
            ("X-RateLimit-Limit", str(self.window.limit)),
            ("X-RateLimit-Remaining", str(max(0, self.window.limit - taken))),
            ("X-RateLimit-Reset", str(int(self._end(at)))),
        )

    def _well(self, _line: Line, import_id: str, at: float) -> "Reply":
        status, body = told(import_id, self.stories.get(import_id), at)
        headers = () if status == 404 else self._limits(at)  # a 404 has none, as documented
        return Reply(text=answer(status, headers + JSON, body), status=status, told=status != 404)

    def _storm(self, _line: Line, _import_id: str, at: float) -> "Reply":
        wait = self._chance.randint(1, 4)
        headers = (*self._limits(at), ("Retry-After", str(wait)))
        return Reply(text=answer(429, headers), status=429, retry_after=wait, told=True)

    def _failing(self, _line: Line, _import_id: str, at: float) -> "Reply":
        status = self._chance.choice(FAILING)
        return Reply(text=answer(status, self._limits(at), b"<html>oops"), status=status, told=True)

    def _resetting(self, _line: Line, _import_id: str, _at: float) -> "Reply":
        begun = self._chance.choice((b"", b"HTTP/1.1 200 OK\r\nContent-Le", answer(200, JSON, b'{"importId": "')[:-3]))
        return Reply(text=begun, reset=True)

    def _hanging(self, _line: Line, _import_id: str, _at: float) -> "Reply":
        return Reply(text=self._chance.choice((b"", b"HTTP/1.1 200 OK\r\n")), hang=True)

    def _garbage(self, _line: Line, import_id: str, at: float) -> "Reply":
        text = self._chance.choice(_rubbish(import_id, self._limits(at)))
        return Reply(text=text, cut=True)

    def _absurd(self, _line: Line, import_id: str, at: float) -> "Reply":
        status, body = told(import_id, self.stories.get(import_id), at)
        headers = self._chance.choice(_absurdities(self.window.limit, int(self._end(at))))
        return Reply(text=answer(status, headers + JSON, body), status=status, muddled=True)

    def _silent(self, _line: Line, import_id: str, at: float) -> "Reply":
        status, body = told(import_id, self.stories.get(import_id), at)
        return Reply(text=answer(status, JSON, body), status=status, muddled=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What to do on the line, and what the record says of it."""

    text: bytes
    status: int | None = None
    retry_after: float | None = None
    told: bool = False
    muddled: bool = False
    hang: bool = False
    cut: bool = False
    reset: bool = False


def told(import_id: str, story: Story | None, at: float) -> tuple[int, bytes]:
    """Give status and body for an import, as its story stands."""
    if story is None or story.ending == "not_found" or (story.late and at < story.began + VISIBLE_AFTER):
        return 404, b"Import not found"
    if story.ending == "forbidden":
        return 403, b"Forbidden"
    ended = at >= story.began + story.seconds
    endings = {"completed": "COMPLETED", "completed_with_failures": "COMPLETED", "failed": "ERROR"}
    status = endings.get(story.ending, "UPLOADING") if ended else "UPLOADING"
    failed = [{"email": "someone@example.com"}] if ended and story.ending == "completed_with_failures" else []
    document = {"importId": import_id, "type": "CSV", "status": status, "personCount": 7, "failedRecords": failed}
    return 200, as_json(document | {"updatedAt": "2026-01-01T00:00:00Z"})


def _rubbish(import_id: str, limits: Headers) -> tuple[bytes, ...]:
    """Give answers of which none says anything of the import."""
    sound = {"importId": import_id, "type": "CSV", "status": "COMPLETED", "personCount": 7, "failedRecords": []}
    bodies = (
        b"<html>not the API</html>",
        b"",
        b"null",
        b"[]",
        b"\xff\xfe\x00",
        b"[" * 5_000,
        as_json(sound)[:-9],
        as_json(sound | {"importId": "another"}),
        as_json(sound | {"status": 1}),
        as_json(sound | {"personCount": -1}),
        as_json({"data": sound}),
    )
    zipped = (*limits, ("Content-Encoding", "gzip"))
    return (
        *(answer(200, limits + JSON, body) for body in bodies),
        answer(200, zipped, as_json(sound)),
        answer(302, (*limits, ("Location", "/elsewhere/v1/imports/stray"))),
        answer(206, limits + JSON, as_json(sound)),
        answer(418, limits),
        b"HTTP/1.1 abc\r\n\r\n",
        b"\x16\x03\x01 rubbish \r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    )


def _absurdities(limit: int, end: int) -> tuple[Headers, ...]:
    """Give headers that allow nothing more than the truth: a vendor that lies upward can't be obeyed.

    None names a pause beyond the window: a reset in 2099 is honoured for an hour, which is longer than a run.
    """

    def named(limit: object, remaining: object, reset: object) -> Headers:
        texts = (str(limit), str(remaining), str(reset))
        names = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
        return tuple(zip(names, texts, strict=True))

    return (
        named(-1, -1, -1),
        named(0, 0, end),
        named("inf", "inf", "inf"),
        named("sixty", "a few", "tomorrow"),
        named("nan", limit, 4_102_444_800),
        named(limit, -5, end),
        named(limit, 0, 0),
        named("9" * 400, "9" * 400, end),
        named("", "", ""),
        (*named(limit, limit, end), *named(limit, limit, end)),
        (*named("1e9", 1, end * 1000), ("Retry-After", "-1")),
    )
