"""A process of a run, with its log."""

import asyncio
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic


@dataclass
class Program:
    """A process that is restarted whenever it has ended, unless it is `held` down."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    log: Path
    held: bool = False
    stopped: bool = False
    running: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.running = subprocess.Popen(self.argv, env=self.env, cwd=self.log.parent, stdout=log, stderr=log)

    def died_with(self) -> int | None:
        """Return the exit code of a process that ended although the harness had not ended it."""
        return None if self.running is None or self.held else self.running.poll()

    def signal(self, number: int) -> None:
        """Send a signal to the process that we started, if it still exists."""
        if self.running is not None:
            self.running.send_signal(number)

    async def ended(self, patience: float) -> bool:
        until = monotonic() + patience
        while monotonic() < until:
            if self.running is None or self.running.poll() is not None:
                return True
            await asyncio.sleep(0.02)
        return False
