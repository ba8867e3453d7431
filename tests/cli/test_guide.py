"""The guide to the command line, compared with the commands themselves."""

import re
from pathlib import Path

import click
import pytest

from bridge.cli import COMMANDS, SERVICE, main
from bridge.cli.exit_codes import MEANINGS
from bridge.cli.remote import tab_separated

TEXT = (Path(__file__).parents[2] / "bridge" / "docs" / "shell.md").read_text()


def test_the_guide_lists_every_exit_code() -> None:
    listed = re.findall(r"^\| (\d+) \| (.+) \|$", TEXT, re.MULTILINE)
    assert {int(code): meaning for code, meaning in listed} == dict(MEANINGS)


def test_the_guide_lists_every_command_that_calls_a_bridge() -> None:
    listed = set(re.findall(r"^\| `rally-bridge ([\w-]+)", TEXT, re.MULTILINE))
    assert listed == COMMANDS.keys() - SERVICE


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - SERVICE))
def test_the_guide_names_every_option(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    options = {flag for each in command.params if isinstance(each, click.Option) for flag in each.opts}
    assert [flag for flag in options if not re.search(rf"(?<!\S)`?{flag}\b", TEXT)] == []


def test_the_guide_names_the_columns_of_the_list_in_their_order() -> None:
    assert ", ".join(f"`{name}`" for name in tab_separated.COLUMNS) in " ".join(TEXT.split())
