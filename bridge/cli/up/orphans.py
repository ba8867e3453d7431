"""Stopping of the processes that a killed `up` left running."""

import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

import psutil

from bridge.cli.up.data_dir import DataDir
from bridge.cli.up.pidfile import PidRecord, PidRecords

PATIENCE = 15.0
"""Seconds until a process is killed that does not stop."""


def stop_leftovers(data: DataDir, echo: Callable[[str], None]) -> None:
    """Stop the processes that a killed `up` left running on this data directory."""
    records = PidRecords(data.pids)
    for orphan in stop_orphans(records.leftover()):
        echo(f"{orphan.name} (pid {orphan.pid}) was left behind by a killed `rally-bridge up`; stopped")
    records.clear()


def stop_orphans(records: Sequence[PidRecord], *, patience: float = PATIENCE) -> Sequence[PidRecord]:
    """Stop the processes that still run, last started first, so Redis last. Return them once they have ended."""
    running = [record for record in reversed(records) if record.process()]
    for record in running:
        _end(record, patience)
    return running


def _end(record: PidRecord, patience: float) -> None:
    with suppress(psutil.NoSuchProcess):
        if process := record.process():
            process.terminate()
    deadline = time.monotonic() + patience
    while record.process():
        if time.monotonic() > deadline:
            _kill_group(record)
        time.sleep(0.05)


def _kill_group(record: PidRecord) -> None:
    """Kill the process with its whole session, whose leader it is."""
    with suppress(ProcessLookupError):
        if record.process() and os.getpgid(record.pid) == record.pid:
            os.killpg(record.pid, signal.SIGKILL)
