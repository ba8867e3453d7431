"""The OpenAPI document: complete, valid, and matched by the responses; and its HTML page."""

import ast
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest
from jsonschema import Draft202012Validator
from pydantic_core.core_schema import ErrorType

from bridge.domain.notices import notice_texts, rule_notices
from bridge.domain.notices.alarms import END_OF, AlarmKind
from bridge.domain.notices.workspace_events import WorkspaceEvent
from bridge.web.app import API_ROUTES
from bridge.web.openapi import examples
from bridge.web.openapi.document import NOTICES, describe
from bridge.web.openapi.operations import OPERATION_OF
from bridge.web.refusals import Refusal
from bridge.web.requests import request_problems
from bridge.web.requests.body import parse
from bridge.web.routing import Resource
from bridge.web.schemas.problem_document import FORM_CODES, RULE_CODES
from bridge.web.schemas.watches import BatchBody
from tests.support.world import CLIENT_KEY, World, bearer

pytestmark = pytest.mark.anyio
DESCRIPTION = describe(API_ROUTES)
HOME = Path(__file__).parents[3]


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": DESCRIPTION["components"]})


def check(answer: httpx.Response, path: str, method: str = "get") -> None:
    """Validate a response against its description."""
    described = DESCRIPTION["paths"][path][method]["responses"][str(answer.status_code)]["content"]
    schema = described[answer.headers["content-type"].split(";")[0]]["schema"]
    validator(schema).validate(answer.json())
    assert undescribed(schema, answer.json()) == []


