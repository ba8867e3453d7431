"""What a body may be: read within a limit, checked whole, every problem named at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError
from starlette.requests import Request

from bridge.destinations.callback import header_problem
from bridge.destinations.egress import EgressRules, check_url
from bridge.destinations.signatures import check_secret
from bridge.domain.deliveries import Address, Callback, Destination, Named, SlackChannel, SlackWebhook
from bridge.domain.outcomes import Outcome
from bridge.domain.secret import Secret
from bridge.domain.times import DAY, SECOND, Span
from bridge.errors import Refused
from bridge.web.problems import problems_of

BODY_LIMIT = 64 * 1024
BATCH_LIMIT = 1024 * 1024
LONGEST_EXPIRY: Span = 30 * DAY
LONGEST_METADATA = 1000
LARGEST_NUMBER = 2**53
"""Beyond it not every reader of JSON keeps whole numbers apart; NaN and infinity are beyond it too."""

Text: TypeAlias = Annotated[
    str, StringConstraints(min_length=1, max_length=300, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$")
]
ImportId: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Url: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
OutcomeName: TypeAlias = Literal[
    "completed", "completed_with_failures", "failed", "not_found", "forbidden", "timed_out"
]
MetadataKey: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=100)]


def _scalar(value: Any) -> Any:
    """Take what compares and prints simply; a union of types would name one place once for each of them."""
    match value:
        case str() if len(value) <= LONGEST_METADATA:
            return value
        case bool() | None:
            return value
        case int() | float() if abs(value) <= LARGEST_NUMBER:
            return value
        case int() | float():
            raise ValueError("Not a number that every reader of JSON knows: at most 2^53")
        case _:
            raise ValueError(f"Must be a string of at most {LONGEST_METADATA} characters, a number, a boolean or null")


MetadataValue: TypeAlias = Annotated[Any, AfterValidator(_scalar)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a body is checked against beside its own form."""

    rules: EgressRules
    workspaces: frozenset[str]
    named: Mapping[str, Address]
    slack_bot: bool


def _context(info: ValidationInfo) -> Context:
    assert isinstance(info.context, Context)  # noqa: S101 - parse passes it; the type is lost within pydantic
    return info.context


class Body(BaseModel):
    """Unknown fields are refused by name; nothing is coerced."""

    model_config = ConfigDict(
        extra="forbid", strict=True, alias_generator=to_camel, validate_by_name=False, allow_inf_nan=False
    )


class _ToDestination(Body):
    on: Annotated[list[OutcomeName], Field(min_length=1, max_length=6)] | None = None

    @property
    def outcomes(self) -> frozenset[Outcome] | None:
        return None if self.on is None else frozenset(Outcome(outcome) for outcome in self.on)


def _allowed(url: str, info: ValidationInfo, *, slack: bool) -> str:
    if forbidden := check_url(url, _context(info).rules, slack=slack):
        raise PydanticCustomError(f"policy_{forbidden.code}", "{detail}", {"detail": forbidden.detail})
    return url


class ToSlackWebhook(_ToDestination):
    type: Literal["slack_webhook"]
    url: Url

    @field_validator("url")
    @classmethod
    def _is_slacks(cls, url: str, info: ValidationInfo) -> str:
        return _allowed(url, info, slack=True)

    def destination(self) -> Destination:
        return SlackWebhook(url=Secret(self.url), on=self.outcomes)


class ToSlack(_ToDestination):
    type: Literal["slack"]
    channel: Annotated[str, StringConstraints(pattern=r"^[CGD][A-Z0-9]{5,30}$")]

    @field_validator("channel")
    @classmethod
    def _can_be_posted_to(cls, channel: str, info: ValidationInfo) -> str:
        if not _context(info).slack_bot:
            raise PydanticCustomError("policy_no_slack_bot", "The operator has configured no Slack bot")
        return channel

    def destination(self) -> Destination:
        return SlackChannel(channel=self.channel, on=self.outcomes)


