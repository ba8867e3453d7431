"""Problem documents and the errors in them, used by mypy and for the OpenAPI schemas."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field
from typing_extensions import NotRequired, TypedDict

FORM_CODES = (
    *("missing", "unknown_field", "wrong_type", "wrong_format", "not_a_choice", "too_short", "too_long"),
    *("out_of_range", "duplicate_name", "duplicate_parameter"),
)
"""The codes of errors in the form of a request, which its description excludes."""
RULE_CODES = (
    *("metadata", "unspecified", "private", "shared", "loopback", "link_local", "reserved", "documentation"),
    *("multicast", "embedded_ipv4", "port", "url", "host", "scheme", "userinfo", "fragment"),
    *("slack_workflow", "not_slack", "slack_host", "no_slack_bot", "forbidden", "invalid_secret", "invalid_header"),
    *("unknown_name", "unknown_workspace", "invalid_import_id", "duplicate_destination", "needs_live"),
)
"""The codes of all rules that may refuse a field; a test compares them with the rules."""


def _listed(codes: Sequence[str]) -> str:
    return ", ".join(f"`{code}`" for code in codes)


_CODE = (
    f"A stable code. For an error in the form of the request: {_listed(FORM_CODES)}. If a rule refused the field: "
    f"{_listed(RULE_CODES)}. More may be added."
)


class ErrorResponse(TypedDict):
    """One problem of a request."""

    pointer: Annotated[str, Field(description="A JSON pointer into the body, or `?name` for a query parameter.")]
    detail: str
    code: Annotated[str, Field(description=_CODE)]


MAX_ERRORS = 100
"""The limit of errors in a problem document, so that it does not become much larger than the request."""


class ProblemDocument(TypedDict):
    """A problem document (RFC 9457): `type` links to its entry in /docs, `errors` lists every problem."""

    type: Annotated[str, Field(json_schema_extra={"format": "uri-reference"})]
    title: str
    status: int
    code: Annotated[str, Field(description="A stable code: the part of `type` after `#`, with underscores.")]
    detail: NotRequired[str]
    errors: NotRequired[Annotated[list[ErrorResponse], Field(max_length=MAX_ERRORS)]]
    errorCount: NotRequired[
        Annotated[
            int, Field(description=f"The number of all errors, if there are more than the {MAX_ERRORS} in `errors`.")
        ]
    ]
