"""A shell in front of a live bridge: its commands run within the test's process."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from tests.support.command_line import run_at_terminal, run_here
from tests.support.live_bridge import LiveBridge
from tests.support.world import CLIENT_KEY


@dataclass(frozen=True)
class Shell:
    """Runs `rally-bridge` with the address of a bridge and a key of its client."""

    bridge: LiveBridge
    cwd: Path

    def environment(self, **changes: str) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "RALLY_BRIDGE_URL": self.bridge.url,
            "RALLY_BRIDGE_KEY": CLIENT_KEY,
            "COLUMNS": "200",
            **changes,
        }

    def run(self, *arguments: str, **changes: str) -> "CompletedProcess[str]":
        """Run a command whose stdout and stderr are no terminals."""
        return run_here(*arguments, env=self.environment(**changes), cwd=self.cwd)

    def at_terminal(self, *arguments: str, columns: int, **changes: str) -> "CompletedProcess[str]":
        """Run a command at a terminal of this width."""
        env = self.environment(**{"COLUMNS": str(columns), "TERM": "xterm-256color", **changes})
        return run_at_terminal(*arguments, env=env, cwd=self.cwd)

    def json(self, *arguments: str) -> Any:
        """Run a command with --json that must succeed, and return what it printed."""
        ran = self.run(*arguments, "--json")
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)

    def start(self, *arguments: str, **changes: str) -> "subprocess.Popen[str]":
        """Start a command as a process, where a test depends on signals or on how Python itself starts."""
        command = [sys.executable, "-m", "bridge.cli", *arguments]
        env = self.environment(**changes)
        return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
