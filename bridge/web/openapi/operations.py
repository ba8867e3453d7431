"""The operations of the OpenAPI description: the models, refusals and examples of each endpoint."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from bridge.web.endpoints import (
    deliveries,
    destinations,
    events,
    failed_records,
    health,
    history,
    metrics,
    pushes,
    signing,
    watches,
)
from bridge.web.openapi import examples
from bridge.web.refusals import Refusal
from bridge.web.requests.query import (
    CsvQuery,
    DeliveriesQuery,
    FailedRecordsQuery,
    SigningQuery,
    WaitQuery,
    WatchesQuery,
)
from bridge.web.routing import Endpoint
from bridge.web.schemas import destination_responses, health_responses, responses
from bridge.web.schemas.history_responses import HistoryResponse
from bridge.web.schemas.pushes import PushBody
from bridge.web.schemas.redeliver import RedeliverBody
from bridge.web.schemas.send_test import TestBody
from bridge.web.schemas.watches import BatchBody, WatchBody

COMMON_REFUSALS = (
    Refusal.DUPLICATE_HEADER,
    Refusal.MISSING_API_KEY,
    Refusal.INVALID_API_KEY,
    Refusal.INVALID_QUERY,
    Refusal.RATE_LIMITED,
    Refusal.TOO_MANY_INVALID_KEYS,
    Refusal.INTERNAL_ERROR,
    Refusal.SERVICE_UNAVAILABLE,
)
BODY_REFUSALS = (
    Refusal.INVALID_JSON,
    Refusal.REQUEST_TIMEOUT,
    Refusal.PAYLOAD_TOO_LARGE,
    Refusal.UNSUPPORTED_MEDIA_TYPE,
    Refusal.VALIDATION_FAILED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """The description of an endpoint, except for its summary, which is the endpoint's docstring."""

    name: str
    tag: str
    response: Any = None
    """The type of the response; None if it has no body."""
    answer: str = ""
    """The description of the response; without it, the docstring of its type."""
    status: int = 200
    media_type: str = "application/json"
    other_media: Mapping[str, str] = field(default_factory=dict)
    """Other media types of the response, which are text, and an example of each."""
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    refuses: tuple[Refusal, ...] = ()
    """The refusals of this operation, in addition to those of every request or body."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """The response's headers and their descriptions."""
    sends: Mapping[str, str] = field(default_factory=dict)
    """The headers that the request must have, and their descriptions."""
    idempotent: bool = False
    """Whether it accepts an Idempotency-Key."""
    public: bool = False
    not_ready: bool = False
    """Whether the response may also have the status 503."""
    example: Any = None
    """An example of the body."""
    response_example: Any = None
    """An example of the response."""

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        if self.public:
            return (Refusal.BAD_REQUEST, *self.refuses)
        key = (Refusal.INVALID_IDEMPOTENCY_KEY, Refusal.IDEMPOTENCY_KEY_REUSED) if self.idempotent else ()
        body = BODY_REFUSALS if self.body else ()
        return (*COMMON_REFUSALS, *body, *key, *self.refuses)


RECORD_REFUSALS = (
    Refusal.WATCH_NOT_FOUND,
    Refusal.IMPORT_NOT_READ,
    Refusal.FAILED_RECORDS_CHANGED,
    Refusal.DECRYPTION_FAILED,
)
REPLAYED = {"Idempotent-Replayed": "`true` if this is the response to an earlier request with the same key."}
WATCHES, DELIVERIES, DESTINATIONS = "Watches", "Deliveries", "Destinations"
SIGNING, PUSHES, OPERATIONS = "Signing", "Pushes", "Operations"
TAGS: Mapping[str, str] = {
    WATCHES: "Requests to report how one import ends.",
    DELIVERIES: "The messages about ended watches, one for each destination, and the attempts to send them.",
    DESTINATIONS: "Where messages may be sent: the operator's named destinations, and a test of any destination.",
    SIGNING: "The secrets and public keys with which a receiver verifies callbacks.",
    PUSHES: "What Rally sends when an import ended. It is signed and needs no key.",
    OPERATIONS: "Health and metrics, for monitoring. They need no key.",
}

