"""A record of the processes that `up` started; the next `up` reads it if this one is killed."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from bridge.cli.up.data_dir import write_private

CLOCK_TOLERANCE = 2.0
"""Seconds by which the start time of a process may vary: it is relative to a boot time that clock changes correct."""


@dataclass(frozen=True, slots=True)
class PidRecord:
    """One process, identified by its id and its start time, as the system reuses ids."""

    name: str
    pid: int
    created: float

    @classmethod
    def of(cls, name: str, pid: int) -> "PidRecord":
        return cls(name, pid, psutil.Process(pid).create_time())

    def process(self) -> psutil.Process | None:
        """Return the process if it still runs; None for a zombie, and for another process with the same id."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) <= CLOCK_TOLERANCE
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


class PidRecords:
    """`pids.json` in the data directory: the current process of each program, in start order."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._records: dict[str, PidRecord] = {}

    def leftover(self) -> Sequence[PidRecord]:
        """Return the records that an earlier `up` did not clear."""
        if not self._path.exists():
            return ()
        return tuple(PidRecord(**entry) for entry in json.loads(self._path.read_text()))

    def add(self, name: str, pid: int) -> None:
        """Record a program's process, which replaces the earlier one."""
        self._records[name] = PidRecord.of(name, pid)
        write_private(self._path, json.dumps([asdict(record) for record in self._records.values()]))

    def clear(self) -> None:
        """Delete the records, once all processes have ended."""
        self._records.clear()
        self._path.unlink(missing_ok=True)
