"""Linters accept the OpenAPI document, and the clients that generators make of it work against the running API."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import util
from pathlib import Path
from shutil import copy
from types import ModuleType
from typing import Any

import httpx
import pytest

from tests.support.api_process import served
from tests.support.plain_http import plain_client
from tests.support.world import CLIENT_KEY, bearer

TESTS = Path(__file__).parents[2]
CLIENTS = Path(__file__).parent / "clients"
PACKAGES = TESTS / "node_modules"
VENV = Path(sys.executable).parent
REFUSED = "refused validation_failed too_short"

pytestmark = pytest.mark.slow
needs_npm = pytest.mark.skipif(not (PACKAGES / "@redocly").is_dir(), reason="not installed: npm ci --prefix tests")


@pytest.fixture(scope="module")
def api(redis_url: str) -> Iterator[str]:
    with served(redis_url) as url:
        yield url


@pytest.fixture
def description(api: str, tmp_path: Path) -> Path:
    """The document as the running API serves it, in a folder from which the packages of npm are found."""
    (tmp_path / "node_modules").symlink_to(PACKAGES)
    path = tmp_path / "openapi.json"
    with plain_client() as http:
        path.write_bytes(http.get(f"{api}/openapi.json").content)
    return path


def run(place: Path, *command: str | Path, **env: str) -> str:
    """Run a tool in a folder; return its output, and fail with it unless the tool succeeds."""
    settings = {"PATH": f"{VENV}:{os.environ['PATH']}", "HOME": str(place), "NO_COLOR": "1", **env}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=place,
        env=settings,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-10_000:] + done.stderr[-10_000:]
    return done.stdout + done.stderr


def npm_tool(name: str) -> Path:
    return PACKAGES / ".bin" / name


@needs_npm
def test_redocly_warns_of_nothing(description: Path) -> None:
    (description.parent / "redocly.yaml").write_text("extends: [recommended]\n")
    output = run(
        description.parent, npm_tool("redocly"), "lint", description.name, "--format", "json", REDOCLY_TELEMETRY="off"
    )

    report = json.loads(output[output.index('{\n  "totals"') : output.rindex("}") + 1])
    assert report["problems"] == []


@needs_npm
def test_spectral_warns_of_nothing(description: Path) -> None:
    (description.parent / "ruleset.yaml").write_text('extends: ["spectral:oas"]\n')
    run(
        description.parent,
        *(npm_tool("spectral"), "lint", description.name, "--ruleset", "ruleset.yaml", "--fail-severity", "hint"),
    )


def compiled(place: Path, client: str) -> Path:
    """Compile one of our programs in strict mode, together with what was generated for it."""
    copy(CLIENTS / f"{client}.ts", place)
    settings = json.loads((CLIENTS / "tsconfig.json").read_text())
    (place / "tsconfig.json").write_text(json.dumps({**settings, "files": [f"{client}.ts"]}))
    run(place, npm_tool("tsc"), "--project", ".")
    return place / "out" / f"{client}.js"


def run_in_node(api: str, program: Path) -> list[str]:
    return run(program.parents[1], "node", program, RALLY_BRIDGE_URL=api, RALLY_BRIDGE_KEY=CLIENT_KEY).splitlines()


@needs_npm
def test_openapi_fetch_is_strictly_typed_and_works(api: str, description: Path) -> None:
    run(description.parent, npm_tool("openapi-typescript"), description.name, "--output", "schema.d.ts")

    output = run_in_node(api, compiled(description.parent, "openapi_fetch"))
    assert output == [
        "created minimal watching null",
        "notify problems failed,timed_out",
        "shown true",
        "listed 1 string",
        REFUSED,
    ]


@needs_npm
def test_the_client_of_hey_api_is_strictly_typed_and_works(api: str, description: Path) -> None:
    run(description.parent, npm_tool("openapi-ts"), "--input", description.name, "--output", "generated")

    output = run_in_node(api, compiled(description.parent, "hey_api"))
    assert output == [
        "created minimal watching null",
        "notify problems",
        "shown true",
        "listed 1 string",
        REFUSED,
        "event cancelled",
    ]


def load(name: str, path: Path) -> ModuleType:
    spec = util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def test_the_models_of_datamodel_codegen_fit_what_is_sent_and_answered(api: str, description: Path) -> None:
    command = (
        "datamodel-codegen",
        "--input",
        description.name,
        "--input-file-type",
        "openapi",
        "--output",
        "models.py",
    )
    options = (
        "--output-model-type",
        "pydantic_v2.BaseModel",
        "--target-python-version",
        "3.11",
        "--formatters",
        "builtin",
    )
    run(description.parent, VENV / command[0], *command[1:], *options)
    models: Any = load("generated_models", description.parent / "models.py")

    def post(body: Any) -> httpx.Response:
        content = body.model_dump_json()  # null stands for each field that was not given
        headers = {**bearer(CLIENT_KEY), "Content-Type": "application/json"}
        return http.post(f"{api}/v1/watches", content=content, headers=headers)

    callback = models.ToCallback(type="callback", url="https://crm.example.com/hooks", on="problems")
    with plain_client() as http:
        watch = models.WatchResponse.model_validate_json(post(models.WatchBody(importId="minimal")).content)
        whole = models.WatchResponse.model_validate_json(
            post(models.WatchBody(importId="whole", notify=[callback], metadata={"ticket": "RES-12"})).content
        )
        refused = post(models.WatchBody(importId="imp", workspace="other"))

    assert (watch.importId, watch.state.value, watch.createdAt.tzinfo is not None) == ("minimal", "watching", True)
    assert [each.destination for each in whole.notify] == ["https://crm.example.com/…"]
    problem = models.ProblemDocument.model_validate_json(refused.content)
    assert [(each.pointer, each.code) for each in problem.errors] == [("/workspace", "unknown_workspace")]


PROGRAM = """
import os
from datetime import datetime
from generated import AuthenticatedClient
from generated.api.watches import create_watch, get_watch, list_watches
from generated.models import Outcome, ProblemDocument, ToCallback, WatchBody

