"""Shell completion of watch ids, named destinations and outcomes."""

import json

import pytest

from bridge.cli.remote.completions import TIME_LIMIT
from tests.support.played_calls import WATCH
from tests.support.prepared_answers import Prepared, answering
from tests.support.shell import Shell
from tests.support.world import OTHER_KEY


def complete(shell: Shell, *words: str, **changes: str) -> list[str]:
    """Return what bash would be offered for the last word."""
    line = " ".join(["rally-bridge", *words])
    asked = {"_RALLY_BRIDGE_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words))}
    ran = shell.run(**asked, **changes)
    assert ran.stderr == ""
    return [each.removeprefix("plain,") for each in ran.stdout.splitlines() if each]


@pytest.fixture(scope="module")
def ids(shell: Shell) -> tuple[str, str]:
    """The ids of an open watch and of a cancelled one."""
    shell.bridge.set_import("imp", ("UPLOADING", 0), ("COMPLETED", 600))
    first, second = shell.json("watch", "imp")["id"], shell.json("watch", "imp")["id"]
    shell.run("cancel", second)
    return first, second


@pytest.mark.parametrize(("command", "every"), [("show", True), ("follow", False), ("cancel", False)])
def test_watch_ids_are_completed(shell: Shell, ids: tuple[str, str], command: str, *, every: bool) -> None:
    open_, cancelled = ids
    assert complete(shell, command, "wat_") == ([cancelled, open_] if every else [open_])
    assert complete(shell, command, open_[:-1])[-1] == open_
    assert complete(shell, command, "wat_x") == []


def test_the_url_and_the_key_of_the_line_are_used(shell: Shell, ids: tuple[str, str]) -> None:
    away = {"RALLY_BRIDGE_URL": "http://127.0.0.1:1", "RALLY_BRIDGE_KEY": OTHER_KEY}
    assert complete(shell, "show", "wat_", **away) == []
    found = complete(shell, "show", "--url", shell.bridge.url, "--key", OTHER_KEY, "wat_", **away)
    assert set(ids).isdisjoint(found)
    assert ids[0] in complete(shell, "show", "--url", shell.bridge.url, "wat_", RALLY_BRIDGE_URL="")


def test_named_destinations_are_completed(shell: Shell) -> None:
    assert complete(shell, "watch", "imp", "--named", "") == ["crm", "ops"]
    assert complete(shell, "test", "--named", "o") == ["ops"]


def test_outcomes_are_completed_also_within_a_list(shell: Shell) -> None:
    assert complete(shell, "watch", "imp", "--on", "")[:3] == ["always", "problems", "completed"]
    assert complete(shell, "watch", "imp", "--on", "failed,tim") == ["failed,timed_out"]


def test_commands_are_completed(shell: Shell) -> None:
    assert complete(shell, "fol") == ["follow"]


@pytest.mark.parametrize(
    "changes",
    [
        {"RALLY_BRIDGE_KEY": ""},
        {"RALLY_BRIDGE_KEY": "rbk_wrong"},
        {"RALLY_BRIDGE_URL": "http://127.0.0.1:1"},
        {"RALLY_BRIDGE_URL": "nonsense"},
        {"RALLY_BRIDGE_KEY": "", "RALLY_BRIDGE_KEY_FILE": "/nowhere"},
    ],
    ids=str,
)
def test_a_failed_completion_offers_and_prints_nothing(shell: Shell, changes: dict[str, str]) -> None:
    assert complete(shell, "show", "wat_", **changes) == []


def test_a_completion_does_not_wait_for_a_bridge_that_answers_slowly(shell: Shell) -> None:
    page = json.dumps({"data": [WATCH], "nextCursor": None}).encode()
    with answering(Prepared(page, seconds=6 * TIME_LIMIT)) as url:
        assert complete(shell, "show", "", RALLY_BRIDGE_URL=url) == []
    with answering(Prepared(page)) as url:
        assert complete(shell, "show", "", RALLY_BRIDGE_URL=url) == [WATCH["id"]]


@pytest.mark.parametrize("kind", ["bash", "zsh", "fish"])
def test_a_script_is_printed_for_each_shell(shell: Shell, kind: str) -> None:
    assert "_RALLY_BRIDGE_COMPLETE" in shell.run("completion", kind).stdout
