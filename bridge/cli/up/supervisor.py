"""Supervision of a few programs: start them in order, restart those that exit, stop all in reverse order."""

import time
from collections.abc import Callable, Sequence

from bridge.cli.errors import ChildFailed
from bridge.cli.up.child import FORCED_PATIENCE, STOP_PATIENCE, Child
from bridge.cli.up.data_dir import DataDir
from bridge.cli.up.pidfile import PidRecords
from bridge.cli.up.program import Program
from bridge.cli.up.restarts import consecutive_exits, describe_exit, restart_delay, should_give_up
from bridge.cli.up.signals import Signals

Echo = Callable[[str], None]

TICK = 0.2
"""Seconds between two checks; an exit of a child and a signal to stop are noticed at once."""
READY_WITHOUT_A_CHECK = 3.0


class StopRequested(Exception):
    """A signal asked `up` to stop."""


class Supervisor:
    """Runs programs, in start order, until a signal asks to stop."""

    def __init__(self, programs: Sequence[Program], *, data: DataDir, signals: Signals, echo: Echo) -> None:
        self._children = [Child(program, data.logs / f"{program.name}.log") for program in programs]
        self._records = PidRecords(data.pids)
        self._signals = signals
        self._echo = echo

    def run(self, when_ready: Callable[[], None]) -> None:
        """Run until a requested stop. Raises ChildFailed if a program fails. All programs are stopped first."""
        force = False
        try:
            for child in self._children:
                self._echo(f"{child.name} started as pid {child.start(self._records)}")
                self._await_ready(child)
            when_ready()
            while True:
                self._tick()
        except StopRequested:
            self._echo("stopping; press Ctrl-C again to stop at once")
        finally:
            for child in reversed(self._children):
                patience = FORCED_PATIENCE if force else STOP_PATIENCE
                force = child.stop(self._signals, patience=patience) or force
            self._records.clear()

    def _await_ready(self, child: Child) -> None:
        deadline = time.monotonic() + child.program.patience
        while child.program.ready and not child.ready:
            if time.monotonic() > deadline:
                raise ChildFailed(self._failure(child, f"was not ready after {child.program.patience:.0f} s"))
            self._tick()

    def _tick(self) -> None:
        """Wait for TICK, then check every child that has been started."""
        if self._signals.wait(TICK):
            raise StopRequested
        for child in self._children:
            if child.process:
                self._check(child, child.process.poll())
                child.rotate_log()

    def _check(self, child: Child, exit_code: int | None) -> None:
        now = time.monotonic()
        if exit_code is None:
            child.ready = child.ready or self._is_ready(child, now)
            child.was_ready = child.was_ready or child.ready
        elif child.restart_at is None:
            self._on_exit(child, exit_code, now)
        elif now >= child.restart_at:
            self._echo(f"{child.name} started again as pid {child.start(self._records)}")

    def _is_ready(self, child: Child, now: float) -> bool:
        if child.program.ready is None or child.process is None:
            return now - child.started >= READY_WITHOUT_A_CHECK
        return child.program.ready(child.process.pid)

    def _on_exit(self, child: Child, exit_code: int, now: float) -> None:
        ended = describe_exit(exit_code)
        child.exits = consecutive_exits(child.exits, lived=now - child.started)
        if should_give_up(exit_code, exits=child.exits, was_ready=child.was_ready):
            raise ChildFailed(self._failure(child, ended))
        pause = restart_delay(child.exits)
        if pause:
            child.restart_at = now + pause
            self._echo(f"{child.name} {ended}; starting again in {pause:g} s")
        else:
            self._echo(f"{child.name} {ended}; started again as pid {child.start(self._records)}")

    def _failure(self, child: Child, ended: str) -> str:
        last = child.log_tail()
        return f"{child.name} {ended}" + (f":\n{last}" if last else "") + f"\nIts log: {child.log}"
