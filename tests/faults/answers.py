"""Responses of Rally, or of something in between: valid, unusual, useless and hostile ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any

from .wire import Headers, answer, as_json

VISIBLE_AFTER = 1.5
"""Seconds for which a late import is not found yet; shorter than the product's grace."""
FINAL = frozenset({"COMPLETED", "ERROR"})
JSON: Headers = (("Content-Type", "application/json"),)
TEXT: Headers = (("Content-Type", "text/plain"),)
HTML: Headers = (("Content-Type", "text/html; charset=utf-8"),)
PAGE = b"<!doctype html><html><body><h1>Something in between answers</h1></body></html>"
ABSENCES: Mapping[int, bytes] = {404: b"Import not found", 403: b"Forbidden"}
LARGE = 250_000
"""Bytes of a hostile body: up to the size for which a process may not stall for longer than 50 ms."""
FLOOD = b"HTTP/1.1 100 Continue\r\n\r\n" * 2_000
MANY_HEADERS: Headers = tuple(("a", "b") for _ in range(10_000))


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """An import: how it ends, and when."""

    ending: str
    began: float
    seconds: float
    late: bool = False

    @property
    def over_at(self) -> float | None:
        """The moment from which Rally reports the end; None if it never does."""
        if self.ending == "timed_out":
            return None
        if self.ending in ABSENT_ENDINGS:
            return self.began
        return self.began + max(self.seconds, VISIBLE_AFTER if self.late else 0.0)


ABSENT_ENDINGS: Mapping[str, int] = {"not_found": 404, "forbidden": 403}
STATUSES = {"completed": "COMPLETED", "completed_with_failures": "COMPLETED", "failed": "ERROR"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RallyAnswer:
    """What Rally answers about an import at one moment; `document` is None if there is none."""

    status: int
    body: bytes
    document: Mapping[str, Any] | None = None

    @property
    def kind(self) -> Headers:
        """The Content-Type header: Rally's own errors are plain text."""
        return TEXT if self.document is None else JSON

    @property
    def final(self) -> bool:
        return self.document is not None and self.document["status"] in FINAL


def answer_about(import_id: str, story: Story | None, at: float) -> RallyAnswer:
    """Return what Rally answers about an import at a moment of its story."""
    if story is None or (story.late and at < story.began + VISIBLE_AFTER):
        return absence(404)
    if story.ending in ABSENT_ENDINGS:
        return absence(ABSENT_ENDINGS[story.ending])
    ended = at >= story.began + story.seconds
    status = STATUSES.get(story.ending, "UPLOADING") if ended else "UPLOADING"
    failed = [{"email": "someone@example.com"}] if ended and story.ending == "completed_with_failures" else []
    document = {
        "importId": import_id,
        "type": "CSV",
        "status": status,
        "personCount": 7,
        "failedRecords": failed,
        "updatedAt": datetime.fromtimestamp(story.over_at if ended and story.over_at else story.began, UTC).isoformat(),
    }
    return RallyAnswer(status=200, body=as_json(document), document=document)


def absence(status: int) -> RallyAnswer:
    """Return Rally's own 404 or 403."""
    return RallyAnswer(status=status, body=ABSENCES[status])


def oddities(document: Mapping[str, Any]) -> tuple[bytes, ...]:
    """Return responses with the same meaning whose fields other than id and status are not as documented."""
    odd: Mapping[str, tuple[Any, ...]] = {
        "personCount": ("120", "many", None, -1, 7.5, 10**400, []),
        "updatedAt": (1_767_225_600_000, 0.5, {}, [], False),
        "type": (None, 5, {}, "x" * 5_000),
    }
    changes: list[dict[str, Any]] = [
        *({name: value} for name, values in odd.items() for value in values),
        {"failedRecords": [None], "personCount": None},
        {"failedRecords": [{"personId": 17}], "type": None},
        {"failedRecords": [17, "someone@example.com", [], {}], "updatedAt": 17},
        {"new": {"deep": [[[]]]}},
    ]
    clean = not document["failedRecords"]
    absent: list[dict[str, Any]] = [{"failedRecords": None}] if clean else []
    sound = as_json(dict(document))
    less = [{name: document[name] for name in document if name != left_out} for left_out in ("type", "personCount")]
    return (
        b"\xef\xbb\xbf" + sound,
        b"\r\n\t " + sound + b"\n\n",
        *(as_json(each) for each in less),
        *(as_json(dict(document) | each) for each in changes + absent if not (clean and each.get("failedRecords"))),
    )


def rubbish(import_id: str, limits: Headers) -> tuple[bytes, ...]:
    """Return responses that contain nothing about the import."""
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


def refusals(import_id: str, limits: Headers) -> tuple[tuple[int, bytes], ...]:
    """Return responses that concern one import only: an error about it, or a body about another one."""
    about_another = as_json({"importId": f"not {import_id}", "type": "CSV", "status": "UPLOADING", "personCount": 1})
    statuses = (400, 405, 409, 410, 418, 422)
    return (
        *((status, answer(status, limits + TEXT, b"Invalid import id")) for status in statuses),
        (200, answer(200, limits + JSON, about_another)),
        (200, answer(200, limits + JSON, as_json({"importId": import_id, "status": None}))),
    )


def pages() -> tuple[bytes, ...]:
    """Return responses of something in between, which count against the breaker."""
    return (
        answer(404, HTML, PAGE),
        answer(403, HTML, PAGE),
        answer(302, (*HTML, ("Location", "/elsewhere/login")), PAGE),
    )


def absurdities(limit: int, end: int) -> tuple[Headers, ...]:
    """Return invalid headers that allow no more than the true ones: nothing could respect a limit that is too high.

    No header sets a pause beyond the window: a reset in 2099 is respected for an hour, longer than a run.
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


def nested(chance: Random) -> bytes:
    """Return JSON that is costly to parse: deep, wide, or with many small parts."""
    return chance.choice(
        (
            b"[" * LARGE,
            b'{"a":' * (LARGE // 5),
            b"[" + b"[]," * (LARGE // 3) + b"[]]",
            b'{"n":' + b"9" * LARGE + b"}",
            b"{" + b",".join(b'"%06d":0' % number for number in range(LARGE // 12)) + b"}",
        )
    )
