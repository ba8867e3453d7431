"""A short run of the fault harness, with a fixed seed."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECONDS, SEED = 110, 8
"""Long enough to suspend a worker beyond a delivery's lease; with an even seed, a clock runs ahead."""
PATIENCE = 420.0


@pytest.mark.slow
def test_no_promise_is_broken_by_random_faults() -> None:
    command = [sys.executable, "-m", "tests.faults", "--seconds", str(SECONDS), "--seed", str(SEED)]
    done = subprocess.run(
        command, cwd=ROOT, timeout=PATIENCE, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert done.returncode == 0, done.stdout
