"""What a body may be: read within a limit, checked whole, every problem named at once."""

import asyncio
import contextlib
import re
from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainValidator,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError
from starlette.requests import Request

from bridge.domain.times import DAY, SECOND, Span
from bridge.domain.workspaces import DEFAULT_WORKSPACE
from bridge.errors import Refusal, Refused
from bridge.web.duplicate_names import repeated_names
from bridge.web.problems import problems_of
from bridge.web.schemas.destinations import Body, Context, ToDestination, context_in

BODY_LIMIT = 64 * 1024
BATCH_LIMIT = 1024 * 1024
MOST_VALUES = 80_000
"""More than 100 watches hold; a body of nothing but small values takes a hundred times as long to read as text."""
BODY_TIME = 10.0
"""Seconds within which a body must have come, all of it."""
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


async def read_json(request: Request, *, limit: int = BODY_LIMIT, within: float = BODY_TIME) -> bytes:
    """Read the body within a limit and a time (s); raises Refused: 413 or 415 before it is read, 408, or 413."""
    sent = dict(request.headers.raw)  # looking each up in its list takes longer
    _check_form(sent.get(b"content-type", b""), sent.get(b"content-encoding", b""))
    _check_size(int(sent.get(b"content-length", 0)), limit)  # servers let nothing but digits pass
    try:
        async with asyncio.timeout(None) as patience:
            # A body that is there already is read before the loop turns, so that no timer is made for it.
            loop = asyncio.get_running_loop()
            waiting = loop.call_soon(patience.reschedule, loop.time() + within)
            try:
                return await _read(request, limit)
            finally:
                waiting.cancel()
    except TimeoutError:
        # The rest may never come: nothing else can be read from this connection.
        detail = f"All of it must come within {within:g} s."
        raise Refused(Refusal.REQUEST_TIMEOUT, detail, headers={"Connection": "close"}) from None


async def _read(request: Request, limit: int) -> bytes:
    read = bytearray()
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":  # nobody hears the answer; to metrics and log it's no fault of ours
            raise Refused(Refusal.REQUEST_TIMEOUT, "The connection ended before all of it had come.")
        read += message.get("body", b"")
        _check_size(len(read), limit)
        if not message.get("more_body", False):
            return bytes(read)


def _check_form(content_type: bytes, encoding: bytes) -> None:
    if content_type == b"application/json" and not encoding:
        return  # as nearly all have it
    media_type, *parameters = (part.strip().lower() for part in content_type.split(b";"))
    if media_type != b"application/json":
        raise Refused(Refusal.UNSUPPORTED_MEDIA_TYPE, "Send it with `Content-Type: application/json`.")
    for name, _, value in (parameter.partition(b"=") for parameter in parameters):
        if name == b"charset" and value.strip(b'"') not in {b"utf-8", b"utf8"}:
            raise Refused(Refusal.UNSUPPORTED_MEDIA_TYPE, "Send it in UTF-8: no other charset is read.")
    if encoding.lower() not in {b"", b"identity"}:
        raise Refused(Refusal.UNSUPPORTED_MEDIA_TYPE, "Send it as it is: no Content-Encoding is read.")


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise Refused(Refusal.PAYLOAD_TOO_LARGE, f"At most {limit // 1024} KB are read.")


_STRING = re.compile(rb'"(?:[^"\\]+|\\.)*+(?:"|\Z)', re.DOTALL)
"""Matches at each quote, closed or not, so that its time is linear in the body."""


def _check_values(body: bytes) -> None:
    """Bound how many values are read, before any is: what separates them is counted, outside of strings."""
    if _separators(body) > MOST_VALUES and _separators(_STRING.sub(b"", body)) > MOST_VALUES:
        raise Refused(Refusal.PAYLOAD_TOO_LARGE, f"At most {MOST_VALUES:,} values are read.")


def _separators(body: bytes) -> int:
    return sum(body.count(each) for each in (b",", b"[", b"{"))


BodyT = TypeVar("BodyT", bound=Body)


def parse(body: bytes, model: type[BodyT], context: Context | None = None) -> BodyT:
    """Check a body against a model; raises Refused naming every problem: 400 for what is no JSON, 413, else 422."""
    _check_values(body)
    found: BodyT | None = None
    findings: list[ErrorDetails] = []
    try:
        found = model.model_validate_json(body, context=context)
    except ValidationError as error:
        findings = error.errors(include_url=False, include_input=False)
        if findings[0]["type"] == "json_invalid":
            raise Refused(Refusal.INVALID_JSON, str(findings[0]["ctx"]["error"]).capitalize() + ".") from None
    repeated = repeated_names(body)
    if found is None or repeated:
        problems = [*repeated, *problems_of(findings)]
        count = len(repeated) + len(findings)
        raise Refused(Refusal.VALIDATION_FAILED, "Nothing was changed.", problems, problem_count=count)
    return found
