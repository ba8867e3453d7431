"""What calls answer, as types: mypy holds the code to them, and /openapi.json is made of them."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, with_config
from typing_extensions import NotRequired, TypedDict

from bridge.domain.deliveries import DeliveryState
from bridge.domain.notices import OPERATOR
from bridge.domain.notifications import TYPES
from bridge.domain.outcomes import Outcome
from bridge.domain.watches import WatchState

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
DestinationType = Literal["slack", "slack_webhook", "callback", "named"]
NotificationType = Annotated[str, Field(json_schema_extra={"enum": sorted(TYPES.values())})]

whole = with_config(ConfigDict(extra="forbid"))
"""Nothing is answered that is not named here."""


@whole
class FailedRecordResponse(TypedDict):
    """A person that Rally could not import."""

    personId: NotRequired[str]
    email: NotRequired[str]


@whole
class ReadingResponse(TypedDict):
    """What Rally said last of an import, in Rally's own words."""

    importId: str
    type: Annotated[str | None, Field(description="null where Rally's answer made no sense here.")]
    status: Annotated[str, Field(examples=["UPLOADING", "COMPLETED", "ERROR"])]
    personCount: Annotated[int | None, Field(description="null where Rally's answer made no sense here.")]
    failedRecordCount: Annotated[int, Field(description="All of them; `failedRecords` holds 100 at most.")]
    failedRecords: Annotated[list[FailedRecordResponse], Field(max_length=100)]
    updatedAt: str | None


@whole
class DeliveryResponse(TypedDict):
    """One message owed to one destination."""

    id: Annotated[str, Field(examples=["dlv_01kb2x3v8mrd4hz0c7w9t5qfyn0"])]
    type: DestinationType
    destination: Annotated[str, Field(description="Where it goes, without what is secret in it.")]
    state: DeliveryState
    attempts: int
    nextAttemptAt: Time | None
    lastReason: str | None
    endedAt: Time | None


@whole
class AttemptResponse(TypedDict):
    """One request that was made for a delivery."""

    number: int
    at: Time
    tookMs: int
    status: int | None
    reason: str | None
    answer: Annotated[
        str,
        Field(
            description="The first 500 characters of what was answered, without the destination's own secrets; of a "
            "named destination for admins alone, and empty for others."
        ),
    ]


@whole
class ListedDeliveryResponse(DeliveryResponse):
    """A delivery by itself; a notice to the operator belongs to no watch."""

    watchId: str | None


@whole
class DeliveryWithLogResponse(ListedDeliveryResponse):
    """A delivery with its last 50 attempts, newest first."""

    log: Annotated[list[AttemptResponse], Field(max_length=50)]


_WithReading = TypedDict("_WithReading", {"import": ReadingResponse | None})
"""A word of Python's can't stand in a class."""


@whole
class WatchResponse(_WithReading):
    """A watch, with what is known of its import and with its deliveries."""

    id: Annotated[str, Field(examples=["wat_01kb2x3v8mrd4hz0c7w9t5qfyn"])]
    importId: str
    workspace: str
    state: WatchState
    outcome: Outcome | None
    reason: Annotated[
        str | None,
        Field(
            description="Why, where the outcome alone does not tell; of an open watch, what Rally last answered amiss."
        ),
    ]
    polls: int
    lastPolledAt: Time | None
    nextPollAt: Annotated[
        Time | None,
        Field(
            description="The earliest moment of the next poll; one that has passed: as soon as the rate limit allows."
        ),
    ]
    label: str | None
    metadata: dict[str, Any]
    createdBy: Annotated[str, Field(description="The name of the client that made it.")]
    createdAt: Time
    expiresAt: Time
    settledAt: Time | None
    deliveries: list[DeliveryResponse]


@whole
class WatchesResponse(TypedDict):
    """A page of watches, newest first; `nextCursor` leads to the next one, null at the end.

    Of one import it may hold fewer than `limit` though more follow.
    """

    data: list[WatchResponse]
    nextCursor: str | None


@whole
class DeliveriesResponse(TypedDict):
    """A page of deliveries, newest first; `nextCursor` leads to the next one, null at the end."""

    data: list[ListedDeliveryResponse]
    nextCursor: str | None


