"""The bodies of requests for watches, except for their destinations, as pydantic models."""

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, TypeAlias

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

from bridge.destinations.receivers import receiver_of
from bridge.domain.destinations import Destination, NamedDestination
from bridge.domain.times import DAY, SECOND
from bridge.domain.watches import LONGEST_WATCH
from bridge.domain.workspaces import DEFAULT_WORKSPACE
from bridge.web.refusals import Problem
from bridge.web.schemas.body import Body
from bridge.web.schemas.choices import one_of
from bridge.web.schemas.combined_problems import combined
from bridge.web.schemas.destinations import Context, ToDestination, context_in
from bridge.web.schemas.import_id import ImportId

MAX_NAME_LENGTH = 63
"""The limit of configured names; a longer name is refused as unknown."""
MAX_METADATA_LENGTH = 1000
MAX_METADATA_KEY_LENGTH = 100
MAX_NUMBER = 2**53
"""The largest number that every JSON parser keeps exact. The bound also excludes NaN and infinity."""

PLAIN = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"
"""Text without control characters, except tabs and line breaks."""

Text: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=PLAIN)]

_PLAIN = re.compile(PLAIN)


def _plain(text: str) -> str:
    if not _PLAIN.fullmatch(text):
        raise PydanticCustomError(
            "form_wrong_format", "Must not contain control characters other than tabs and line breaks"
        )
    return text


def _scalar(value: Any) -> Any:
    """Accept a JSON scalar. A union of types would report one invalid value once for each type."""
    match value:
        case str() if len(value) <= MAX_METADATA_LENGTH:
            return _plain(value)
        case bool() | None:
            return value
        case int() | float() if abs(value) <= MAX_NUMBER:
            return value
        case int() | float():
            raise PydanticCustomError(
                "form_out_of_range", "Must be a number that every JSON parser keeps exact: at most 2^53"
            )
        case _:
            raise PydanticCustomError(
                "form_wrong_type",
                "Must be a string of at most {length} characters, a number, a boolean or null",
                {"length": MAX_METADATA_LENGTH},
            )


MOST_SECONDS = LONGEST_WATCH // SECOND
_SECONDS = f"Must be a whole number of seconds, from 1 to {MOST_SECONDS} ({LONGEST_WATCH // DAY} days)"


def _seconds(value: Any) -> int:
    """Check a duration. 24.0 and 24 are the same number in JSON Schema."""
    number = int(value) if isinstance(value, float) and value.is_integer() else value
    if not isinstance(number, int) or isinstance(number, bool):
        raise PydanticCustomError("form_wrong_type", _SECONDS)
    if not 1 <= number <= MOST_SECONDS:
        raise PydanticCustomError("form_out_of_range", _SECONDS)
    return number


Seconds: TypeAlias = Annotated[
    int,
    BeforeValidator(_seconds),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": MOST_SECONDS}),
]


MetadataKey: TypeAlias = Annotated[
    str, StringConstraints(min_length=1, max_length=MAX_METADATA_KEY_LENGTH), AfterValidator(_plain)
]
MetadataValue: TypeAlias = Annotated[
    Any,
    AfterValidator(_scalar),
    WithJsonSchema(
        {
            "type": ["string", "number", "boolean", "null"],
            "maxLength": MAX_METADATA_LENGTH,
            "pattern": PLAIN,
            "minimum": -MAX_NUMBER,
            "maximum": MAX_NUMBER,
        }
    ),
]


class WatchBody(Body):
    """An import to watch, and the destinations of its outcome."""

    import_id: Annotated[ImportId, Field(description="The import's id in Rally.")]
    notify: Annotated[
        Annotated[list[ToDestination], Field(max_length=10)] | None,
        Field(description="The destinations of the outcome. Without any, get the watch with `wait`."),
    ] = None
    workspace: Annotated[
        Annotated[str, Field(json_schema_extra={"maxLength": MAX_NAME_LENGTH})] | None,
        Field(
            validate_default=True,
            description=f"The Rally workspace of the import, as the operator named it; `{DEFAULT_WORKSPACE}` if left "
            "out.",
        ),
    ] = None
    label: Annotated[Text | None, Field(description="The import's name in messages.")] = None
    metadata: Annotated[
        Annotated[
            dict[MetadataKey, MetadataValue],
            Field(
                max_length=50,
                # For a pattern, pydantic would generate patternProperties, which allow any other key.
                json_schema_extra={
                    "propertyNames": {"minLength": 1, "maxLength": MAX_METADATA_KEY_LENGTH, "pattern": PLAIN}
                },
            ),
        ]
        | None,
        Field(description="Your own values, returned in responses and callbacks."),
    ] = None
    expires_in: Annotated[
        Seconds | None,
        Field(description="Seconds after which the watch times out; the default is the operator's WATCH_EXPIRY."),
    ] = None
    nudge_after: Annotated[
        Seconds | None,
        Field(
            description="Seconds after which its Slack destinations are told once that the import still runs, and once "
            "that it makes no progress. Not at all if left out."
        ),
    ] = None

    @field_validator("notify")
    @classmethod
    def _are_different(cls, notify: list[ToDestination] | None, info: ValidationInfo) -> list[ToDestination] | None:
        if notify and len(notify) > 1 and (problems := list(_repetitions(notify, context_in(info)))):
            raise combined(problems)
        return notify

    @field_validator("workspace")
    @classmethod
    def _is_configured(cls, workspace: str | None, info: ValidationInfo) -> str:
        known = context_in(info).workspaces
        workspace = DEFAULT_WORKSPACE if workspace is None else workspace
        if workspace not in known:
            choices = one_of(known, "workspace")
            raise PydanticCustomError("policy_unknown_workspace", "{choices}", {"choices": choices})
        return workspace


def _repetitions(notify: Sequence[ToDestination], context: Context) -> Iterator[Problem]:
    """Yield a problem for each destination with the same receiver as an earlier one of the list."""
    first: dict[tuple[str, str], int] = {}
    for index, each in enumerate(notify):
        earlier = first.setdefault(_identity(each.destination(), context), index)
        if earlier != index:
            detail = f"This is the same destination as /notify/{earlier}; name it once, with all its outcomes in `on`"
            yield Problem(pointer=f"/{index}", detail=detail, code="duplicate_destination")


def _identity(destination: Destination, context: Context) -> tuple[str, str]:
    """Return what two destinations of one watch must not share.

    Only for an admin is a named destination looked up: others could find out its URL or channel by guessing.
    """
    if not isinstance(destination, NamedDestination):
        return "receiver", receiver_of(destination)
    if context.admin:
        return "receiver", receiver_of(context.named[destination.name])
    return "name", destination.name


def _unchecked(value: Any) -> Any:
    """Accept anything: each entry is validated as a watch later, by itself."""
    return value


class BatchBody(Body):
    """Up to 100 watches as in `POST /v1/watches`; each is validated and accepted by itself."""

    watches: Annotated[
        list[Annotated[Any, PlainValidator(_unchecked, json_schema_input_type=WatchBody)]],
        Field(min_length=1, max_length=100),
    ]
    digest: Annotated[
        bool | None,
        Field(
            description="Whether each Slack destination gets one message, when all watches have ended, or 15 minutes "
            "after the first end that was not told. Callbacks stay single."
        ),
    ] = None
