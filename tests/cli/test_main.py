"""The command itself: its version and its list of commands."""

from importlib.metadata import version
from pathlib import Path

import pytest

from bridge.cli import COMMANDS
from tests.support.command_line import run_here


def test_it_prints_its_version(tmp_path: Path) -> None:
    assert run_here("--version", env={}, cwd=tmp_path).stdout == f"rally-bridge, version {version('rally-bridge')}\n"


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