CODES = (
    *("metadata", "unspecified", "private", "shared", "loopback", "link_local", "reserved", "documentation"),
    *("multicast", "embedded_ipv4", "port", "url", "host", "scheme", "userinfo", "fragment"),
    *("slack_workflow", "not_slack", "slack_host", "no_slack_bot", "forbidden", "invalid_secret", "invalid_header"),
    *("unknown_name", "unknown_workspace", "invalid_import_id"),
)
"""What our rules refuse a field for; the tests hold them to the rules."""
_CODE = (
    f"A name that stays, where a rule of ours refuses it: {', '.join(f'`{code}`' for code in CODES)}; more may come."
)


@whole
class ErrorResponse(TypedDict):
    """One thing wrong with a request."""

    pointer: Annotated[str, Field(description="A JSON pointer into the body, or `?name` of the query.")]
    detail: str
    code: NotRequired[Annotated[str, Field(description=_CODE)]]


MOST_ERRORS = 100
"""In one problem document: a body of nothing but faults is not answered with one much larger than itself."""


@whole
class ProblemDocument(TypedDict):
    """A problem document (RFC 9457): `type` leads to what it means, `errors` names everything that is wrong."""

    type: Annotated[str, Field(json_schema_extra={"format": "uri-reference"})]
    title: str
    status: int
    detail: NotRequired[str]
    errors: NotRequired[Annotated[list[ErrorResponse], Field(max_length=MOST_ERRORS)]]
    errorCount: NotRequired[
        Annotated[
            int, Field(description=f"All of them, where there are more than the {MOST_ERRORS} that `errors` holds.")
        ]
    ]


@whole
class AcceptedResponse(TypedDict):
    """A watch of a batch that was accepted."""

    status: Literal[202]
    watch: WatchResponse


@whole
class RefusedResponse(TypedDict):
    """A watch of a batch that was refused, and why."""

    status: int
    problem: ProblemDocument


@whole
class BatchResponse(TypedDict):
    """A result for each watch, in the order in which they were asked for."""

    results: list[AcceptedResponse | RefusedResponse]


@whole
class RedeliveredResponse(TypedDict):
    """How many deliveries are owed again; `more`: some may be left, call again."""

    redelivered: int
    more: bool


@whole
class TestResponse(TypedDict):
    """What came of a test message."""

    type: DestinationType
    destination: str
    verdict: Literal["accepted", "deferred", "rejected"]
    reason: str | None
    status: Annotated[int | None, Field(description="The receiver's HTTP status, where it answered.")]
    tookMs: int


@whole
class SecretsResponse(TypedDict):
    """The secrets that sign a client's callbacks, newest first."""

    client: str
    secrets: list[str]


@whole
class KeysResponse(TypedDict):
    """The ed25519 public keys that verify a client's callbacks, newest first."""

    client: str
    keys: list[str]


@whole
class AliveResponse(TypedDict):
    """That the process answers."""

    status: Literal["alive"]


@whole
class ReadyResponse(TypedDict):
    """Whether watches can be accepted; `workers` tells whether one was seen of late."""

    status: Literal["ready", "not ready"]
    redis: str
    workers: NotRequired[Literal["seen", "none seen"]]
    warnings: NotRequired[
        Annotated[list[str], Field(description="What may go wrong with Redis, though all works now.")]
    ]


@whole
class OutcomeData(_WithReading):
    """The watch that has ended, and how."""

    client: Annotated[str, Field(description="The name of the client that it is for.")]
    watchId: str
    workspace: str
    importId: str
    label: str | None
    metadata: dict[str, Any]
    outcome: Outcome
    reason: str | None


@whole
class NotificationSent(TypedDict):
    """What a callback receives when a watch has ended."""

    type: NotificationType
    timestamp: Time
    data: OutcomeData


class NoticeData(TypedDict):
    """What happened, in words and by name."""

    client: Annotated[str, Field(description=f"The name of the client that it is for; `{OPERATOR}`: a notice.")]
    text: str


@whole
class NoticeSent(TypedDict):
    """What a callback receives that is no outcome: a test, or a notice to the operator."""

    type: str
    timestamp: Time
    data: NoticeData
