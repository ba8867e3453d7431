"""The types of responses about destinations."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from bridge.web.schemas.responses import DestinationType, Fingerprint


class NamedDestinationResponse(TypedDict):
    """A destination that the operator configured; `notify` takes it by its name."""

    name: Annotated[str, Field(examples=["research-ops"])]
    type: Annotated[DestinationType, Field(description="The type of the destination at present.")]


class NamedDestinationsResponse(TypedDict):
    """All named destinations that the client may use, sorted by name."""

    data: list[NamedDestinationResponse]


class TestResponse(TypedDict):
    """The result of a test message."""

    type: DestinationType
    destination: str
    fingerprint: Fingerprint
    verdict: Literal["accepted", "deferred", "rejected"]
    reason: str | None
    status: Annotated[int | None, Field(description="The receiver's HTTP status, null if it did not answer.")]
    tookMs: int
