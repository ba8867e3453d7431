"""The types of the history of a watch."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from bridge.domain.history import HistoryKind
from bridge.web.schemas.responses import Time, WaitingForResponse


class HistoryEntryResponse(TypedDict):
    """One thing that happened to a watch."""

    at: Time
    kind: HistoryKind
    text: Annotated[str, Field(description="What happened, in a sentence.")]


class HistoryResponse(TypedDict):
    """What happened to a watch, oldest first, and what it amounts to."""

    watchId: str
    summary: Annotated[str, Field(description="What became of the watch, and of each message, in sentences.")]
    waitingFor: WaitingForResponse | None
    advice: Annotated[list[str], Field(description="What can be done, in sentences; empty if there is nothing to do.")]
    data: Annotated[
        list[HistoryEntryResponse],
        Field(max_length=200, description="A longer history has its first 50 and its last entries."),
    ]
