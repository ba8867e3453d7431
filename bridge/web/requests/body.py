"""Request bodies: read within limits of size and time, and validated with every problem reported at once."""

import asyncio
import re
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from starlette.requests import Request

from bridge.domain.clients import Client
from bridge.pydantic_findings import findings
from bridge.resources import Resources
from bridge.web.refusals import Refusal, Refused
from bridge.web.requests.duplicate_json_names import duplicate_names
from bridge.web.requests.invalid_json import invalid_json
from bridge.web.requests.request_problems import count_problems, problems_of
from bridge.web.schemas.body import Body
from bridge.web.schemas.destinations import Context

BODY_LIMIT = 64 * 1024
BATCH_LIMIT = 1024 * 1024
MEDIA_TYPE = "application/json"
MAX_VALUES = 80_000
"""The largest number of values in a body; 100 watches contain fewer. Many tiny values take long to parse."""
BODY_TIMEOUT = 10.0
"""Seconds within which the whole body must arrive."""


async def read_json(request: Request, *, limit: int = BODY_LIMIT, timeout: float = BODY_TIMEOUT) -> bytes:  # noqa: ASYNC109 - it ends as a Refused
    """Return the body, not yet parsed.

    Raise Refused with 415 for another media type, 413 above `limit` bytes, and 408 after `timeout` seconds. The
    headers are checked before the body is read.
    """
    headers = dict(request.headers.raw)  # none of these is repeated: see duplicate_headers.py
    _check_media_type(headers.get(b"content-type", b"").decode("latin-1"))
    _check_encoding(headers.get(b"content-encoding", b""))
    return await read_body(request, limit=limit, timeout=timeout)


async def read_body(request: Request, *, limit: int, timeout: float = BODY_TIMEOUT) -> bytes:  # noqa: ASYNC109 - as above
    """Return the body, whatever it is. Raise Refused with 413 above `limit` bytes, and 408 after `timeout` seconds."""
    _check_size(int(request.headers.get("content-length", "0")), limit)  # the server lets only digits pass
    try:
        async with asyncio.timeout(timeout):
            return await _read(request, limit)
    except TimeoutError:
        # The rest of the body may never arrive, so the connection can't be used for another request.
        detail = f"The whole body must arrive within {timeout:g} s."
        raise Refused(Refusal.REQUEST_TIMEOUT, detail, headers={"Connection": "close"}) from None


async def _read(request: Request, limit: int) -> bytes:
    body = bytearray()
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":  # the client gets no response; this keeps it out of the error log
            raise Refused(Refusal.REQUEST_TIMEOUT, "The connection was closed before the whole body had arrived.")
        body += message.get("body", b"")
        _check_size(len(body), limit)
        if not message.get("more_body", False):
            return bytes(body)


def _check_media_type(content_type: str) -> None:
    if content_type == MEDIA_TYPE:
        return  # the usual case
    media_type, *parameters = [part.strip().lower() for part in content_type.split(";")]
    if media_type != MEDIA_TYPE:
        raise Refused(Refusal.UNSUPPORTED_MEDIA_TYPE, "Send it with `Content-Type: application/json`.")
    for name, _, value in (parameter.partition("=") for parameter in parameters):
        if name == "charset" and value.strip('"') not in {"utf-8", "utf8"}:
            raise Refused(Refusal.UNSUPPORTED_MEDIA_TYPE, "Send it in UTF-8, the only charset that is supported.")


def _check_encoding(encoding: bytes) -> None:
    if encoding.lower() not in {b"", b"identity"}:
        raise Refused(Refusal.UNSUPPORTED_MEDIA_TYPE, "Send it without a Content-Encoding; none is supported.")


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise Refused(Refusal.PAYLOAD_TOO_LARGE, f"The limit is {limit // 1024} KB.")


_STRING = re.compile(rb'"(?:[^"\\]+|\\.)*+(?:"|\Z)', re.DOTALL)
"""A JSON string, or an unclosed one up to the end, so that matching takes linear time."""


def _check_values(body: bytes) -> None:
    """Limit the number of JSON values before the body is parsed, by counting separators outside of strings."""
    if _separators(body) > MAX_VALUES and _separators(_STRING.sub(b"", body)) > MAX_VALUES:
        raise Refused(Refusal.PAYLOAD_TOO_LARGE, f"The limit is {MAX_VALUES:,} values.")


def _separators(body: bytes) -> int:
    return body.count(b",") + body.count(b"[") + body.count(b"{")


BodyT = TypeVar("BodyT", bound=Body)


def parse(body: bytes, model: type[BodyT], context: Context | None = None) -> BodyT:
    """Parse and validate a body.

    Raise Refused with 400 for invalid JSON, 413 for too many values, and 422 with every problem found.
    """
    _check_values(body)
    parsed: BodyT | None = None
    found: list[ErrorDetails] = []
    try:
        parsed = model.model_validate_json(body, context=context)
    except ValidationError as error:
        found = findings(error)
        if found[0]["type"] == "json_invalid":
            raise Refused(Refusal.INVALID_JSON, invalid_json(body, found[0])) from None
    duplicates = duplicate_names(body)
    if parsed is None or duplicates:
        problems = [*duplicates, *problems_of(found, model)]
        count = len(duplicates) + count_problems(found)
        raise Refused(Refusal.VALIDATION_FAILED, "Nothing was changed.", problems, problem_count=count)
    return parsed


def validation_context(resources: Resources, client: Client) -> Context:
    """Return the configuration and permissions that a client's bodies are validated against."""
    permissions = client.permissions
    return Context(
        permissions=permissions,
        admin=client.admin,
        rules=resources.egress_rules,
        workspaces=resources.rally if permissions.workspaces is None else permissions.workspaces,
        named=resources.named,
        slack_bot=resources.sender.slack_bot is not None,
    )
