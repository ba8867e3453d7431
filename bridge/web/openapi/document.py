"""The API's description, OpenAPI 3.1: made of the routes, the models that check, and the types that are answered.

Source: https://spec.openapis.org/oas/v3.1.1.html
"""

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from starlette.routing import Route

from bridge.domain.notifications import TYPES
from bridge.errors import Refusal
from bridge.web.idempotency import MAX_KEY_LENGTH
from bridge.web.openapi import examples
from bridge.web.openapi.operations import CALLS, Operation
from bridge.web.routing import Resource
from bridge.web.schemas.responses import NoticeSent, NotificationSent, ProblemDocument

PROBLEM = "application/problem+json"
TEST = "watch.test"
NOTICES = (
    *("workspace.refused", "workspace.accepted", "workspace.imports_vanished", "workspace.imports_shown"),
    *("delivery.abandoned", "redis.evicting", "redis.eviction_ended"),
)
IDS = {"watch_id": "wat", "delivery_id": "dlv"}
REF = "#/components/schemas/{model}"
ABOUT = """\
Says when a Rally UXR import has ended, and how. `POST /v1/watches` with an import's id; its outcome is sent to Slack
or to a signed HTTP callback, once, whatever breaks in between.

Send your key as `Authorization: Bearer …`. Every answer bears an `X-Request-Id`, yours if you send one. A refusal is a
problem document that names everything that is wrong, and has changed nothing."""

Json = dict[str, Any]


def describe(routes: Sequence[Route]) -> Json:
    """Describe the calls of these routes; every one of their endpoints stands in CALLS."""
    found = [(route, method, CALLS[endpoint]) for route, method, endpoint in _endpoints(routes)]
    schemas, components = _schemas(operation for _, _, operation in found)
    paths: dict[str, Json] = {}
    for route, method, operation in found:
        endpoint = _calls(route).endpoints[method]
        paths.setdefault(route.path, {})[method.lower()] = _operation(
            route.path, operation, inspect.getdoc(endpoint) or "", schemas
        )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "rally-bridge",
            "version": version("rally-bridge"),
            "description": ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "tags": [{"name": tag} for tag in dict.fromkeys(operation.tag for _, _, operation in found)],
        "paths": paths,
        "webhooks": dict(_webhooks(schemas)),
        "components": {
            "schemas": components,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "Your client's API key."}},
        },
    }


def _calls(route: Route) -> Resource:
    assert isinstance(route.endpoint, Resource)  # noqa: S101 - `at` makes all of them
    return route.endpoint


def _endpoints(routes: Sequence[Route]) -> Iterator[tuple[Route, str, Any]]:
    for route in routes:
        for method, endpoint in _calls(route).endpoints.items():
            yield route, method, endpoint


class _WithoutTitles(GenerateJsonSchema):
    """Leaves out the titles that pydantic makes of fields' names."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic asks for each
        return False


def _schemas(operations: Iterable[Operation]) -> tuple[Mapping[Any, Json], Json]:
    """Give the schema of each type that is named, and the parts to which they refer."""
    named: dict[Any, None] = dict.fromkeys([ProblemDocument, NotificationSent, NoticeSent])
    for operation in operations:
        named |= dict.fromkeys(each for each in (operation.gives, operation.body, operation.query) if each)
    made, rest = TypeAdapter.json_schemas(
        [(type_, "validation", TypeAdapter(type_)) for type_ in named],
        ref_template=REF,
        schema_generator=_WithoutTitles,
    )
    components = rest.get("$defs", {})
    schemas = {type_: schema for (type_, _), schema in made.items()}
    for type_ in named:
        if inspect.isclass(type_) and issubclass(type_, BaseModel) and type_.__name__.endswith("Query"):
            schemas[type_] = components.pop(type_.__name__)
    return schemas, components


def _operation(path: str, operation: Operation, words: str, schemas: Mapping[Any, Json]) -> Json:
    summary, description = _sentences(words)
    described: Json = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": summary,
        "parameters": [*_in_path(path), *_in_query(operation, schemas), *_in_headers(operation)],
        "responses": dict(sorted(_answers(operation, schemas).items())),
    }
    if description:
        described["description"] = description
    if operation.body:
        content = {"schema": schemas[operation.body], "example": operation.example}
        described["requestBody"] = {"required": True, "content": {"application/json": content}}
    if operation.for_anyone:
        described["security"] = []
    return described


def _sentences(words: str) -> tuple[str, str]:
    """Part a docstring into its first sentence and the rest."""
    first, _, rest = " ".join(words.split()).partition(". ")
    return first.rstrip("."), rest


def _in_path(path: str) -> Iterator[Json]:
    for name in re.findall(r"{(\w+)}", path):
        schema = {"type": "string", "pattern": rf"^{IDS[name]}_[0-9a-z]{{1,40}}$"}
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _in_query(operation: Operation, schemas: Mapping[Any, Json]) -> Iterator[Json]:
    if operation.query is None:
        return
    for name, schema in schemas[operation.query]["properties"].items():
        described = {"description": schema["description"], "schema": _without_null(schema)}
        yield {"name": name, "in": "query", "required": False, **described}


def _without_null(schema: Json) -> Json:
    """Leave out null, which a query can't say: there a parameter is left out instead."""
    given = [each for each in schema.get("anyOf", [schema]) if each.get("type") != "null"]
    return {
        name: value
        for name, value in given[0].items()
        if name not in {"title", "description"} and (name, value) != ("default", None)
    }


