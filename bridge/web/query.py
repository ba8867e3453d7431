"""What a request asks for beside its body: the query, checked like a body; the idempotency key; who asks for what."""

import json
import re
from dataclasses import replace
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails
from starlette.requests import Request

from bridge.domain.clients import Client
from bridge.domain.notices import OPERATOR
from bridge.errors import Problem, Refusal, Refused
from bridge.resources import Resources
from bridge.settings.parsers import NAME
from bridge.store.acceptance import IdempotencyKey
from bridge.web.problems import problems_of
from bridge.web.schemas.destinations import Context, OutcomeName
from bridge.web.schemas.watches import ImportId

LARGEST_PAGE = 100
LONGEST_WAIT = 60
LONGEST_KEY = 255
OF_THE_PAGE_BEFORE = "The `nextCursor` of the page before."


class _Query(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, validate_by_name=False)


def _digits(value: Any) -> Any:
    """Refuse what pydantic would also take for a number: `1_0`, `+1`, ` 1`."""
    if isinstance(value, str) and not re.fullmatch("-?[0-9]+", value):
        raise ValueError("A whole number, in digits alone")
    return value


IN_DIGITS = BeforeValidator(_digits)
"""Stands behind a number's bounds: in front of it they would be left out of the description."""


class NoQuery(_Query):
    """Of a call that takes none."""


class WaitQuery(_Query):
    """`?wait=`: hold the answer for so many seconds at most."""

    wait: Annotated[
        int,
        Field(ge=0, le=LONGEST_WAIT, description="Hold the answer until the watch ends, so many seconds at most."),
        IN_DIGITS,
    ] = 0


class _Page(_Query):
    limit: Annotated[int, Field(ge=1, le=LARGEST_PAGE, description="How many a page holds at most."), IN_DIGITS] = 50


class WatchesQuery(_Page):
    """`GET /v1/watches`."""

    state: Annotated[
        Literal["watching", "settled", "cancelled"] | None, Field(description="Only those that stand so.")
    ] = None
    outcome: Annotated[OutcomeName | None, Field(description="Only those that ended so.")] = None
    import_id: Annotated[ImportId | None, Field(description="Only those of this import.")] = None
    cursor: Annotated[
        Annotated[str, StringConstraints(pattern=r"^wat_[0-9a-z]{1,40}$")] | None, Field(description=OF_THE_PAGE_BEFORE)
    ] = None


class DeliveriesQuery(_Page):
    """`GET /v1/deliveries`."""

    state: Annotated[
        Literal["pending", "delivered", "abandoned", "skipped"] | None, Field(description="Only those that stand so.")
    ] = None
    cursor: Annotated[
        Annotated[str, StringConstraints(pattern=r"^dlv_[0-9a-z]{1,40}$")] | None, Field(description=OF_THE_PAGE_BEFORE)
    ] = None


class SigningQuery(_Query):
    """`GET /v1/signing-secret` and `GET /v1/signing-keys`."""

    client: Annotated[
        Annotated[str, StringConstraints(pattern=f"^{NAME.pattern}$")] | None,
        Field(description=f"Whose, for admins; `{OPERATOR}`: of notices to the operator. Left out: your own."),
    ] = None


QueryT = TypeVar("QueryT", bound=_Query)


def parse_query(request: Request, model: type[QueryT]) -> QueryT:
    """Check a query against a model; raises Refused with 422 naming every problem as `?name`."""
    given = request.query_params
    twice = [name for name in given if len(given.getlist(name)) > 1]
    problems = [Problem(pointer=f"?{name}", detail="Give this once") for name in dict.fromkeys(twice)]
    findings: list[ErrorDetails] = []
    try:
        query = model.model_validate(dict(given))
    except ValidationError as error:
        findings = error.errors(include_url=False, include_input=False)
        query = None
    if query is None or problems:
        count = len(problems) + len(findings)
        problems += [replace(each, pointer="?" + each.pointer.removeprefix("/")) for each in problems_of(findings)]
        raise Refused(Refusal.INVALID_QUERY, problems=problems, problem_count=count)
    return query


def reject_query(request: Request) -> None:
    """Make sure that a call that takes no query is given none; raises Refused with 422 naming each part as `?name`."""
    if request.scope["query_string"]:
        parse_query(request, NoQuery)


def validation_context(resources: Resources, client: Client) -> Context:
    """Give what a client's bodies are checked against."""
    permissions = client.permissions
    return Context(
        permissions=permissions,
        rules=resources.egress_rules,
        workspaces=frozenset(resources.rally if permissions.workspaces is None else permissions.workspaces),
        named=resources.named,
        slack_bot=resources.sender.slack_bot is not None,
    )


def idempotency_key(request: Request) -> str | None:
    """Read the Idempotency-Key; raises Refused with 422 for one that is none."""
    key = request.headers.get("idempotency-key")
    if key is not None and not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        detail = f"It consists of 1 to {LONGEST_KEY} printable ASCII characters."
        raise Refused(Refusal.INVALID_IDEMPOTENCY_KEY, detail)
    return key


def once(resources: Resources, client: Client, key: str | None, body: bytes) -> IdempotencyKey | None:
    """Mark a request by its key and by what it asks for, however that is written; None without a key."""
    if key is None:
        return None
    asked = json.dumps(json.loads(body), sort_keys=True)
    fingerprinter = resources.fingerprinter
    return IdempotencyKey(
        mark=fingerprinter.mark(f"idempotency {client.name} {key}"), digest=fingerprinter.mark(f"request {asked}")
    )
