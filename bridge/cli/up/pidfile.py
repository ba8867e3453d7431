"""The processes that `up` has started, on record, so that the next `up` can end what a killed one left behind."""

import json
import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from bridge.cli.up.data_dir import write_private

CLOCK_TOLERANCE = 2.0
"""Seconds by which a process's start may seem to move: it is told relative to a boot time that the clock corrects."""
PATIENCE = 15.0


@dataclass(frozen=True, slots=True)
class PidRecord:
    """One process: an id alone says nothing, as the system hands it out again."""

    name: str
    pid: int
    created: float

    @classmethod
    def of(cls, name: str, pid: int) -> "PidRecord":
        return cls(name, pid, psutil.Process(pid).create_time())

    def process(self) -> psutil.Process | None:
        """Find the process, if it is still the one that was recorded; one that waits to be reaped is gone."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) <= CLOCK_TOLERANCE
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


class PidRecords:
    """`pids.json` in the data directory: the current process of each program, in the order of their start."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._records: dict[str, PidRecord] = {}

    def left_behind(self) -> Sequence[PidRecord]:
        """Read what an earlier `up` recorded and did not clear."""
        if not self._path.exists():
            return ()
        return tuple(PidRecord(**entry) for entry in json.loads(self._path.read_text()))

    def add(self, name: str, pid: int) -> None:
        """Record a program's process; it takes the place of the program's earlier one."""
        self._records[name] = PidRecord.of(name, pid)
        write_private(self._path, json.dumps([asdict(record) for record in self._records.values()]))

    def clear(self) -> None:
        """Forget all: they have ended."""
        self._records.clear()
        self._path.unlink(missing_ok=True)


def end_orphans(records: Sequence[PidRecord], *, patience: float = PATIENCE) -> Sequence[PidRecord]:
    """End those that still run, last started first, so Redis last; return when they are really gone."""
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
    """Kill the process with all of its session, which it leads since it was started so."""
    with suppress(ProcessLookupError):
        if record.process() and os.getpgid(record.pid) == record.pid:
            os.killpg(record.pid, signal.SIGKILL)
