"""Keeps a few programs alive: starts them in order, starts again what dies, stops all in reverse order."""

import time
from collections.abc import Callable, Sequence

from bridge.cli.errors import ChildFailed
from bridge.cli.up.child import HURRIED_PATIENCE, STOP_PATIENCE, Child
from bridge.cli.up.data_dir import DataDir
from bridge.cli.up.pidfile import PidRecords, end_orphans
from bridge.cli.up.program import Program, deaths_in_a_row, describe_end, is_hopeless, pause_before_restart
from bridge.cli.up.signals import Signals

Say = Callable[[str], None]

TICK = 0.2
"""Seconds between two looks; the end of a child and a signal to stop are seen at once, whatever this is."""
READY_WITHOUT_A_CHECK = 3.0


class StopRequested(Exception):
    """A signal asks us to end."""


def clean_up(data: DataDir, say: Say) -> None:
    """End what an `up` that was killed left running on this data directory."""
    records = PidRecords(data.pids)
    for orphan in end_orphans(records.left_behind()):
        say(f"{orphan.name} (pid {orphan.pid}) was left behind by a killed `rally-bridge up`; ended")
    records.clear()


class Supervisor:
    """Runs programs, given in the order of their start, until a signal asks to stop."""

    def __init__(self, programs: Sequence[Program], *, data: DataDir, signals: Signals, say: Say) -> None:
        self._children = [Child(program, data.logs / f"{program.name}.log") for program in programs]
        self._records = PidRecords(data.pids)
        self._signals = signals
        self._say = say

    def run(self, when_ready: Callable[[], None]) -> None:
        """Return after a requested stop; raises ChildFailed when a program does not come up. All are stopped then."""
        hurried = False
        try:
            for child in self._children:
                self._say(f"{child.name} started as pid {child.start(self._records)}")
                self._await_ready(child)
            when_ready()
            while True:
                self._tick()
        except StopRequested:
            self._say("stopping; a second Ctrl-C makes it quick")
        finally:
            for child in reversed(self._children):
                patience = HURRIED_PATIENCE if hurried else STOP_PATIENCE
                hurried = child.stop(self._signals, patience=patience) or hurried
            self._records.clear()

    def _await_ready(self, child: Child) -> None:
        deadline = time.monotonic() + child.program.patience
        while child.program.ready and not child.ready:
            if time.monotonic() > deadline:
                raise ChildFailed(self._told(child, f"was not ready after {child.program.patience:.0f} s"))
            self._tick()

    def _tick(self) -> None:
        """Wait a moment, then see to every child that has been started."""
        if self._signals.wait(TICK):
            raise StopRequested
        for child in self._children:
            if child.process:
                self._look_after(child, child.process.poll())

    def _look_after(self, child: Child, exit_code: int | None) -> None:
        now = time.monotonic()
        if exit_code is None:
            child.ready = child.ready or self._is_ready(child, now)
            child.proven = child.proven or child.ready
        elif child.due is None:
            self._ended(child, exit_code, now)
        elif now >= child.due:
            self._say(f"{child.name} started again as pid {child.start(self._records)}")

    def _is_ready(self, child: Child, now: float) -> bool:
        if child.program.ready is None or child.process is None:
            return now - child.started >= READY_WITHOUT_A_CHECK
        return child.program.ready(child.process.pid)

    def _ended(self, child: Child, exit_code: int, now: float) -> None:
        ended = describe_end(exit_code)
        child.deaths = deaths_in_a_row(child.deaths, lived=now - child.started)
        if is_hopeless(exit_code, deaths=child.deaths, proven=child.proven):
            raise ChildFailed(self._told(child, ended))
        pause = pause_before_restart(child.deaths)
        if pause:
            child.due = now + pause
            self._say(f"{child.name} {ended}; starting again in {pause:g} s")
        else:
            self._say(f"{child.name} {ended}; started again as pid {child.start(self._records)}")

    def _told(self, child: Child, ended: str) -> str:
        last = child.last_lines()
        return f"{child.name} {ended}" + (f":\n{last}" if last else "") + f"\nIts log: {child.log}"
