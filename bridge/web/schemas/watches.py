"""The bodies of requests, except for their destinations, as pydantic models."""

import contextlib
import re
from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainValidator,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)
from pydantic_core import PydanticCustomError

from bridge.domain.times import DAY, SECOND, Span
from bridge.domain.workspaces import DEFAULT_WORKSPACE
from bridge.web.schemas.destinations import Body, ToDestination, context_in

LONGEST_EXPIRY: Span = 30 * DAY
LONGEST_NAME = 63
"""Of what the operator configured; a longer one is refused as unknown."""
LONGEST_METADATA = 1000
LONGEST_METADATA_KEY = 100
LARGEST_NUMBER = 2**53
"""Beyond it not every reader of JSON keeps whole numbers apart; NaN and infinity are beyond it too."""

PLAIN = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"
"""Text without control characters other than tabs and ends of lines, of whatever system."""

Text: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=PLAIN)]
ImportId: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]


_PLAIN = re.compile(PLAIN)


def _plain(text: str) -> str:
    if not _PLAIN.fullmatch(text):
        raise ValueError("No control characters other than tabs and ends of lines can be taken here")
    return text


def _scalar(value: Any) -> Any:
    """Take what compares and prints simply; a union of types would name one place once for each of them."""
    match value:
        case str() if len(value) <= LONGEST_METADATA:
            return _plain(value)
        case bool() | None:
            return value
        case int() | float() if abs(value) <= LARGEST_NUMBER:
            return value
        case int() | float():
            raise ValueError("Not a number that every reader of JSON knows: at most 2^53")
        case _:
            raise ValueError(f"Must be a string of at most {LONGEST_METADATA} characters, a number, a boolean or null")


def _whole(value: Any) -> Any:
    """Take 24.0 for 24, as JSON and its schemas do."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


def _moment(value: Any) -> datetime:
    """Read what RFC 3339 has; pydantic itself would also take numbers and times of no place."""
    if isinstance(value, str) and _RFC_3339.fullmatch(value):
        with contextlib.suppress(ValueError):
            return datetime.fromisoformat(value)
    raise ValueError("A time has its offset from UTC, as in 2026-11-24T09:30:00Z")


MetadataKey: TypeAlias = Annotated[
    str, StringConstraints(min_length=1, max_length=LONGEST_METADATA_KEY), AfterValidator(_plain)
]
MetadataValue: TypeAlias = Annotated[
    Any,
    AfterValidator(_scalar),
    WithJsonSchema(
        {
            "type": ["string", "number", "boolean", "null"],
            "maxLength": LONGEST_METADATA,
            "pattern": PLAIN,
            "minimum": -LARGEST_NUMBER,
            "maximum": LARGEST_NUMBER,
        }
    ),
]
Since: TypeAlias = Annotated[
    datetime,
    BeforeValidator(_moment, json_schema_input_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]


class TestBody(Body):
    """A destination to send a test message to."""

    destination: ToDestination


class RedeliverBody(Body):
    """Which deliveries to owe again: those that ended so, not before that time."""

    state: Literal["abandoned"]
    since: Since


class WatchBody(Body):
    """A wish to hear how one import ends."""

    import_id: Annotated[ImportId, Field(description="The id that Rally gave the import.")]
    notify: Annotated[
        list[ToDestination],
        Field(max_length=10, description="Whom to tell; nobody when empty: then you GET the watch, with `wait`."),
    ] = []
    workspace: Annotated[
        str,
        Field(
            validate_default=True,
            description="Which Rally account the import is in.",
            json_schema_extra={"maxLength": LONGEST_NAME},
        ),
    ] = DEFAULT_WORKSPACE
    label: Annotated[Text | None, Field(description="What messages call the import.")] = None
    metadata: Annotated[
        dict[MetadataKey, MetadataValue],
        Field(
            max_length=50,
            description="Yours; comes back in answers and callbacks.",
            # Of a pattern of the keys pydantic would make patternProperties, which let any other key pass.
            json_schema_extra={"propertyNames": {"minLength": 1, "maxLength": LONGEST_METADATA_KEY, "pattern": PLAIN}},
        ),
    ] = {}
    expires_in: Annotated[
        Annotated[int, Field(ge=1, le=LONGEST_EXPIRY // SECOND), BeforeValidator(_whole)] | None,
        Field(description="Seconds after which the watch gives up; the operator's WATCH_EXPIRY when left out."),
    ] = None

    @field_validator("import_id")
    @classmethod
    def _is_one_segment(cls, import_id: str) -> str:
        if import_id in {".", ".."}:
            raise PydanticCustomError(
                "policy_invalid_import_id", "An import id can't be `.` or `..`: no URL can name such a thing"
            )
        return import_id

    @field_validator("workspace")
    @classmethod
    def _is_configured(cls, workspace: str, info: ValidationInfo) -> str:
        if workspace not in context_in(info).workspaces:
            raise PydanticCustomError("policy_unknown_workspace", "There is no workspace of this name, or not for you")
        return workspace


def _object(value: Any) -> dict[str, Any]:
    """Take any object: as a watch each is checked later, by itself."""
    if not isinstance(value, dict):
        raise ValueError("Must be an object")  # noqa: TRY004 - what pydantic tells the caller of
    return value


class BatchBody(Body):
    """Up to 100 watches, each as `POST /v1/watches` takes it; each is checked and answered by itself."""

    watches: Annotated[
        list[Annotated[dict[str, Any], PlainValidator(_object, json_schema_input_type=WatchBody)]],
        Field(min_length=1, max_length=100),
    ]
