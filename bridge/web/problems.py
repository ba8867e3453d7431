"""Problem documents (RFC 9457): every refusal says what is wrong, all of it, in one form."""

import json
from collections.abc import Mapping, Sequence

import structlog
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bridge.errors import Problem, Refusal, Refused, StoreUnavailable
from bridge.validation_text import sentence
from bridge.web.duplicate_names import escaped
from bridge.web.responses import ApiResponse
from bridge.web.schemas.responses import MOST_ERRORS, ErrorResponse, ProblemDocument

RETRY_AFTER_OUTAGE = "5"
"""Seconds; a Redis that restarts is back within them."""

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
    """Give a refusal in RFC 9457's form; its `type` leads to the page that explains it."""
    document: ProblemDocument = {"type": f"/docs#{refusal.slug}", "title": refusal.title, "status": refusal.status}
    if detail:
        document["detail"] = detail
    if errors:
        document["errors"] = [_error_as_json(error) for error in errors[:MOST_ERRORS]]
    if error_count > MOST_ERRORS:
        document["errorCount"] = error_count
    return ProblemResponse(document, refusal.status, headers)


def _error_as_json(error: Problem) -> ErrorResponse:
    document: ErrorResponse = {"pointer": error.pointer, "detail": error.detail}
    if error.code is not None:
        document["code"] = error.code
    return document


def document_of(error: Refused | StoreUnavailable) -> ProblemDocument:
    """Give a problem document by itself."""
    answer = refused if isinstance(error, Refused) else store_unavailable
    document: ProblemDocument = json.loads(bytes(answer(None, error).body))
    return document


def refused(_: Request | None, error: Exception) -> Response:
    assert isinstance(error, Refused)  # noqa: S101 - Starlette hands each exception to the function of its class
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
    """Ask to come again; the store itself tells of its outage, once."""
    detail = (
        "The store can't be reached or can't write just now. Try again: with one Idempotency-Key nothing is done twice."
    )
    return problem(Refusal.SERVICE_UNAVAILABLE, detail, headers={"Retry-After": RETRY_AFTER_OUTAGE})


def decryption_failed(request: Request, _: Exception) -> Response:
    """Say what an operator can do about it: the caller can do nothing but ask one."""
    log.error("record.decryption_failed", path=request.url.path)
    detail = (
        "None of the operator's keys opens what is private in it. It can be read again once BRIDGE_ENCRYPTION_KEYS "
        "holds the key that it was written under."
    )
    return problem(Refusal.DECRYPTION_FAILED, detail)


def unexpected(error: Exception) -> Response:
    log.error("request.failed", exc_info=error)
    return problem(Refusal.INTERNAL_ERROR, "It has been logged.")


def problems_of(findings: Sequence[ErrorDetails]) -> list[Problem]:
    """Put each of pydantic's findings, or as many as are told, as a JSON pointer into the body and a sentence."""
    return [
        Problem(pointer=_pointer(found["loc"]), detail=sentence(found, _SENTENCES), code=_code(found["type"]))
        for found in findings[:MOST_ERRORS]
    ]


_OF_PYDANTIC = {"notify": 2, "destination": 1, "metadata": 2}
"""Where in a location pydantic puts the name of the union's member, or `[key]`."""


def _pointer(location: Sequence[str | int]) -> str:
    """Write `/notify/0/url`; what pydantic puts in between, a union's member or that it is a key, is left out."""
    parts = [
        part
        for index, part in enumerate(location)
        if not (isinstance(part, str) and index == _OF_PYDANTIC.get(str(location[0])))
    ]
    return "".join("/" + escaped(str(part)) for part in parts)


_SENTENCES: Mapping[str, str] = {
    "extra_forbidden": "This field is not known",
    "missing": "This field is required",
    "json_invalid": "The body is not JSON",
    # pydantic's own message repeats the input, which may be a secret in the wrong place.
    "union_tag_invalid": "There is no such type of destination",
    # pydantic's own message repeats the regular expression, which says little to people.
    "string_pattern_mismatch": "This has a character or a form that can't be taken here",
}


def _code(kind: str) -> str | None:
    """Give the stable code of a policy's refusal; pydantic's own names are not part of our interface."""
    return kind.removeprefix("policy_") if kind.startswith("policy_") else None
