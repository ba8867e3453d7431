"""The types of responses, used by mypy and for the OpenAPI schemas; a later version may add fields."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field
from typing_extensions import NotRequired, TypedDict

from bridge.domain.delivery.deliveries import DeliveryState
from bridge.domain.history.wait_reasons import WaitReason
from bridge.domain.outcomes import Outcome
from bridge.domain.watches import WatchState
from bridge.web.schemas.problem_document import ProblemDocument

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
Fingerprint = Annotated[
    str,
    Field(
        description="8 characters that distinguish destinations with the same description; equal ones send to the same "
        "place. Logs have them too.",
        examples=["3f9a1c2e"],
    ),
]
DestinationType = Literal["slack", "slack_webhook", "callback", "named"]


class FailedRecordResponse(TypedDict):
    """A person who could not be imported."""

    personId: NotRequired[str]
    email: NotRequired[str]


class ReadingResponse(TypedDict):
    """The last state of an import that was read from Rally, with Rally's values."""

    importId: str
    type: Annotated[str | None, Field(description="null if Rally's value was invalid.")]
    status: Annotated[str, Field(examples=["UPLOADING", "COMPLETED", "ERROR"])]
    personCount: Annotated[int | None, Field(description="null if Rally's value was invalid.")]
    failedRecordCount: Annotated[
        int,
        Field(
            description="The number of all failed records; `failedRecords` contains at most 100. "
            "`GET /v1/watches/{id}/failed-records` returns all."
        ),
    ]
    failedRecords: Annotated[list[FailedRecordResponse], Field(max_length=100)]
    updatedAt: str | None


class WatchedDestinationResponse(TypedDict):
    """A destination of a watch, without its secrets, and the outcomes that it receives."""

    type: DestinationType
    destination: Annotated[str, Field(description="The destination without its secrets.")]
    fingerprint: Fingerprint
    on: Annotated[
        Literal["always", "problems"] | list[Outcome],
        Field(description="The outcomes that it receives: `always`, `problems`, or a list."),
    ]


class DeliveryResponse(TypedDict):
    """One message to one destination."""

    id: Annotated[str, Field(examples=["dlv_01kb2x3v8mrd4hz0c7w9t5qfyn0"])]
    type: DestinationType
    destination: Annotated[str, Field(description="The destination without its secrets.")]
    fingerprint: Fingerprint
    state: DeliveryState
    attempts: int
    nextAttemptAt: Time | None
    retriesUntil: Annotated[
        Time | None,
        Field(
            description="The time after which a pending delivery is abandoned, unless its retries are used up earlier."
        ),
    ]
    lastReason: str | None
    endedAt: Time | None


class AttemptResponse(TypedDict):
    """One attempt to send a delivery."""

    number: int
    at: Time
    tookMs: int
    status: int | None
    reason: str | None
    answer: Annotated[
        str,
        Field(
            description="The first 500 characters of the receiver's answer, without the destination's secrets. For a "
            "named destination, it is empty except for admins."
        ),
    ]


class ListedDeliveryResponse(DeliveryResponse):
    """A delivery with the id of its watch; null for a notice, and for a message about several imports."""

    watchId: str | None


class DeliveryWithLogResponse(ListedDeliveryResponse):
    """A delivery with its last 50 attempts, newest first."""

    log: Annotated[list[AttemptResponse], Field(max_length=50)]


class LastPollResponse(TypedDict):
    """What the last poll of the import found."""

    at: Time
    status: Annotated[int | None, Field(description="Rally's HTTP status, null without a complete answer.")]
    meaning: Annotated[str, Field(description="What the answer means for the watch, in words.")]


class WaitingForResponse(TypedDict):
    """What a watch waits for."""

    reason: Annotated[
        WaitReason,
        Field(
            description="Of an open watch: `next_poll`; `budget` (Rally's rate limit, or our share of it, is used up); "
            "`rally_pause` (Rally answered 429); `rally_down`; `key_refused`; `imports_vanished`; `workspace_unknown` "
            "(not configured any more); `settling`. Of a settled one: `sending`; `retry`; `retry_after` (the receiver "
            "asked to wait); `precedence` (a rule's message is held); `digest`. Of both: `no_worker`; `replicas` "
            "(too few replicas of Redis have confirmed the outcome, or are connected); `redis_full`."
        ),
    ]
    since: Time | None
    until: Annotated[Time | None, Field(description="null if it is not known.")]
    detail: Annotated[str, Field(description="The same in a sentence.")]


