"""The exit codes: one table for the help, and one rule for a watch that was followed."""

import re
from pathlib import Path

import pytest

from bridge.cli.exit_codes import MEANINGS, ExitCode, exit_code
from tests.support.command_line import run_here


def test_every_exit_code_has_a_meaning() -> None:
    assert list(MEANINGS) == list(ExitCode)


@pytest.mark.parametrize("arguments", [[], ["watch"], ["follow"], ["test"]], ids=str)
def test_the_help_lists_every_exit_code(arguments: list[str], tmp_path: Path) -> None:
    said = run_here(*arguments, "--help", env={"COLUMNS": "60"}, cwd=tmp_path).stdout
    listed = re.findall(r"^  +(\d+)  (.+)$", said, re.MULTILINE)
    assert {int(code): meaning for code, meaning in listed} == dict(MEANINGS)


@pytest.mark.parametrize(
    ("ended", "outcome", "states", "code"),
    [
        (True, "completed", [], ExitCode.SUCCESS),
        (True, "completed", ["delivered", "skipped"], ExitCode.SUCCESS),
        (True, "completed_with_failures", [], ExitCode.COMPLETED_WITH_FAILURES),
        (True, "failed", ["delivered"], ExitCode.FAILED),
        *((True, outcome, [], ExitCode.OTHER_END) for outcome in ("not_found", "forbidden", "timed_out", None)),
        (False, None, [], ExitCode.STILL_OPEN),
        (True, "completed", ["abandoned", "pending"], ExitCode.STILL_OPEN),
        (True, "completed", ["abandoned", "delivered"], ExitCode.NOT_DELIVERED),
        (True, "failed", ["abandoned"], ExitCode.NOT_DELIVERED),
    ],
)
def test_the_exit_code_tells_how_a_watch_ended(
    *, ended: bool, outcome: str | None, states: list[str], code: ExitCode
) -> None:
    assert exit_code(ended=ended, outcome=outcome, delivery_states=states) is code
