"""The types of the messages that are sent to callbacks, used by mypy and for the OpenAPI schemas."""

from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from bridge.domain.notices.notices import OPERATOR
from bridge.domain.notifications import TYPES
from bridge.domain.outcomes import Outcome
from bridge.web.schemas.responses import Time, WithReading

NotificationType = Annotated[str, Field(json_schema_extra={"enum": sorted(TYPES.values())})]


class OutcomeData(WithReading):
    """A watch that has ended, and its outcome."""

    client: Annotated[str, Field(description="The name of the client that receives it.")]
    watchId: str
    workspace: str
    importId: str
    label: str | None
    metadata: dict[str, Any]
    outcome: Outcome
    reason: str | None
    warning: Annotated[
        str | None, Field(description="A sentence about an import that completed with 0 people; otherwise null.")
    ]


class NotificationSent(TypedDict):
    """The body of a callback when a watch has ended."""

    type: NotificationType
    timestamp: Time
    data: OutcomeData


class NoticeData(TypedDict):
    """The text of a test or a notice."""

    client: Annotated[str, Field(description=f"The name of the client that receives it; `{OPERATOR}` for a notice.")]
    text: str


class NoticeSent(TypedDict):
    """The body of a callback for a test, a notice to the operator, or several imports of a rule or a batch."""

    type: str
    timestamp: Time
    data: NoticeData
