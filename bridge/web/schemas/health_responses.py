"""The answers about the health of the bridge and its processes."""

from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from bridge.web.schemas.responses import Time


class AliveResponse(TypedDict):
    """The process responds."""

    status: Literal["alive"]


class ProcessResponse(TypedDict):
    """A process that was alive within the last seconds."""

    id: Annotated[str, Field(description="The id of this run of the process.")]
    host: str
    version: str
    startedAt: Time
    lastSeenAt: Time


class LoadResponse(TypedDict):
    """What a worker did when it was last seen, and how much of it it may do at once."""

    polls: Annotated[int, Field(description="The imports that it polled, or had claimed to poll next.")]
    pollPlaces: int
    deliveries: Annotated[int, Field(description="The messages that it sent.")]
    deliveryPlaces: int


class WorkerResponse(ProcessResponse):
    """A worker that was alive within the last seconds."""

    load: Annotated[LoadResponse | None, Field(description="null if the worker does not say it.")]


class ReadyResponse(TypedDict):
    """The answer of `/readyz`: `ready` if watches can be accepted, which needs Redis but no worker.

    `workers` lists those that are alive; without any, nothing is polled or sent.
    """

    status: Literal["ready", "not ready"]
    redis: str
    workers: NotRequired[list[WorkerResponse]]
    apis: NotRequired[Annotated[list[ProcessResponse], Field(description="The processes of the API.")]]
    warnings: NotRequired[
        Annotated[list[str], Field(description="Problems of the Redis configuration that may lose data later.")]
    ]
