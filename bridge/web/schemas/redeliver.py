"""The body of a request to send many deliveries again."""

import contextlib
import re
from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from bridge.web.schemas.body import Body

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


def _moment(value: Any) -> datetime:
    """Parse an RFC 3339 time. pydantic would also accept numbers and times without an offset."""
    if isinstance(value, str) and _RFC_3339.fullmatch(value):
        with contextlib.suppress(ValueError):
            return datetime.fromisoformat(value)
    raise PydanticCustomError(
        "form_wrong_format", "Must be a time with its offset from UTC, such as 2026-11-24T09:30:00Z"
    )


Time: TypeAlias = Annotated[
    datetime,
    BeforeValidator(_moment, json_schema_input_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]


class RedeliverBody(Body):
    """Which deliveries to send again: those that were abandoned from `since` to `until`."""

    state: Literal["abandoned"]
    since: Time
    until: Annotated[
        Time | None,
        Field(
            description="The present if left out. When you repeat the request, send `until` of the first response: "
            "deliveries that are abandoned once more are then not sent over and over again."
        ),
    ] = None
