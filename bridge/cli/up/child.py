"""The processes of a supervisor: started so that none is ever unrecorded, stopped politely, then by force."""

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from bridge.cli.up.pidfile import PidRecords
from bridge.cli.up.program import Program
from bridge.cli.up.signals import Signals

LOG_LIMIT = 10 * 1024 * 1024
TAIL_LINES = 15
TAIL_BYTES = 16 * 1024
STOP_PATIENCE = 15.0
HURRIED_PATIENCE = 1.0

# The child waits for a line before it becomes the program: if `up` is killed before it has recorded the process id,
# the line never comes and the child ends by itself. So there is no moment at which an unknown orphan could live on.
WAIT_FOR_THE_RECORD = ("/bin/sh", "-c", 'read -r go && exec "$@"', "sh")


@dataclass(slots=True)
class Child:
    """One program's current process, and how its earlier ones fared."""

    program: Program
    log: Path
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    log_start: int = 0
    deaths: int = 0
    due: float | None = None
    ready: bool = False
    proven: bool = field(default=False)

    @property
    def name(self) -> str:
        return self.program.name

    def start(self, records: PidRecords) -> int:
        """Start a process in a session of its own (a Ctrl-C is for `up` alone) and record it before it runs."""
        with _open_log(self.log) as log:
            self.log_start = log.tell()
            process = subprocess.Popen(  # noqa: S603 - the command lines are our own
                [*WAIT_FOR_THE_RECORD, *self.program.argv],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(self.program.env),
                start_new_session=True,
                umask=0o077,
            )
        records.add(self.name, process.pid)
        with contextlib.suppress(BrokenPipeError):  # killed already: its end is seen like any other
            _let_go(process)
        self.process, self.started, self.due, self.ready = process, time.monotonic(), None, False
        return process.pid

    def stop(self, signals: Signals, *, patience: float) -> bool:
        """End the process and wait for it; tell whether a further signal asked to be quick about it."""
        hurried = False
        if self.process is None or self.process.poll() is not None:
            return hurried
        self.process.terminate()
        deadline = time.monotonic() + patience
        while self.process.poll() is None:
            if signals.wait(0.1) and not hurried:
                hurried, deadline = True, min(deadline, time.monotonic() + HURRIED_PATIENCE)
            if time.monotonic() > deadline:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        return hurried

    def last_lines(self) -> str:
        """Give the end of what the current process has logged."""
        with self.log.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(self.log_start, size - TAIL_BYTES))
            lines = log.read().decode(errors="replace").splitlines()
        return "\n".join(f"  {line}" for line in lines[-TAIL_LINES:])


def _let_go(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        with process.stdin as stdin:
            stdin.write(b"go\n")


def _open_log(path: Path) -> BinaryIO:
    """Open a log to append to, readable by its owner alone; one that has grown large steps aside first."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    if path.exists() and path.stat().st_size > LOG_LIMIT:
        path.replace(path.with_suffix(".log.1"))
    log = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")
    log.seek(0, os.SEEK_END)
    return log
