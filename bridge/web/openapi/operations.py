"""What each call takes and gives: the models that check and type it, named once for its description."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from bridge.errors import Refusal
from bridge.web import deliveries, destinations, events, health, metrics, signing, watches
from bridge.web.openapi import examples
from bridge.web.query import DeliveriesQuery, SigningQuery, WaitQuery, WatchesQuery
from bridge.web.routing import Endpoint
from bridge.web.schemas import responses
from bridge.web.schemas.watches import BatchBody, RedeliverBody, TestBody, WatchBody

OF_EVERY_CALL = (
    Refusal.DUPLICATE_HEADER,
    Refusal.MISSING_API_KEY,
    Refusal.INVALID_API_KEY,
    Refusal.INVALID_QUERY,
    Refusal.RATE_LIMITED,
    Refusal.TOO_MANY_INVALID_KEYS,
    Refusal.INTERNAL_ERROR,
    Refusal.SERVICE_UNAVAILABLE,
)
OF_A_BODY = (
    Refusal.INVALID_JSON,
    Refusal.REQUEST_TIMEOUT,
    Refusal.PAYLOAD_TOO_LARGE,
    Refusal.UNSUPPORTED_MEDIA_TYPE,
    Refusal.VALIDATION_FAILED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A call as its description has it; its words are the endpoint's docstring."""

    name: str
    tag: str
    gives: Any
    """The type of the answer, as JSON unless `media_type` says otherwise."""
    status: int = 200
    media_type: str = "application/json"
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    refuses: tuple[Refusal, ...] = ()
    """What it refuses beside what every call or body may be refused for."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers of the answer, and what they mean."""
    repeatable: bool = False
    """Whether an Idempotency-Key makes it safe to send again."""
    for_anyone: bool = False
    not_ready: bool = False
    """Whether the answer may also come with 503."""
    example: Any = None
    """Of the body."""
    shows: Any = None
    """An example of the answer."""

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        if self.for_anyone:
            return self.refuses
        key = (Refusal.INVALID_IDEMPOTENCY_KEY, Refusal.IDEMPOTENCY_KEY_REUSED) if self.repeatable else ()
        body = OF_A_BODY if self.body else ()
        return (*OF_EVERY_CALL, *body, *key, *self.refuses)


REPLAYED = {"Idempotent-Replayed": "`true` where this is the answer to an earlier request with the same key."}
WATCHES, DELIVERIES, DESTINATIONS = "Watches", "Deliveries", "Destinations"
SIGNING, OPERATIONS = "Signing", "Operations"

CALLS: Mapping[Endpoint, Operation] = {
    watches.create: Operation(
        name="createWatch",
        tag=WATCHES,
        status=202,
        body=WatchBody,
        gives=responses.WatchResponse,
        repeatable=True,
        headers={"Location": "Where the watch is.", **REPLAYED},
        example=examples.WATCH,
        shows=examples.ACCEPTED,
    ),
    watches.create_many: Operation(
        name="createWatches",
        tag=WATCHES,
        body=BatchBody,
        gives=responses.BatchResponse,
        repeatable=True,
        example=examples.BATCH,
    ),
    watches.pages: Operation(name="listWatches", tag=WATCHES, query=WatchesQuery, gives=responses.WatchesResponse),
    watches.show: Operation(
        name="getWatch",
        tag=WATCHES,
        query=WaitQuery,
        gives=responses.WatchResponse,
        shows=examples.SETTLED,
        refuses=(Refusal.WATCH_NOT_FOUND, Refusal.DECRYPTION_FAILED),
    ),
    watches.cancel: Operation(
        name="cancelWatch",
        tag=WATCHES,
        gives=responses.WatchResponse,
        refuses=(Refusal.WATCH_NOT_FOUND, Refusal.WATCH_ALREADY_SETTLED, Refusal.DECRYPTION_FAILED),
    ),
    events.stream: Operation(
        name="followWatch",
        tag=WATCHES,
        gives=str,
        media_type="text/event-stream",
        refuses=(Refusal.WATCH_NOT_FOUND, Refusal.DECRYPTION_FAILED),
    ),
    deliveries.pages: Operation(
        name="listDeliveries", tag=DELIVERIES, query=DeliveriesQuery, gives=responses.DeliveriesResponse
    ),
    deliveries.show: Operation(
        name="getDelivery",
        tag=DELIVERIES,
        gives=responses.DeliveryWithLogResponse,
        refuses=(Refusal.DELIVERY_NOT_FOUND, Refusal.DECRYPTION_FAILED),
    ),
    deliveries.redeliver: Operation(
        name="redeliver",
        tag=DELIVERIES,
        status=202,
        gives=responses.ListedDeliveryResponse,
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
        gives=responses.RedeliveredResponse,
        example=examples.REDELIVER,
    ),
    destinations.test: Operation(
        name="testDestination",
        tag=DESTINATIONS,
        body=TestBody,
        gives=responses.TestResponse,
        refuses=(Refusal.DESTINATION_BUSY,),
        example=examples.TEST,
    ),
    signing.secrets: Operation(
        name="getSigningSecrets", tag=SIGNING, query=SigningQuery, gives=responses.SecretsResponse
    ),
    signing.keys: Operation(name="getSigningKeys", tag=SIGNING, query=SigningQuery, gives=responses.KeysResponse),
    health.healthz: Operation(name="alive", tag=OPERATIONS, gives=responses.AliveResponse, for_anyone=True),
    health.readyz: Operation(
        name="ready", tag=OPERATIONS, gives=responses.ReadyResponse, for_anyone=True, not_ready=True
    ),
    metrics.show: Operation(
        name="metrics",
        tag=OPERATIONS,
        gives=str,
        media_type="text/plain",
        for_anyone=True,
        refuses=(Refusal.INTERNAL_ERROR, Refusal.SERVICE_UNAVAILABLE),
    ),
}
