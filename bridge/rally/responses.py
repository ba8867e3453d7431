"""The meaning of Rally's responses: any status, headers and body give a value, never an exception."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus

from bridge.domain.imports import (
    Absence,
    Absent,
    ImportAnswer,
    KeyRefused,
    OverLimit,
    Read,
    Reply,
    Unanswered,
    Unusable,
)
from bridge.domain.polling.budget import LONGEST_RALLY_PAUSE
from bridge.domain.record_sets import LARGEST_SET_KEPT
from bridge.domain.retry_after import http_date, retry_after
from bridge.domain.times import Moment
from bridge.rally.fields import BYTE_ORDER_MARK, UnusableBody, read_import
from bridge.rally.headers import Headers, allowance_of, header_problem_of, unrepeated

TRANSIENT = frozenset({408, 425})
"""Status codes 4xx that say nothing about the import: request timeout and too early."""
ABSENCES: Mapping[int, Absence] = {403: Absence.FORBIDDEN, 404: Absence.NOT_FOUND}
FIRST_OF_SERVER = 500
NOT_FROM_RALLY = "a page of HTML, which Rally does not send"


def decipher(
    *,
    status: int,
    headers: Iterable[tuple[str, str]],
    body: bytes,
    import_id: str,
    at: Moment,
    largest_set: int = LARGEST_SET_KEPT,
) -> Reply:
    """Turn a response, received at `at`, into a Reply, with at most `largest_set` failed records."""
    pairs = list(headers)
    known = unrepeated(pairs)
    answer, malformed_fields = (
        _reading(body, import_id, largest_set) if status == HTTPStatus.OK else (_answer(status, known, body, at), ())
    )
    if isinstance(answer, Read) and _is_encoded(pairs):
        answer = Unusable("the answer says that it is compressed")
    return Reply(
        import_id=import_id,
        answer=answer,
        allowance=allowance_of(known, at),
        at=at,
        status=status,
        header_problem=header_problem_of(pairs, known, at),
        sent_at=http_date(known.get("date", "")),
        malformed_fields=malformed_fields,
    )


def unanswered(reason: str, import_id: str, at: Moment) -> Reply:
    return Reply(import_id=import_id, answer=Unanswered(reason), allowance=None, at=at)


def unusable(reason: str, import_id: str, at: Moment, status: int) -> Reply:
    return Reply(import_id=import_id, answer=Unusable(reason), allowance=None, at=at, status=status)


def _answer(status: int, headers: Headers, body: bytes, at: Moment) -> ImportAnswer:
    """Return the meaning of a response other than 200."""
    match status:
        case 401:
            return KeyRefused()
        case 403 | 404 if _is_html(headers, body):
            return Unanswered(f"HTTP {status} with {NOT_FROM_RALLY}")
        case 403 | 404:
            return Absent(ABSENCES[status])
        case 429:
            return OverLimit(retry_after(headers, at, at_most=LONGEST_RALLY_PAUSE))
        case _ if _concerns_the_import(status):
            return Unusable(f"HTTP {status}")
        case _:
            return Unanswered(
                f"HTTP {status}",
                retry_after(headers, at, at_most=LONGEST_RALLY_PAUSE) if status >= FIRST_OF_SERVER else None,
            )


def _is_html(headers: Headers, body: bytes) -> bool:
    """Return whether the body is HTML, from a router, proxy or login page; Rally's own errors are plain text."""
    return "html" in headers.get("content-type", "").lower() or body.removeprefix(BYTE_ORDER_MARK).lstrip().startswith(
        b"<"
    )


def _concerns_the_import(status: int) -> bool:
    """Return whether the status concerns only this import, while the connection to Rally works."""
    return 200 <= status < 300 or (400 <= status < 500 and status not in TRANSIENT)  # noqa: PLR2004 - classes of HTTP


def _is_encoded(pairs: Iterable[tuple[str, str]]) -> bool:
    """Return whether the response claims to be compressed, although we asked for no compression."""
    return any(name.lower() == "content-encoding" and value.strip().lower() != "identity" for name, value in pairs)


def _reading(body: bytes, import_id: str, largest_set: int) -> tuple[ImportAnswer, tuple[str, ...]]:
    try:
        return read_import(body, import_id, largest_set=largest_set)
    except UnusableBody as found:
        return Unusable(str(found)), ()