OPERATION_OF: Mapping[Endpoint, Operation] = {
    watches.create: Operation(
        name="createWatch",
        tag=WATCHES,
        status=202,
        body=WatchBody,
        response=responses.WatchResponse,
        idempotent=True,
        headers={"Location": "The path of the watch.", **REPLAYED},
        example=examples.WATCH,
        response_example=examples.ACCEPTED,
    ),
    watches.create_many: Operation(
        name="createWatches",
        tag=WATCHES,
        body=BatchBody,
        response=responses.BatchResponse,
        idempotent=True,
        example=examples.BATCH,
    ),
    watches.pages: Operation(name="listWatches", tag=WATCHES, query=WatchesQuery, response=responses.WatchesResponse),
    watches.show: Operation(
        name="getWatch",
        tag=WATCHES,
        query=WaitQuery,
        response=responses.WatchResponse,
        response_example=examples.SETTLED,
        refuses=(Refusal.WATCH_NOT_FOUND, Refusal.DECRYPTION_FAILED),
    ),
    watches.cancel: Operation(
        name="cancelWatch",
        tag=WATCHES,
        response=responses.WatchResponse,
        refuses=(Refusal.WATCH_NOT_FOUND, Refusal.WATCH_ALREADY_SETTLED, Refusal.DECRYPTION_FAILED),
    ),
    failed_records.show: Operation(
        name="listFailedRecords",
        tag=WATCHES,
        query=FailedRecordsQuery,
        response=responses.FailedRecordsResponse,
        response_example=examples.FAILED_RECORDS,
        other_media={"text/csv": examples.FAILED_RECORDS_CSV},
        refuses=(*RECORD_REFUSALS, Refusal.NOT_ACCEPTABLE),
    ),
    failed_records.csv_file: Operation(
        name="downloadFailedRecords",
        tag=WATCHES,
        query=CsvQuery,
        response=str,
        answer="The failed records as CSV, with a header.",
        media_type="text/csv",
        response_example=examples.FAILED_RECORDS_CSV,
        headers={"Content-Disposition": "The name of the file."},
        refuses=RECORD_REFUSALS,
    ),
    history.show: Operation(
        name="getHistory",
        tag=WATCHES,
        response=HistoryResponse,
        response_example=examples.HISTORY,
        refuses=(Refusal.WATCH_NOT_FOUND, Refusal.DECRYPTION_FAILED),
    ),
    events.stream: Operation(
        name="followWatch",
        tag=WATCHES,
        response=responses.EventData,
        answer="Server-sent events. The `data` of a `watch` or `outcome` event is the watch, that of a `reading` the "
        "import, that of a `poll` what the last poll found, that of a `waiting` what the watch waits for, and that of "
        "a `delivery` the delivery.",
        media_type="text/event-stream",
        refuses=(Refusal.WATCH_NOT_FOUND, Refusal.DECRYPTION_FAILED),
    ),
    deliveries.pages: Operation(
        name="listDeliveries", tag=DELIVERIES, query=DeliveriesQuery, response=responses.DeliveriesResponse
    ),
    deliveries.show: Operation(
        name="getDelivery",
        tag=DELIVERIES,
        response=responses.DeliveryWithLogResponse,
        refuses=(Refusal.DELIVERY_NOT_FOUND, Refusal.DECRYPTION_FAILED),
    ),
    deliveries.redeliver: Operation(
        name="redeliver",
        tag=DELIVERIES,
        status=202,
        response=responses.ListedDeliveryResponse,
        refuses=(
            Refusal.FORBIDDEN,
            Refusal.DELIVERY_NOT_FOUND,
            Refusal.DELIVERY_SKIPPED,
            Refusal.DELIVERY_PENDING,
            Refusal.DECRYPTION_FAILED,
        ),
    ),
    deliveries.redeliver_many: Operation(
        name="redeliverMany",
        tag=DELIVERIES,
        status=202,
        body=RedeliverBody,
        response=responses.RedeliveredResponse,
        example=examples.REDELIVER,
    ),
    destinations.list_named: Operation(
        name="listNamedDestinations",
        tag=DESTINATIONS,
        response=destination_responses.NamedDestinationsResponse,
        response_example=examples.NAMED_DESTINATIONS,
    ),
    destinations.test: Operation(
        name="testDestination",
        tag=DESTINATIONS,
        body=TestBody,
        response=destination_responses.TestResponse,
        refuses=(Refusal.DESTINATION_BUSY,),
        example=examples.TEST,
    ),
    signing.secrets: Operation(
        name="getSigningSecrets", tag=SIGNING, query=SigningQuery, response=responses.SecretsResponse
    ),
    signing.public_keys: Operation(
        name="getSigningKeys", tag=SIGNING, query=SigningQuery, response=responses.KeysResponse
    ),
    pushes.receive: Operation(
        name="receivePush",
        tag=PUSHES,
        status=204,
        answer="Recorded; not sent again.",
        body=PushBody,
        example=examples.PUSH,
        sends={
            "svix-id": "The id of the message; repetitions have the same id.",
            "svix-timestamp": "The time of sending, in seconds since 1970.",
            "svix-signature": "`v1,…` for each secret of the endpoint.",
        },
        public=True,
        refuses=(
            Refusal.PUSH_NOT_SIGNED,
            Refusal.PUSH_UNREADABLE,
            Refusal.PUSHES_NOT_RECEIVED,
            Refusal.REQUEST_TIMEOUT,
            Refusal.PAYLOAD_TOO_LARGE,
            Refusal.INTERNAL_ERROR,
            Refusal.SERVICE_UNAVAILABLE,
        ),
    ),
    health.healthz: Operation(name="alive", tag=OPERATIONS, response=health_responses.AliveResponse, public=True),
    health.readyz: Operation(
        name="ready", tag=OPERATIONS, response=health_responses.ReadyResponse, public=True, not_ready=True
    ),
    metrics.show: Operation(
        name="metrics",
        tag=OPERATIONS,
        response=str,
        answer="The metrics in the text format of Prometheus.",
        media_type="text/plain",
        public=True,
        refuses=(Refusal.INTERNAL_ERROR, Refusal.SERVICE_UNAVAILABLE),
    ),
}
