"""The OpenAPI 3.1 description, generated from the routes, the models of requests and the types of responses.

Source: https://spec.openapis.org/oas/v3.1.1.html
"""

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema
from starlette.routing import Route

from bridge.domain.notices.alarms import END_OF, AlarmKind
from bridge.domain.notifications import TYPES
from bridge.settings.parsers import NAME
from bridge.web.openapi import examples
from bridge.web.openapi.operations import OPERATION_OF, TAGS, Operation
from bridge.web.problems import problem_document
from bridge.web.refusals import Refusal
from bridge.web.requests.idempotency import MAX_KEY_LENGTH
from bridge.web.routing import Resource
from bridge.web.schemas.messages import NoticeSent, NotificationSent
from bridge.web.schemas.problem_document import ProblemDocument

PROBLEM = "application/problem+json"
TEST = "watch.test"
NOTICES = (
    *("workspace.refused", "workspace.accepted", "workspace.imports_vanished", "workspace.imports_shown"),
    *("delivery.abandoned", "slack.refused", "push.silent", "rule.callbacks_flooded"),
    *("redis.evicting", "redis.eviction_ended"),
    *(kind.value for kind in AlarmKind),
    *END_OF.values(),
)
OF_SEVERAL_IMPORTS = ("rule.imports_missed", "rule.digest", "batch.digest")
"""Messages about several imports."""
IN_PATH = {
    "watch_id": "^wat_[0-9a-z]{1,40}$",
    "delivery_id": "^dlv_[0-9a-z]{1,40}$",
    "workspace": f"^{NAME.pattern}$",
}
"""The pattern of each parameter in a path."""
REF = "#/components/schemas/{model}"
ABOUT = """\
Sends the outcome of a Rally UXR import to Slack or to a signed HTTP callback. `POST /v1/watches` with the import's id;
the outcome is sent once, even if processes or connections fail in between.

Send your key as `Authorization: Bearer …`. Every response has an `X-Request-Id`, which is yours if you send one. A
refused request changes nothing; its problem document lists every problem."""

Json = dict[str, Any]


def describe(routes: Sequence[Route]) -> Json:
    """Return the description of these routes; OPERATION_OF must contain all of their endpoints."""
    operations = [(route, method, OPERATION_OF[endpoint]) for route, method, endpoint in _endpoints(routes)]
    schemas, components = _schemas(operation for _, _, operation in operations)
    paths: dict[str, Json] = {}
    for route, method, operation in operations:
        endpoint = _resource(route).endpoints[method]
        paths.setdefault(route.path, {})[method.lower()] = _operation(
            route.path, operation, inspect.getdoc(endpoint) or "", schemas
        )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "rally-bridge",
            "version": version("rally-bridge"),
            "description": ABOUT,
            "contact": {"name": "The operator of this bridge"},
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "tags": [
            {"name": tag, "description": TAGS[tag]}
            for tag in dict.fromkeys(operation.tag for _, _, operation in operations)
        ],
        "paths": paths,
        "webhooks": dict(_webhooks(schemas)),
        "components": {
            "schemas": components,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "Your client's API key."}},
        },
    }


def _resource(route: Route) -> Resource:
    assert isinstance(route.endpoint, Resource)  # noqa: S101 - `resource` creates all of them
    return route.endpoint


def _endpoints(routes: Sequence[Route]) -> Iterator[tuple[Route, str, Any]]:
    for route in routes:
        for method, endpoint in _resource(route).endpoints.items():
            yield route, method, endpoint


class _ForGenerators(GenerateJsonSchema):
    """Omits titles that pydantic derives from field names, and the default null, which is implied.

    Generators of clients name types after titles, and may take a field with a default for one that is always present.
    """

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> Json:
        described = super().default_schema(schema)
        return {name: value for name, value in described.items() if (name, value) != ("default", None)}

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        return False


def _schemas(operations: Iterable[Operation]) -> tuple[Mapping[Any, Json], Json]:
    """Return the schema of each type, and the components to which the schemas refer."""
    named: dict[Any, None] = dict.fromkeys([ProblemDocument, NotificationSent, NoticeSent])
    for operation in operations:
        named |= dict.fromkeys(each for each in (operation.response, operation.body, operation.query) if each)
    generated, rest = TypeAdapter.json_schemas(
        [(type_, "validation", TypeAdapter(type_)) for type_ in named],
        ref_template=REF,
        schema_generator=_ForGenerators,
    )
    components = rest.get("$defs", {})
    schemas = {type_: schema for (type_, _), schema in generated.items()}
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
        "responses": dict(sorted(_responses(operation, schemas).items())),
    }
    if description:
        described["description"] = description
    if operation.body:
        content = {"schema": schemas[operation.body], "example": operation.example}
        described["requestBody"] = {"required": True, "content": {"application/json": content}}
    if operation.public:
        described["security"] = []
    return described


