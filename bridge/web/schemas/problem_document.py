"""Problem documents and the errors in them, used by mypy and for the OpenAPI schemas."""

from typing import Annotated

from pydantic import Field
from typing_extensions import NotRequired, TypedDict

CODES = (
    *("metadata", "unspecified", "private", "shared", "loopback", "link_local", "reserved", "documentation"),
    *("multicast", "embedded_ipv4", "port", "url", "host", "scheme", "userinfo", "fragment"),
    *("slack_workflow", "not_slack", "slack_host", "no_slack_bot", "forbidden", "invalid_secret", "invalid_header"),
    *("unknown_name", "unknown_workspace", "invalid_import_id", "duplicate_destination"),
)
"""The codes of all rules that may refuse a field; a test compares them with the rules."""
_CODE = f"A stable code if a rule refused the field: {', '.join(f'`{code}`' for code in CODES)}. More may be added."


class ErrorResponse(TypedDict):
    """One problem of a request."""

    pointer: Annotated[str, Field(description="A JSON pointer into the body, or `?name` for a query parameter.")]
    detail: str
    code: NotRequired[Annotated[str, Field(description=_CODE)]]


MAX_ERRORS = 100
"""The limit of errors in a problem document, so that it does not become much larger than the request."""


class ProblemDocument(TypedDict):
    """A problem document (RFC 9457): `type` links to its entry in /docs, `errors` lists every problem."""

    type: Annotated[str, Field(json_schema_extra={"format": "uri-reference"})]
    title: str
    status: int
    detail: NotRequired[str]
    errors: NotRequired[Annotated[list[ErrorResponse], Field(max_length=MAX_ERRORS)]]
    errorCount: NotRequired[
        Annotated[
            int, Field(description=f"The number of all errors, if there are more than the {MAX_ERRORS} in `errors`.")
        ]
    ]
