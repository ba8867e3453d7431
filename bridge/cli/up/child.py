"""The processes of a supervisor: recorded before they run, stopped by SIGTERM, then by SIGKILL."""

import contextlib
import os
import shutil
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
FORCED_PATIENCE = 1.0

# The child waits for a line before it executes the program. If `up` is killed before it has recorded the process id,
# the line never arrives and the child exits, so no unrecorded process survives.
WAIT_UNTIL_RECORDED = ("/bin/sh", "-c", 'read -r go && exec "$@"', "sh")


@dataclass(slots=True)
class Child:
    """One program's current process, and the history of its restarts."""

    program: Program
    log: Path
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    log_start: int = 0
    exits: int = 0
    """The number of consecutive exits without a healthy run in between."""
    restart_at: float | None = None
    ready: bool = False
    was_ready: bool = field(default=False)
    """Whether any process of this program became ready."""

    @property
    def name(self) -> str:
        return self.program.name

    def start(self, records: PidRecords) -> int:
        """Start a process in its own session, so that Ctrl-C reaches `up` alone, and record it before it runs."""
        with _open_log(self.log) as log:
            self.log_start = log.tell()
            process = subprocess.Popen(  # noqa: S603 - the command lines are our own
                [*WAIT_UNTIL_RECORDED, *self.program.argv],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(self.program.env),
                start_new_session=True,
                umask=0o077,
            )
        records.add(self.name, process.pid)
        with contextlib.suppress(BrokenPipeError):  # killed already: the supervisor sees its exit
            _release(process)
        self.process, self.started, self.restart_at, self.ready = process, time.monotonic(), None, False
        return process.pid

    def stop(self, signals: Signals, *, patience: float) -> bool:
        """Stop the process and wait for its exit. Return whether another signal asked to shorten the wait."""
        force = False
        if self.process is None or self.process.poll() is not None:
            return force
        self.process.terminate()
        deadline = time.monotonic() + patience
        while self.process.poll() is None:
            if signals.wait(0.1) and not force:
                force, deadline = True, min(deadline, time.monotonic() + FORCED_PATIENCE)
            if time.monotonic() > deadline:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        return force

    def rotate_log(self) -> None:
        """Keep a log above LOG_LIMIT as a second file, and empty the first, into which the process goes on to write."""
        with contextlib.suppress(OSError):  # a full disk must not stop the supervisor
            if self.log.stat().st_size > LOG_LIMIT:
                shutil.copyfile(self.log, _rotated(self.log))
                os.truncate(self.log, 0)
                self.log_start = 0

    def log_tail(self) -> str:
        """Return the last lines that the current process has logged."""
        with self.log.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(self.log_start, size - TAIL_BYTES))
            lines = log.read().decode(errors="replace").splitlines()
        return "\n".join(f"  {line}" for line in lines[-TAIL_LINES:])


def _release(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        with process.stdin as stdin:
            stdin.write(b"go\n")


def _rotated(path: Path) -> Path:
    return path.with_suffix(".log.1")


def _open_log(path: Path) -> BinaryIO:
    """Open a log for appending, readable by its owner only. A log above LOG_LIMIT is renamed first."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    if path.exists() and path.stat().st_size > LOG_LIMIT:
        path.replace(_rotated(path))
    log = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")
    log.seek(0, os.SEEK_END)
    return log