def _sentences(words: str) -> tuple[str, str]:
    """Split a docstring into its first sentence and the rest."""
    first, _, rest = " ".join(words.split()).partition(". ")
    return first.rstrip("."), rest


def _in_path(path: str) -> Iterator[Json]:
    for name in re.findall(r"{(\w+)}", path):
        schema = {"type": "string", "pattern": IN_PATH[name]}
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _in_query(operation: Operation, schemas: Mapping[Any, Json]) -> Iterator[Json]:
    if operation.query is None:
        return
    for name, schema in schemas[operation.query]["properties"].items():
        described = {"description": schema["description"], "schema": _without_null(schema)}
        yield {"name": name, "in": "query", "required": False, **described}


def _without_null(schema: Json) -> Json:
    """Return the schema without null: a query omits the parameter instead."""
    types = [each for each in schema.get("anyOf", [schema]) if each.get("type") != "null"]
    return {
        name: value
        for name, value in types[0].items()
        if name not in {"title", "description"} and (name, value) != ("default", None)
    }


def _in_headers(operation: Operation) -> Iterator[Json]:
    for name, meaning in operation.sends.items():
        yield {"name": name, "in": "header", "required": True, "description": meaning, "schema": {"type": "string"}}
    if operation.idempotent:
        yield {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "Makes it safe to repeat the request for 24 hours: each time, it gets the first response.",
            "schema": {
                "type": "string",
                "minLength": 1,
                "maxLength": MAX_KEY_LENGTH,
                "pattern": "^[!-~]([ -~]*[!-~])?$",
            },
        }


def _responses(operation: Operation, schemas: Mapping[Any, Json]) -> dict[str, Json]:
    headers = {"X-Request-Id": "The id of the request, yours if you sent one.", **operation.headers}
    success: Json = {
        "description": operation.answer or " ".join((inspect.getdoc(operation.response) or "").split()),
        "headers": _headers(headers),
    }
    if operation.response is not None:
        example = {"example": operation.response_example} if operation.response_example else {}
        success["content"] = {operation.media_type: {"schema": schemas[operation.response], **example}}
        for media_type, text in operation.other_media.items():
            success["content"][media_type] = {"schema": {"type": "string"}, "example": text}
    responses = {str(operation.status): success}
    if operation.not_ready:
        responses["503"] = {**success, "description": "Not ready.", "headers": _headers(headers | RETRY)}
    for status in sorted({refusal.status for refusal in operation.refusals}):
        these = [refusal for refusal in operation.refusals if refusal.status == status]
        responses[str(status)] = _refused(these, schemas[ProblemDocument])
    return responses


RETRY = {"Retry-After": "Seconds to wait before another request."}
RETRYABLE = frozenset({429, 503})


def _refused(refusals: Sequence[Refusal], schema: Json) -> Json:
    status = refusals[0].status
    retry = RETRY if status in RETRYABLE else {}
    examples = {refusal.slug: {"value": problem_document(refusal)} for refusal in refusals}
    return {
        "description": "; ".join(refusal.title for refusal in refusals),
        "headers": _headers({"X-Request-Id": "The id of the request.", **retry}),
        "content": {PROBLEM: {"schema": schema, "examples": examples}},
    }


def _headers(meanings: Mapping[str, str]) -> Json:
    return {name: {"description": meaning, "schema": {"type": "string"}} for name, meaning in meanings.items()}


def _webhooks(schemas: Mapping[Any, Json]) -> Iterator[tuple[str, Json]]:
    for outcome, type_ in TYPES.items():
        content = {"schema": schemas[NotificationSent], "example": examples.notification(type_, outcome)}
        yield type_, {"post": _sent(type_, f"A watch has ended with the outcome {outcome.value}", content)}
    summaries = {TEST: "A test of a destination"} | dict.fromkeys(NOTICES, "A notice to the operator")
    summaries |= dict.fromkeys(OF_SEVERAL_IMPORTS, "A message about several imports")
    for type_, summary in summaries.items():
        yield type_, {"post": _sent(type_, summary, {"schema": schemas[NoticeSent], "example": examples.notice(type_)})}


def _sent(type_: str, summary: str, content: Json) -> Json:
    """Describe a message to a callback (Standard Webhooks)."""
    signed = {
        "webhook-id": "The notification's id; repetitions have the same id.",
        "webhook-timestamp": "The time of sending, in seconds since 1970.",
        "webhook-signature": "`v1,…` for your secret and, if configured by the operator, `v1a,…` for a public key.",
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
            "2XX": {"description": "Received; not sent again."},
            "410": {"description": "No longer wanted; not sent again."},
            "default": {"description": "Sent again later, after Retry-After if present."},
        },
    }