client = AuthenticatedClient(base_url=os.environ["RALLY_BRIDGE_URL"], token=os.environ["RALLY_BRIDGE_KEY"])
minimal = create_watch.sync(client=client, body=WatchBody(import_id="minimal"))
print("created", minimal.import_id, minimal.state.value, isinstance(minimal.created_at, datetime))
callback = ToCallback(type_="callback", url="https://crm.example.com/hooks", on=[Outcome.FAILED])
body = WatchBody(import_id="whole", notify=[callback])
whole = create_watch.sync(client=client, body=body, idempotency_key="openapi-python-client")
print("notify", [each.destination for each in whole.notify])
print("shown", get_watch.sync(minimal.id, client=client).id == minimal.id)
print("listed", len(list_watches.sync(client=client, limit=1).data))
refused = create_watch.sync(client=client, body=WatchBody(import_id=""))
print("refused", isinstance(refused, ProblemDocument), refused.errors[0].code)
"""


def test_the_client_of_openapi_python_client_works(api: str, description: Path) -> None:
    place = description.parent
    output = run(
        place,
        *(VENV / "openapi-python-client", "generate", "--path", description.name, "--meta", "none"),
        *("--output-path", "generated", "--overwrite"),
    )
    assert "Warning" not in output, output
    (place / "program.py").write_text(PROGRAM)

    done = run(place, sys.executable, "program.py", RALLY_BRIDGE_URL=api, RALLY_BRIDGE_KEY=CLIENT_KEY)
    assert done.splitlines() == [
        "created minimal watching True",
        "notify ['https://crm.example.com/…']",
        "shown True",
        "listed 1",
        "refused True too_short",
    ]
