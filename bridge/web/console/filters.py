"""The filters of the lists of the console, as their forms send them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from bridge.domain.delivery.deliveries import DeliveryState
from bridge.domain.outcomes import Outcome
from bridge.domain.times import SECOND, Moment
from bridge.domain.watches import WatchState
from bridge.web.requests.query import Query
from bridge.web.schemas.import_id import ImportId
from bridge.web.schemas.watches import Text

PAGE_SIZE = 50
NOT_SHOWN = {"cursor", "done", "sent"}
"""What a page is asked for besides the fields of its form."""


def _in_utc(value: Any) -> Any:
    """Return the moment of a time as a form sends it, `2026-11-24T03:37`, which is in UTC."""
    if isinstance(value, str):
        return int(datetime.fromisoformat(value).replace(tzinfo=UTC).timestamp() * SECOND)
    return value


def in_utc(moment: Moment) -> str:
    """Return a moment as such a form sends it, with its milliseconds."""
    return datetime.fromtimestamp(moment / SECOND, UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")


Time = Annotated[Moment, Field(ge=0), BeforeValidator(_in_utc)]
ClientName = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class Filter(Query):
    """The filter of a list. A field that was left empty is not wanted."""

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, values: dict[str, str]) -> dict[str, str]:
        return {name: text.strip() for name, text in values.items() if text.strip()}

    def as_sent(self, sent: Mapping[str, str]) -> dict[str, str]:
        """Return each field as it was sent, to be shown in the form and sent again for another page."""
        names = [str(field.alias) for field in type(self).model_fields.values()]
        return {name: sent.get(name, "") for name in names if name not in NOT_SHOWN}


class WatchesFilter(Filter):
    import_id: ImportId | None = None
    label: Text | None = None
    client: ClientName | None = None
    state: WatchState | None = None
    outcome: Outcome | None = None
    undelivered: Literal["true"] | None = None
    """Only watches with a delivery that is pending or abandoned."""
    since: Time | None = None
    until: Time | None = None
    cursor: Annotated[str, StringConstraints(pattern=r"^wat_[0-9a-z]{1,40}$")] | None = None


class DeliveriesFilter(Filter):
    client: ClientName | None = None
    state: DeliveryState | None = None
    destination: Text | None = None
    reason: Text | None = None
    done: str | None = None
    cursor: Annotated[str, StringConstraints(pattern=r"^dlv_[0-9a-z]{1,40}$")] | None = None


class RedeliveryFilter(Filter):
    """Which abandoned deliveries are sent again."""

    since: Time | None = None
    until: Time | None = None
    destination: Text | None = None
    reason: Text | None = None
    sent: Annotated[int, Field(ge=0)] | None = None


class OverviewFilter(Filter):
    period: Literal["1 h", "24 h", "7 d"] = "1 h"
    until: Time | None = None


class EventsFilter(Filter):
    """Which changes a page hears of: all, or those of a watch."""

    watch: Annotated[str, StringConstraints(pattern=r"^wat_[0-9a-z]{1,40}$")] | None = None
