"""The log of a program of `up`: it is rotated while the program writes it."""

import os
import sys
from pathlib import Path

from bridge.cli.up.child import LOG_LIMIT, Child
from bridge.cli.up.pidfile import PidRecords
from bridge.cli.up.program import Program
from tests.support.processes import wait_for

WRITER = """
import sys
print("before", flush=True)
open(sys.argv[1]).read()
print("after", flush=True)
"""


def test_a_log_that_is_too_long_is_kept_as_a_second_file_and_begins_anew(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    child = Child(Program(name="api", argv=(sys.executable, "-c", WRITER, str(gate)), env={}), tmp_path / "api.log")
    child.start(PidRecords(tmp_path / "pids"))
    wait_for(lambda: "before" in child.log.read_text(), "the program writes")
    child.rotate_log()
    untouched = child.log.read_text()
    with child.log.open("a") as log:
        log.write("x" * LOG_LIMIT)
    child.rotate_log()
    rotated = (tmp_path / "api.log.1").read_text()
    gate.write_text("go on")
    assert child.process is not None
    child.process.wait(10)

    assert untouched == "before\n"
    assert rotated.startswith("before\nxxx")
    assert child.log.read_text() == "after\n"
    assert child.log_tail() == "  after"
