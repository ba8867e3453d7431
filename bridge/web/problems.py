"""Problem documents (RFC 9457): one format for every refusal, with every problem of the request."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import structlog
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bridge.errors import Problem, Refusal, Refused, StoreUnavailable
from bridge.validation_text import sentence
from bridge.web.json_pointer import escape
from bridge.web.responses import ApiResponse
from bridge.web.schemas.problem_document import MAX_ERRORS, ErrorResponse, ProblemDocument
from bridge.web.schemas.several import problems_within

RETRY_AFTER_OUTAGE = "5"
"""Seconds; enough for Redis to restart."""

log = structlog.get_logger()


class ProblemResponse(ApiResponse):
    media_type = "application/problem+json"


def problem(
    refusal: Refusal,
    detail: str = "",
    *,
    errors: Sequence[Problem] = (),
    error_count: int = 0,
    headers: Mapping[str, str] | None = None,
) -> ProblemResponse:
    """Return the response to a refused request; its `type` links to the entry in /docs."""
    document: ProblemDocument = {"type": f"/docs#{refusal.slug}", "title": refusal.title, "status": refusal.status}
    if detail:
        document["detail"] = detail
    if errors:
        document["errors"] = [_error_as_json(error) for error in errors[:MAX_ERRORS]]
    if error_count > MAX_ERRORS:
        document["errorCount"] = error_count
    return ProblemResponse(document, refusal.status, headers)


def _error_as_json(error: Problem) -> ErrorResponse:
    document: ErrorResponse = {"pointer": error.pointer, "detail": error.detail}
    if error.code is not None:
        document["code"] = error.code
    return document


def document_of(error: Refused | StoreUnavailable) -> ProblemDocument:
    """Return the problem document of an error, without a response around it."""
    respond = refused if isinstance(error, Refused) else store_unavailable
    document: ProblemDocument = json.loads(bytes(respond(None, error).body))
    return document


def refused(_: Request | None, error: Exception) -> Response:
    assert isinstance(error, Refused)  # noqa: S101 - Starlette calls the handler of the exception's class
    return problem(
        error.refusal,
        error.detail,
        errors=error.problems,
        error_count=error.problem_count,
        headers=error.headers,
    )


def http_exception(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    known = {404: Refusal.NOT_FOUND, 405: Refusal.METHOD_NOT_ALLOWED}
    if refusal := known.get(error.status_code):
        return problem(refusal, headers=error.headers)
    document: ProblemDocument = {"type": "about:blank", "title": error.detail, "status": error.status_code}
    return ProblemResponse(document, error.status_code, error.headers)


def store_unavailable(_: Request | None, __: Exception) -> Response:
    """Respond with 503; the store has already logged the outage."""
    detail = "The store can't be reached or can't write now. Try again, with the same Idempotency-Key if you sent one."
    return problem(Refusal.SERVICE_UNAVAILABLE, detail, headers={"Retry-After": RETRY_AFTER_OUTAGE})


def decryption_failed(request: Request, _: Exception) -> Response:
    """Log the record, and respond with what the operator can do about it."""
    log.error("record.decryption_failed", path=request.url.path)
    detail = (
        "No configured key decrypts the record. It can be read again when BRIDGE_ENCRYPTION_KEYS contains the key that "
        "encrypted it."
    )
    return problem(Refusal.DECRYPTION_FAILED, detail)


def unexpected(error: Exception) -> Response:
    """Log an unhandled exception and respond with 500."""
    log.error("request.failed", exc_info=error)
    return problem(Refusal.INTERNAL_ERROR, "The error was logged.")


def problems_of(findings: Sequence[ErrorDetails]) -> list[Problem]:
    """Return the first findings of pydantic as problems: a JSON pointer, a sentence and a code."""
    return [problem for finding in findings[:MAX_ERRORS] for problem in _problems_of(finding)]


def count_problems(findings: Sequence[ErrorDetails]) -> int:
    """Return the number of problems that findings of pydantic stand for."""
    return sum(len(problems_within(finding)) or 1 for finding in findings)


def _problems_of(finding: ErrorDetails) -> Iterator[Problem]:
    pointer = _pointer(finding["loc"])
    if inner := problems_within(finding):
        yield from (replace(each, pointer=pointer + each.pointer) for each in inner)
    else:
        yield Problem(pointer=pointer, detail=sentence(finding, _SENTENCES), code=_code(finding["type"]))


_INSERTED = {"notify": 2, "destination": 1, "metadata": 2}
"""By field: the index in pydantic's location of the union member's name, or of `[key]`."""


def _pointer(location: Sequence[str | int]) -> str:
    """Return a JSON pointer such as `/notify/0/url`, without the parts that pydantic inserts for unions and keys."""
    inserted = _INSERTED.get(str(location[0]), len(location)) if location else 0
    if location[inserted + 1 : inserted + 2] == ("on",):
        location = (*location[: inserted + 2], *location[inserted + 3 :])  # the form of `on`
    if isinstance(next(iter(location[inserted:]), None), str):
        location = (*location[:inserted], *location[inserted + 1 :])
    return "".join("/" + escape(str(part)) for part in location)


_SENTENCES: Mapping[str, str] = {
    "extra_forbidden": "Unknown field",
    "missing": "This field is required",
    "json_invalid": "The body is not valid JSON",
    # pydantic's own message repeats the input, which may be a secret in the wrong place.
    "union_tag_invalid": "Unknown destination type",
    # pydantic's own message repeats the regular expression, which is hard to read.
    "string_pattern_mismatch": "Contains a character that is not allowed, or has the wrong format",
}


def _code(kind: str) -> str | None:
    """Return the stable code of a rule; pydantic's own error types are not part of the API."""
    return kind.removeprefix("policy_") if kind.startswith("policy_") else None
