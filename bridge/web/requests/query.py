"""Query strings: a model for each endpoint that has parameters, and their validation."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails, PydanticCustomError
from starlette.requests import Request

from bridge.domain.clients import RULE_PREFIX
from bridge.domain.delivery.deliveries import DeliveryState
from bridge.domain.notices.notices import OPERATOR
from bridge.domain.outcomes import Outcome
from bridge.domain.watches import WatchState
from bridge.pydantic_findings import findings
from bridge.settings.parsers import NAME
from bridge.web.refusals import Problem, Refusal, Refused
from bridge.web.requests.request_problems import count_problems, problems_of
from bridge.web.schemas.import_id import ImportId

MAX_PAGE = 100
MAX_RECORDS = 1000
MAX_WAIT = 60
CURSORS = "(wat|dlv)_[0-9a-z]{1,40}|[0-9a-f]{16}_[1-9][0-9]{0,6}"
"""The forms of cursors: the last id of a page, or a set of failed records and a place in it."""
CURSOR = "The `nextCursor` of the previous page."


class Query(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, validate_by_name=False)


def _digits(value: Any) -> Any:
    """Reject spellings of numbers that pydantic accepts: `1_0`, `+1`, ` 1`."""
    if isinstance(value, str) and not re.fullmatch("-?[0-9]+", value):
        raise PydanticCustomError("form_wrong_type", "Must be a whole number, written in digits")
    return value


IN_DIGITS = BeforeValidator(_digits)
"""The check of the spelling. In an annotation it must follow the bounds, or they are missing in the OpenAPI schema."""


def _copied(value: Any) -> Any:
    """Reject a cursor that no list has returned."""
    if isinstance(value, str) and not re.fullmatch(CURSORS, value):
        raise PydanticCustomError("form_wrong_format", "Must be the `nextCursor` of the previous page")
    return value


COPIED = BeforeValidator(_copied)
"""The check of a cursor. In an annotation it must follow the pattern, as `IN_DIGITS` does."""


class NoQuery(Query):
    """The query of endpoints without parameters."""


class WaitQuery(Query):
    """`?wait=`: long polling."""

    wait: Annotated[
        int,
        Field(ge=0, le=MAX_WAIT, description="Hold the response until the watch ends, for at most this many seconds."),
        IN_DIGITS,
    ] = 0


class PageQuery(Query):
    """The query of a list; `limit` ids are shown, and one more is read to know whether there is another page."""

    limit: Annotated[int, Field(ge=1, le=MAX_PAGE, description="The maximum number of items in a page."), IN_DIGITS] = (
        50
    )

    @property
    def read_limit(self) -> int:
        return self.limit + 1

    def split(self, ids: Sequence[str]) -> tuple[Sequence[str], str | None]:
        """Return the ids of this page, and the cursor of the next page if there is one."""
        return ids[: self.limit], ids[self.limit - 1] if len(ids) > self.limit else None


class WatchesQuery(PageQuery):
    """The query of `GET /v1/watches`."""

    state: Annotated[WatchState | None, Field(description="Only watches in this state.")] = None
    outcome: Annotated[Outcome | None, Field(description="Only watches with this outcome.")] = None
    import_id: Annotated[ImportId | None, Field(description="Only watches of this import.")] = None
    undelivered: Annotated[
        Literal["true", "false"],
        Field(description="`true`: only settled watches with a message that is not delivered: pending or abandoned."),
    ] = "false"
    cursor: Annotated[
        Annotated[str, StringConstraints(pattern=r"^wat_[0-9a-z]{1,40}$"), COPIED] | None, Field(description=CURSOR)
    ] = None

    @property
    def is_undelivered(self) -> bool:
        return self.undelivered == "true"


class DeliveriesQuery(PageQuery):
    """The query of `GET /v1/deliveries`."""

    state: Annotated[
        DeliveryState | None,
        Field(description="Only deliveries in this state."),
    ] = None
    cursor: Annotated[
        Annotated[str, StringConstraints(pattern=r"^dlv_[0-9a-z]{1,40}$"), COPIED] | None, Field(description=CURSOR)
    ] = None


class CsvQuery(Query):
    """The query of `GET /v1/watches/{id}/failed-records.csv`."""

    safe: Annotated[
        Literal["true", "false"],
        Field(
            description="For spreadsheets: in CSV, `true` puts an apostrophe before each cell that a spreadsheet would "
            "run as a formula. Rally's upload takes the file without it."
        ),
    ] = "false"

    @property
    def is_safe(self) -> bool:
        return self.safe == "true"


class FailedRecordsQuery(CsvQuery):
    """The query of `GET /v1/watches/{id}/failed-records`."""

    limit: Annotated[
        int,
        Field(ge=1, le=MAX_RECORDS, description="The maximum number of records in a page of JSON; CSV has all."),
        IN_DIGITS,
    ] = 100
    cursor: Annotated[
        Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}_[1-9][0-9]{0,6}$"), COPIED] | None,
        Field(description=CURSOR),
    ] = None

    @staticmethod
    def cursor_at(version: str, start: int) -> str:
        """Return the cursor of the page that begins with the record number `start` of a set of records."""
        return f"{version[:16]}_{start}"

    @property
    def version(self) -> str | None:
        """The beginning of the id of the set of records that the first page was about."""
        return None if self.cursor is None else self.cursor.partition("_")[0]

    @property
    def start(self) -> int:
        return 0 if self.cursor is None else int(self.cursor.partition("_")[2])


class SigningQuery(Query):
    """The query of `GET /v1/signing-secret` and `GET /v1/signing-keys`."""

    client: Annotated[
        Annotated[str, StringConstraints(pattern=f"^({RULE_PREFIX})?{NAME.pattern}$")] | None,
        Field(
            description=f"The client's name; the default is your own. Only admins may name another client, "
            f"`{OPERATOR}` for notices to the operator, or `{RULE_PREFIX}NAME` for the messages of a rule."
        ),
    ] = None


QueryT = TypeVar("QueryT", bound=Query)


def parse_query(request: Request, model: type[QueryT]) -> QueryT:
    """Validate the query; raise Refused with 422, naming every invalid parameter as `?name`."""
    parameters = request.query_params
    repeated = dict.fromkeys(name for name in parameters if len(parameters.getlist(name)) > 1)
    problems = [
        Problem(pointer=f"?{name}", detail="Send this parameter once", code="duplicate_parameter") for name in repeated
    ]
    return validated(dict(parameters), model, problems)


def validated(parameters: Mapping[str, str], model: type[QueryT], problems: Sequence[Problem] = ()) -> QueryT:
    """Validate parameters; raise Refused with 422 for every invalid one, and for the `problems` found before."""
    found: list[ErrorDetails] = []
    query: QueryT | None = None
    try:
        query = model.model_validate(parameters)
    except ValidationError as error:
        found = findings(error)
    if query is None or problems:
        count = len(problems) + count_problems(found)
        in_models = problems_of(found, model, noun="parameter")
        named = [*problems, *(replace(each, pointer="?" + each.pointer.removeprefix("/")) for each in in_models)]
        raise Refused(Refusal.INVALID_QUERY, problems=named, problem_count=count)
    return query