class ToCallback(_ToDestination):
    type: Literal["callback"]
    url: Url
    secret: str | None = None
    headers: Annotated[dict[str, str], Field(max_length=20)] = {}

    @field_validator("url")
    @classmethod
    def _may_be_reached(cls, url: str, info: ValidationInfo) -> str:
        return _allowed(url, info, slack=False)

    @field_validator("secret")
    @classmethod
    def _is_a_secret(cls, secret: str | None) -> str | None:
        if secret is not None and (wrong := check_secret(secret)):
            raise ValueError(wrong)
        return secret

    @field_validator("headers")
    @classmethod
    def _may_be_sent(cls, headers: dict[str, str]) -> dict[str, str]:
        wrong = [found for name, value in headers.items() if (found := header_problem(name, value))]
        if wrong:
            raise ValueError("; ".join(wrong))
        return headers

    def destination(self) -> Destination:
        return Callback(
            url=Secret(self.url),
            secret=None if self.secret is None else Secret(self.secret),
            headers={name: Secret(value) for name, value in self.headers.items()},
            on=self.outcomes,
        )


class ToNamed(_ToDestination):
    type: Literal["named"]
    name: Annotated[str, StringConstraints(min_length=1, max_length=63)]

    @field_validator("name")
    @classmethod
    def _is_configured(cls, name: str, info: ValidationInfo) -> str:
        address = _context(info).named.get(name)
        if address is None:
            raise PydanticCustomError("policy_unknown_name", "There is no destination of this name")
        if not isinstance(address, SlackChannel):
            _allowed(address.url.reveal(), info, slack=isinstance(address, SlackWebhook))
        return name

    def destination(self) -> Destination:
        return Named(name=self.name, on=self.outcomes)


ToDestination: TypeAlias = Annotated[ToSlackWebhook | ToSlack | ToCallback | ToNamed, Field(discriminator="type")]


class TestBody(Body):
    """`POST /v1/destinations/test`."""

    destination: ToDestination


class BatchBody(Body):
    """`POST /v1/watches/batch`: each watch is checked by itself."""

    watches: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=100)]


class RedeliverBody(Body):
    """`POST /v1/deliveries/redeliver`: those that ended so, not before that time."""

    state: Literal["abandoned"]
    since: Annotated[datetime, Field(strict=False)]

    @field_validator("since")
    @classmethod
    def _has_a_zone(cls, since: datetime) -> datetime:
        if since.tzinfo is None:
            raise ValueError("A time needs its offset from UTC, as in 2026-11-24T09:30:00Z")
        return since


class WatchBody(Body):
    """`POST /v1/watches`."""

    import_id: ImportId
    notify: Annotated[list[ToDestination], Field(max_length=10)] = []
    workspace: Annotated[str, Field(validate_default=True)] = "default"
    label: Text | None = None
    metadata: Annotated[dict[MetadataKey, MetadataValue], Field(max_length=50)] = {}
    expires_in: Annotated[int, Field(ge=1, le=LONGEST_EXPIRY // SECOND)] | None = None

    @field_validator("import_id")
    @classmethod
    def _is_one_segment(cls, import_id: str) -> str:
        if import_id in {".", ".."}:
            raise ValueError("An import id can't be `.` or `..`: no URL can name such a thing")
        return import_id

    @field_validator("workspace")
    @classmethod
    def _is_configured(cls, workspace: str, info: ValidationInfo) -> str:
        if workspace not in _context(info).workspaces:
            raise ValueError("There is no workspace of this name, or not for you")
        return workspace


async def read_json(request: Request, *, limit: int = BODY_LIMIT) -> bytes:
    """Read the body within a limit; raises Refused with 413 or 415."""
    media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if media_type != "application/json":
        raise Refused(415, "The body must be JSON", "Send it with `Content-Type: application/json`.")
    read = bytearray()
    async for chunk in request.stream():
        read += chunk
        if len(read) > limit:
            raise Refused(413, "The body is too large", f"At most {limit // 1024} KB are read.")
    return bytes(read)


BodyT = TypeVar("BodyT", bound=Body)


def parse(body: bytes, model: type[BodyT], context: Context | None = None) -> BodyT:
    """Check a body against a model; raises Refused naming every problem: 400 for what is no JSON, else 422."""
    try:
        return model.model_validate_json(body, context=context)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        if first["type"] == "json_invalid":
            raise Refused(400, "The body is not JSON", str(first["ctx"]["error"]).capitalize() + ".") from None
        raise Refused(422, "The request is not valid", "Nothing was changed.", problems_of(error)) from None