def _in_headers(operation: Operation) -> Iterator[Json]:
    if operation.repeatable:
        yield {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "Makes a repetition within 24 hours safe: it is given the first answer and changes nothing.",
            "schema": {
                "type": "string",
                "minLength": 1,
                "maxLength": MAX_KEY_LENGTH,
                "pattern": "^[!-~]([ -~]*[!-~])?$",
            },
        }


def _answers(operation: Operation, schemas: Mapping[Any, Json]) -> dict[str, Json]:
    headers = {"X-Request-Id": "The request's id, yours where you sent one.", **operation.headers}
    good = {
        "description": "As it is now." if operation.status == 200 else "Accepted.",  # noqa: PLR2004 - HTTP's own
        "headers": _headers(headers),
        "content": {
            operation.media_type: {
                "schema": schemas[operation.gives],
                **({"example": operation.shows} if operation.shows else {}),
            }
        },
    }
    answers = {str(operation.status): good}
    if operation.not_ready:
        answers["503"] = {**good, "description": "Not able to work now.", "headers": _headers(headers | RETRY)}
    for status in sorted({refusal.status for refusal in operation.refusals}):
        these = [refusal for refusal in operation.refusals if refusal.status == status]
        answers[str(status)] = _refused(these, schemas[ProblemDocument])
    return answers


RETRY = {"Retry-After": "Seconds after which to come again."}
ASKING_AGAIN = frozenset({429, 503})


def _refused(refusals: Sequence[Refusal], schema: Json) -> Json:
    status = refusals[0].status
    retry = RETRY if status in ASKING_AGAIN else {}
    examples = {
        refusal.slug: {"value": {"type": f"/docs#{refusal.slug}", "title": refusal.title, "status": status}}
        for refusal in refusals
    }
    return {
        "description": "; ".join(refusal.title for refusal in refusals),
        "headers": _headers({"X-Request-Id": "The request's id.", **retry}),
        "content": {PROBLEM: {"schema": schema, "examples": examples}},
    }


def _headers(meanings: Mapping[str, str]) -> Json:
    return {name: {"description": meaning, "schema": {"type": "string"}} for name, meaning in meanings.items()}


def _webhooks(schemas: Mapping[Any, Json]) -> Iterator[tuple[str, Json]]:
    for outcome, type_ in TYPES.items():
        content = {"schema": schemas[NotificationSent], "example": examples.notification(type_, outcome)}
        yield type_, {"post": _sent(type_, f"A watch has ended: {outcome.value}", content)}
    for type_ in (TEST, *NOTICES):
        summary = "Somebody tests a destination" if type_ == TEST else "A notice to the operator"
        yield type_, {"post": _sent(type_, summary, {"schema": schemas[NoticeSent], "example": examples.notice(type_)})}


def _sent(type_: str, summary: str, content: Json) -> Json:
    """Describe a message as callbacks receive it, by Standard Webhooks."""
    signed = {
        "webhook-id": "The notification's id; a repetition bears the same one.",
        "webhook-timestamp": "When it was sent, in seconds since 1970.",
        "webhook-signature": "`v1,…` by your secret and, where the operator has keys for it, `v1a,…` by a public key.",
    }
    return {
        "operationId": type_,
        "summary": summary,
        "parameters": [
            {"name": name, "in": "header", "required": True, "description": meaning, "schema": {"type": "string"}}
            for name, meaning in signed.items()
        ],
        "requestBody": {"required": True, "content": {"application/json": content}},
        "responses": {
            "2XX": {"description": "Taken; not sent again."},
            "410": {"description": "Not wanted any more; not sent again."},
            "default": {"description": "Sent again later; a Retry-After is honoured."},
        },
    }
