"""Prometheus' own checks, by `promtool` of Debian's package prometheus."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(
    PROMTOOL is None and "CI" not in os.environ, reason="promtool is not installed: apt-get install prometheus"
)
"""Without promtool these tests are skipped, except in CI, which installs it."""


def promtool(*arguments: str, given: str = "", cwd: Path | None = None) -> str:
    """Return what promtool prints about a text; raise AssertionError if it finds a problem."""
    ended = subprocess.run(
        [PROMTOOL or "promtool", *arguments],
        input=given,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    printed = ended.stdout + ended.stderr
    assert ended.returncode == 0, printed
    return printed
