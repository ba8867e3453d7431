"""`rally-bridge rules test`: what each rule would do, and why, without sending anything."""

import json
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.settings.test_model import GOOD
from tests.support.command_line import run_here
from tests.support.world import RALLY_KEY, World

pytestmark = pytest.mark.anyio

RULES = """\
[destinations.room]
type = "slack_webhook"
url = "https://hooks.slack.com/services/T/B/hunter2"

[[rules]]
name = "csv"
types = ["CSV"]
notify = ["room"]

[[rules]]
name = "eu"
workspaces = ["eu"]
notify = ["room"]

[[rules]]
name = "all"
outcomes = "always"
notify = ["room", {type = "slack", channel = "C0PANELS1"}]
mode = "digest"
digest = {every = "1h"}

[workspaces.eu]
key = "k"
"""
EVENT = {
    "_eventType": "person_import.csv.finished",
    "importId": "imp",
    "status": "ERROR",
    "updatedAt": "2020-01-01T00:00:00Z",
    "failedRecords": [{"email": "jane@example.com"}],
}


class Trials:
    """The command on rules of its own, with the sandbox as Rally."""

    def __init__(self, world: World, folder: Path) -> None:
        self._folder = folder
        (folder / "bridge.toml").write_text(RULES)
        self._env = {
            "PATH": "/usr/bin",
            **GOOD,
            "BRIDGE_CONFIG_FILE": "./bridge.toml",
            "SLACK_BOT_TOKEN": "xoxb-1",
            "RALLY_API_KEY": RALLY_KEY,
            "RALLY_BASE_URL": f"{world.sandbox.url}/rally/api/public/v1",
        }

    async def run(self, *arguments: str) -> tuple[int, str, str]:
        ran = await anyio.to_thread.run_sync(
            lambda: run_here("rules", "test", *arguments, env=self._env, cwd=self._folder)
        )
        assert "hunter2" not in ran.stdout + ran.stderr
        assert "jane" not in ran.stdout + ran.stderr
        return ran.returncode, ran.stdout, ran.stderr

    async def run_on(self, event: Any) -> str:
        (self._folder / "event.json").write_text(event if isinstance(event, str) else json.dumps(event))
        code, out, err = await self.run("event.json")
        return out if code == 0 else f"{code}: {err}"


@pytest.fixture
async def trials(world: World, tmp_path: Path) -> Trials:
    return Trials(world, tmp_path)


async def test_an_import_is_read_once_and_each_rule_says_what_it_would_do(world: World, trials: Trials) -> None:
    await world.sandbox.set_import("imp", ("COMPLETED", 0), failed=2)

    code, out, err = await trials.run("imp")

    assert code == 0
    assert err == "Warning: no secret is set for pushes to workspace default, so its rules see none.\n"
    assert out.splitlines() == [
        "csv tells",
        "  room",
        "eu tells nobody: the rule does not cover its workspace",
        "all tells",
        "  room: no, the rule csv tells this destination",
        "  #C0PANELS1, in a digest unless it is a callback",
    ]
    assert len(await world.sandbox.requests()) == 1
    assert await world.sandbox.messages() == []


async def test_the_same_for_programs(world: World, trials: Trials) -> None:
    await world.sandbox.set_import("imp", ("COMPLETED", 0))

    shown = json.loads((await trials.run("imp", "--json"))[1])

    assert shown["importId"] == "imp"
    assert [(each["rule"], each["effect"]) for each in shown["rules"]] == [
        ("csv", "silent"),
        ("eu", "silent"),
        ("all", "tells"),
    ]
    assert shown["rules"][2]["destinations"][0] == {"destination": "room", "skipped": None}


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("UPLOADING", "waits for its end: Rally reports UPLOADING, which is not finished"),
        (None, "waits for its end: Rally knows no such import"),
    ],
)
async def test_an_import_without_an_end_is_waited_for(
    world: World, trials: Trials, status: str | None, reason: str
) -> None:
    if status:
        await world.sandbox.set_import("imp", (status, 0))

    _, out, _ = await trials.run("imp")

    assert out.splitlines()[0] == f"csv {reason}"


async def test_a_push_that_no_rule_has_read_costs_no_call(world: World, trials: Trials) -> None:
    stale = await trials.run_on(EVENT)

    assert stale.splitlines() == [
        "csv adds it to a summary: the import ended more than 1d before its push",
        "eu tells nobody: the rule does not cover its workspace",
        "all adds it to a summary: the import ended more than 1d before its push",
    ]
    assert "tells nobody" in await trials.run_on({**EVENT, "importId": "test_imp"})
    assert await world.sandbox.requests() == []


async def test_a_push_that_a_rule_has_read_is_decided_by_the_reading(world: World, trials: Trials) -> None:
    await world.sandbox.set_import("imp", ("ERROR", 0))

    fresh = await trials.run_on({name: value for name, value in EVENT.items() if name != "updatedAt"})

    assert fresh.splitlines()[:2] == ["csv tells", "  room"]


@pytest.mark.parametrize(
    ("event", "answer"),
    [
        ({"_eventType": "person.opted_out"}, "This event is not about an import: no rule sees it.\n"),
        ("no JSON", "2: event.json is not a push of Rally: the body is not JSON.\n"),
        ([], "2: event.json is not a push of Rally: the body is not a JSON object.\n"),
        ({**EVENT, "importId": 5}, "2: event.json is not a push of Rally: the importId is not a string.\n"),
    ],
)
async def test_what_is_no_push_is_said(trials: Trials, event: Any, answer: str) -> None:
    assert await trials.run_on(event) == answer


async def test_wrong_usage_is_a_sentence(trials: Trials, tmp_path: Path) -> None:
    assert await trials.run("missing.json") == (2, "", "missing.json can't be read: No such file or directory.\n")
    assert (await trials.run("imp", "--workspace", "us"))[2] == (
        "There is no workspace 'us'; there are: default, eu.\n"
    )
    (tmp_path / "bridge.toml").write_text("")
    assert (await trials.run("imp"))[2] == ("There are no rules: the file of BRIDGE_CONFIG_FILE has no [[rules]].\n")
