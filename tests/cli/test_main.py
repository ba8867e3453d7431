"""The command itself: its version and its list of commands."""

import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

from bridge.cli import COMMANDS
from tests.support.command_line import run_here
from tests.support.processes import OURS


def test_it_prints_its_version(tmp_path: Path) -> None:
    assert run_here("--version", env={}, cwd=tmp_path).stdout == f"rally-bridge, version {version('rally-bridge')}\n"


def test_an_image_prints_its_commit_as_well(tmp_path: Path) -> None:
    printed = run_here("--version", env={"RALLY_BRIDGE_COMMIT": "1a2b3c"}, cwd=tmp_path).stdout
    assert printed == f"rally-bridge, version {version('rally-bridge')} (commit 1a2b3c)\n"


@pytest.mark.parametrize(
    "arguments",
    [["--help"], *(pytest.param(each, marks=pytest.mark.slow) for each in (["--version"], ["list", "--help"]))],
)
def test_help_that_can_not_be_written_is_one_sentence(arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run([*OURS, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    said = "The output can't be written: No space left on device. What was asked for may have been done.\n"
    assert (ran.returncode, ran.stderr) == (1, said)


def test_the_help_describes_every_command_in_one_line(tmp_path: Path) -> None:
    said = run_here("--help", env={"COLUMNS": "80"}, cwd=tmp_path).stdout
    lines = said.partition("Commands:\n")[2].partition("\n\n")[0].splitlines()
    assert [line.split()[0] for line in lines] == sorted(COMMANDS)
    assert [line for line in lines if line.endswith("...") or len(line.split()) < 3] == []


@pytest.mark.parametrize("option", ["--url", "--key"])
def test_an_option_before_the_command_is_sent_to_its_place(option: str, tmp_path: Path) -> None:
    ran = run_here(option, "https://bridge.example.com", "list", env={}, cwd=tmp_path)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert f"Error: {option} goes after the command: rally-bridge list {option} …" in ran.stderr