WithReading = TypedDict("WithReading", {"import": ReadingResponse | None})
"""The field `import`, which cannot be written in a class, because it is a Python keyword."""


class WatchResponse(WithReading):
    """A watch with the last known state of its import, and its deliveries."""

    id: Annotated[str, Field(examples=["wat_01kb2x3v8mrd4hz0c7w9t5qfyn"])]
    importId: str
    workspace: str
    state: WatchState
    outcome: Outcome | None
    reason: Annotated[
        str | None,
        Field(description="Details of the outcome, or the last problem with polling while the watch is open."),
    ]
    warning: Annotated[
        str | None,
        Field(description="A sentence about an import that completed with 0 people; otherwise null."),
    ]
    polls: int
    lastPolledAt: Time | None
    lastPoll: LastPollResponse | None
    nextPollAt: Annotated[
        Time | None,
        Field(
            description="The earliest time of the next poll, after all pauses that are known now; null if nothing is "
            "polled. The answer to a POST does not look up pauses."
        ),
    ]
    waitingFor: Annotated[
        WaitingForResponse | None,
        Field(description="null if nothing is left to be done: the watch has ended, and so have its deliveries."),
    ]
    label: str | None
    metadata: dict[str, Any]
    createdBy: Annotated[str, Field(description="The name of the client that created the watch.")]
    createdAt: Time
    expiresAt: Time
    nudgeAfter: Annotated[
        int | None, Field(description="Seconds after which Slack is told that the import still runs; null: not at all.")
    ]
    settledAt: Time | None
    notify: Annotated[list[WatchedDestinationResponse], Field(description="The destinations of its outcome.")]
    deliveries: list[DeliveryResponse]


EventData: TypeAlias = WatchResponse | ReadingResponse | LastPollResponse | WaitingForResponse | DeliveryResponse
"""The data of the events of a watch's stream."""


class WatchesResponse(TypedDict):
    """A page of watches, newest first. `nextCursor` is the cursor of the next page, null on the last one.

    With `importId`, a page may contain fewer than `limit` watches although more follow.
    """

    data: list[WatchResponse]
    nextCursor: str | None


class FailedRecordsResponse(TypedDict):
    """A page of the failed records of an import. `nextCursor` is the cursor of the next page, null on the last one."""

    importId: str
    status: Annotated[
        str, Field(description="Rally's status of the import. Unless it has ended, more records may follow.")
    ]
    failedRecordCount: Annotated[
        int, Field(description="The number of all failed records, also of those without id and e-mail address.")
    ]
    data: Annotated[list[FailedRecordResponse], Field(max_length=1000)]
    nextCursor: str | None


class DeliveriesResponse(TypedDict):
    """A page of deliveries, newest first. `nextCursor` is the cursor of the next page, null on the last one."""

    data: list[ListedDeliveryResponse]
    nextCursor: str | None


class AcceptedResponse(TypedDict):
    """A watch of a batch that was accepted."""

    status: Literal[202]
    watch: WatchResponse


class RefusedResponse(TypedDict):
    """A watch of a batch that was refused, with the problem."""

    status: int
    problem: ProblemDocument


class BatchResponse(TypedDict):
    """A result for each watch, in the order of the request."""

    results: list[AcceptedResponse | RefusedResponse]


class RedeliveredResponse(TypedDict):
    """The number of deliveries to be sent again. If `more` is true, some may be left: repeat it with `until`."""

    redelivered: int
    more: bool
    until: Time


class SecretsResponse(TypedDict):
    """The secrets that sign a client's callbacks, newest first."""

    client: str
    secrets: list[str]


class KeysResponse(TypedDict):
    """The ed25519 public keys that verify a client's callbacks, newest first."""

    client: str
    keys: list[str]
