"""Problem documents (RFC 9457): one format for every refusal, with every problem of the request."""

import json
from collections.abc import Mapping, Sequence

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bridge.errors import StoreUnavailable
from bridge.web.json_response import ApiResponse
from bridge.web.refusals import Problem, Refusal, Refused
from bridge.web.routing import CODE
from bridge.web.schemas.problem_document import MAX_ERRORS, ErrorResponse, ProblemDocument

RETRY_AFTER_OUTAGE = "5"
"""The Retry-After in seconds while Redis is unavailable: enough for a restart."""

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
    document = problem_document(refusal)
    if detail:
        document["detail"] = detail
    if errors:
        document["errors"] = [_error_as_json(error) for error in errors[:MAX_ERRORS]]
    if error_count > MAX_ERRORS:
        document["errorCount"] = error_count
    return ProblemResponse(document, refusal.status, headers)


def problem_document(refusal: Refusal) -> ProblemDocument:
    """Return what the document says about every request that is refused in this way."""
    return {
        "type": f"/docs#{refusal.slug}",
        "title": refusal.title,
        "status": refusal.status,
        "code": refusal.code,
    }


def _error_as_json(error: Problem) -> ErrorResponse:
    return {"pointer": error.pointer, "detail": error.detail, "code": error.code}


def document_of(error: Refused | StoreUnavailable) -> ProblemDocument:
    """Return the problem document of an error, without a response around it."""
    respond = refused if isinstance(error, Refused) else store_unavailable
    document: ProblemDocument = json.loads(bytes(respond(None, error).body))
    return document


def refused(request: Request | None, error: Exception) -> Response:
    assert isinstance(error, Refused)  # noqa: S101 - Starlette calls the handler of the exception's class
    _note(request, error.refusal)
    return problem(
        error.refusal,
        error.detail,
        errors=error.problems,
        error_count=error.problem_count,
        headers=error.headers,
    )


def _note(request: Request | None, refusal: Refusal) -> None:
    """Note why a request is refused, for the access log."""
    if request is not None:
        request.scope[CODE] = refusal.code


def http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    match error.status_code:
        case 404:
            _note(request, Refusal.NOT_FOUND)
            return problem(Refusal.NOT_FOUND, "There is no such path; /docs describes all of them.")
        case 405:
            _note(request, Refusal.METHOD_NOT_ALLOWED)
            methods = (error.headers or {})["Allow"]
            return problem(Refusal.METHOD_NOT_ALLOWED, f"The methods here are {methods}.", headers=error.headers)
    document: ProblemDocument = {
        "type": "about:blank",
        "title": error.detail,
        "status": error.status_code,
        "code": "http_error",
    }
    return ProblemResponse(document, error.status_code, error.headers)


def store_unavailable(request: Request | None, _: Exception) -> Response:
    """Respond with 503; the store has already logged the outage."""
    _note(request, Refusal.SERVICE_UNAVAILABLE)
    detail = "The store can't be reached or can't write now. To repeat a POST safely, send the same Idempotency-Key."
    return problem(Refusal.SERVICE_UNAVAILABLE, detail, headers={"Retry-After": RETRY_AFTER_OUTAGE})


def decryption_failed(request: Request, _: Exception) -> Response:
    """Log the record, and respond with what the operator can do about it."""
    _note(request, Refusal.DECRYPTION_FAILED)
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