def undescribed(schema: dict[str, Any], value: Any, place: str = "") -> list[str]:
    """Return the fields of a value that its schema does not describe; schemas are open to fields of later versions."""
    schema = resolved(schema)
    forms = [resolved(each) for each in schema.get("anyOf", [schema])]
    fitting = [form for form in forms if validator(form).is_valid(value)]
    if isinstance(value, list):
        return [name for each in value for name in undescribed(fitting[0].get("items", {}), each, f"{place}/0")]
    if not isinstance(value, dict) or "properties" not in fitting[0]:
        return []
    inner = [(name, fitting[0]["properties"].get(name)) for name in value]
    unknown = [f"{place}/{name}" for name, described in inner if described is None]
    return unknown + [
        name
        for key, described in inner
        if described is not None
        for name in undescribed(described, value[key], f"{place}/{key}")
    ]


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = schema
    if "$ref" in schema:
        found = DESCRIPTION["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


def test_every_call_is_described_and_nothing_else() -> None:
    calls = [route.endpoint for route in API_ROUTES if isinstance(route.endpoint, Resource)]
    assert len(calls) == len(API_ROUTES)
    served = {endpoint for call in calls for endpoint in call.endpoints.values()}
    assert served == OPERATION_OF.keys()


def test_calls_without_a_body_say_that_it_is_not_read() -> None:
    for call in (path["post"] for path in DESCRIPTION["paths"].values() if "post" in path):
        assert ("requestBody" in call) != call.get("description", "").endswith("A body is not read.")


def test_every_call_tag_and_response_is_described() -> None:
    operations = [operation for path in DESCRIPTION["paths"].values() for operation in path.values()]
    assert all(operation["description"] != operation["summary"] for operation in operations)
    assert all(tag["description"] for tag in DESCRIPTION["tags"])
    assert {tag["name"] for tag in DESCRIPTION["tags"]} == {tag for each in operations for tag in each["tags"]}
    answers = [answer for operation in operations for answer in operation["responses"].values()]
    assert all(len(answer["description"].split()) > 1 for answer in answers)


def parts(part: Any) -> Iterator[dict[str, Any]]:
    """Yield every object within a part of the description."""
    for each in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from parts(each)
    if isinstance(part, dict):
        yield part


def test_no_field_of_a_body_has_a_default_that_would_make_it_required() -> None:
    schemas = DESCRIPTION["components"]["schemas"]
    assert [part for part in parts(schemas) if "default" in part] == []
    assert schemas["WatchBody"]["required"] == ["importId"]


def test_responses_and_messages_allow_new_fields_and_request_bodies_do_not() -> None:
    schemas = DESCRIPTION["components"]["schemas"]
    closed = {name for name, schema in schemas.items() if schema.get("additionalProperties") is False}
    bodies = {"WatchBody", "BatchBody", "RedeliverBody", "TestBody"}
    assert closed == bodies | {"ToSlackWebhook", "ToSlack", "ToCallback", "ToNamed", "MentionBody"}


def test_every_time_has_its_format() -> None:
    times = [
        (name, field)
        for schema in DESCRIPTION["components"]["schemas"].values()
        for name, field in schema.get("properties", {}).items()
        if re.search(r"(^|[a-z])(At|at|timestamp|since)$", name) and name != "updatedAt"  # that one is Rally's
    ]
    assert len(times) > 8
    assert [name for name, field in times if "date-time" not in json.dumps(field)] == []


def test_the_data_of_each_event_of_a_stream_is_described() -> None:
    answer = DESCRIPTION["paths"]["/v1/watches/{watch_id}/events"]["get"]["responses"]["200"]
    schema = answer["content"]["text/event-stream"]["schema"]
    assert all(f"`{name}`" in answer["description"] for name in ("watch", "reading", "poll", "outcome", "delivery"))
    for example in (
        examples.SETTLED,
        examples.READING,
        examples.SETTLED["lastPoll"],
        examples.SETTLED["deliveries"][0],
    ):
        validator(schema).validate(example)


def test_every_refusal_is_described_for_the_calls_that_return_it() -> None:
    always = {Refusal.NOT_FOUND, Refusal.METHOD_NOT_ALLOWED, Refusal.HEADERS_TOO_LARGE, Refusal.PREFLIGHT_REFUSED}
    always.add(Refusal.SLACK_NOT_SIGNED)  # of paths that only Slack calls, which the document leaves out
    described = {refusal for operation in OPERATION_OF.values() for refusal in operation.refusals}
    assert described == set(Refusal) - always


def test_every_code_of_a_rule_is_described_and_nothing_else() -> None:
    patterns = {
        "bridge/web/schemas": r'policy_([a-z]\w+)"|code="(\w+)"',
        "bridge/destinations": r'Forbidden\(\s*"(\w+)"|^    \(\s*"(\w+)",\s*"',
    }
    found = {
        code
        for place, pattern in patterns.items()
        for module in (HOME / place).rglob("*.py")
        for groups in re.finditer(pattern, module.read_text(), re.MULTILINE)
        for code in groups.groups()
        if code
    }
    assert found == set(RULE_CODES)
    described = DESCRIPTION["components"]["schemas"]["ErrorResponse"]["properties"]["code"]["description"]
    assert set(re.findall(r"`(\w+)`", described)) == found | set(FORM_CODES)


def test_every_described_code_is_one_that_validation_returns() -> None:
    parser_codes = {"duplicate_name", "duplicate_parameter"}
    assert set(FORM_CODES) == {*request_problems.CODES.values(), *parser_codes}
    assert request_problems.CODES.keys() <= set(get_args(ErrorType))


def test_a_batch_is_described_as_watches_and_each_is_checked_by_itself() -> None:
    batch = DESCRIPTION["components"]["schemas"]["BatchBody"]["properties"]["watches"]
    assert batch["items"] == {"$ref": "#/components/schemas/WatchBody"}
    assert parse(b'{"watches": [{"colour": "red"}]}', BatchBody).watches == [{"colour": "red"}]


def test_every_schema_is_valid_and_every_reference_is_resolved() -> None:
    schemas = DESCRIPTION["components"]["schemas"]
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    references = set(re.findall(r"'\$ref': '#/components/schemas/(\w+)'", str(DESCRIPTION)))
    assert references <= schemas.keys()
    assert schemas.keys() <= references, "described, and used nowhere"


def schemas_with_examples(part: Any) -> Iterator[tuple[dict[str, Any], Any]]:
    """Yield each schema with each of its examples."""
    if isinstance(part, dict) and "schema" in part:
        yield from ((part["schema"], part[name]) for name in ["example"] if name in part)
        yield from ((part["schema"], each["value"]) for each in part.get("examples", {}).values())
    elif isinstance(part, dict) and isinstance(part.get("examples"), list):
        yield from ((part, value) for value in part["examples"])
    if isinstance(part, dict | list):
        for each in part.values() if isinstance(part, dict) else part:
            yield from schemas_with_examples(each)


def test_every_example_matches_its_schema() -> None:
    examples_shown = list(schemas_with_examples(DESCRIPTION))
    for schema, example in examples_shown:
        validator(schema).validate(example)
    assert len(examples_shown) > 100


def test_every_message_that_is_sent_has_an_example() -> None:
    for type_, hook in DESCRIPTION["webhooks"].items():
        assert hook["post"]["requestBody"]["content"]["application/json"]["example"]["type"] == type_


def test_every_query_parameter_has_a_description() -> None:
    calls = [call for path in DESCRIPTION["paths"].values() for call in path.values()]
    parameters = [each for call in calls for each in call["parameters"] if each["in"] == "query"]
    assert len(parameters) == 16
    assert all(each["description"] for each in parameters)
    numbers = [each["schema"] for each in parameters if each["schema"].get("type") == "integer"]
    assert sorted((each["minimum"], each["maximum"]) for each in numbers) == [(0, 60), (1, 100), (1, 100), (1, 1000)]


@pytest.mark.parametrize(
    ("path", "example"),
    [
        ("/v1/watches", examples.WATCH),
        ("/v1/watches/batch", examples.BATCH),
        ("/v1/deliveries/redeliver", examples.REDELIVER),
    ],
)
async def test_the_example_requests_are_accepted(world: World, path: str, example: Any) -> None:
    answer = await world.post(path, json=example)
    assert answer.is_success, answer.text
    check(answer, path, "post")


async def test_responses_during_the_life_of_a_watch_match_the_description(world: World) -> None:
    await world.sandbox.set_import("imp", ("UPLOADING", 0))
    watch = await world.watch(notify=[{"type": "callback", "url": world.sandbox.callback_url()}], metadata={"a": 1})
    await world.poll()
    one = f"/v1/watches/{watch['id']}"
    check(await world.get(one), "/v1/watches/{watch_id}")
    await world.sandbox.set_import("imp", ("COMPLETED", 0), failed=2)
    world.pass_time(20_000)
    await world.poll()
    await world.deliver()
    ended = await world.get(one)
    check(ended, "/v1/watches/{watch_id}")
    delivery = ended.json()["deliveries"][0]["id"]
    check(await world.get("/v1/watches"), "/v1/watches")
    check(await world.get("/v1/deliveries"), "/v1/deliveries")
    check(await world.get(f"/v1/deliveries/{delivery}"), "/v1/deliveries/{delivery_id}")
    check(await world.post(f"/v1/deliveries/{delivery}/redeliver"), "/v1/deliveries/{delivery_id}/redeliver", "post")
    check(await world.post(f"{one}/cancel"), "/v1/watches/{watch_id}/cancel", "post")


async def test_callbacks_match_the_description(world: World) -> None:
    await world.sandbox.set_import("imp", ("COMPLETED", 0), failed=2)
    await world.watch(notify=[{"type": "callback", "url": world.sandbox.callback_url()}], label="Panel")
    await world.poll()
    await world.deliver()
    (message,) = await world.sandbox.messages()
    hook = DESCRIPTION["webhooks"]["import.completed_with_failures"]["post"]
    schema = hook["requestBody"]["content"]["application/json"]["schema"]
    validator(schema).validate(json.loads(message["body"]))
    assert undescribed(schema, json.loads(message["body"])) == []


async def test_responses_of_the_other_calls_match_the_description(world: World) -> None:
    for path in ("/healthz", "/readyz", "/v1/destinations", "/v1/signing-secret", "/v1/signing-keys"):
        check(await world.get(path), path)
    check(await world.get("/v1/watches", nothing="x"), "/v1/watches")
    check(await world.get("/v1/watches", key="rbk_wrong-wrong-wrong"), "/v1/watches")
    body = {"destination": {"type": "callback", "url": world.sandbox.callback_url()}}
    check(await world.post("/v1/destinations/test", json=body), "/v1/destinations/test", "post")


async def test_the_description_and_the_page_need_no_key(world: World) -> None:
    described = await world.api.get("/openapi.json")
    assert (described.status_code, described.json()["openapi"]) == (200, "3.1.0")
    page = await world.api.get("/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    for operation in OPERATION_OF.values():
        assert f'id="{operation.name}"' in page.text
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', page.text), "the page needs another's server"
    assert "<script" not in page.text
    assert "`" not in page.text


async def test_the_type_of_a_problem_is_an_anchor_on_the_page(world: World) -> None:
    problem = (await world.api.get("/v1/watches/wat_0", headers=bearer(CLIENT_KEY))).json()
    path, _, place = problem["type"].partition("#")
    assert f'id="{place}"' in (await world.api.get(path)).text
    ids = re.findall(r'id="([^"]+)"', (await world.api.get("/docs")).text)
    assert len(ids) == len(set(ids))


def test_every_notice_to_the_operator_is_described() -> None:
    made = {
        each.value.value
        for module in (notice_texts, rule_notices)
        for each in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(each, ast.keyword) and each.arg == "type" and isinstance(each.value, ast.Constant)
    }
    of_workspaces = re.findall(r"type=WorkspaceEvent\.(\w+)\.value", inspect.getsource(notice_texts))
    made |= {WorkspaceEvent[name].value for name in of_workspaces}
    made |= {*END_OF.values(), *(kind.value for kind in AlarmKind)}

    assert made == {"watch.test", "rule.imports_missed", *NOTICES}
    assert made < DESCRIPTION["webhooks"].keys()


def test_a_field_that_is_not_described_is_found() -> None:
    schema = {"$ref": "#/components/schemas/WatchResponse"}
    more = {**examples.SETTLED, "import": {**examples.READING, "colour": "red"}, "size": 7}

    assert undescribed(schema, more) == ["/size", "/import/colour"]
    assert undescribed(schema, dict(examples.SETTLED)) == []
