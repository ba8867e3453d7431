"""A short run of the failover harness: each kind of failover once. How long a recovery takes depends on the machine."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE = 420.0


@pytest.mark.slow
def test_no_failover_loses_what_was_acknowledged() -> None:
    command = [sys.executable, "-m", "tests.failover", "--runs", "1", "--recovery", "60"]
    done = subprocess.run(
        command, cwd=ROOT, timeout=PATIENCE, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert done.returncode == 0, done.stdout
