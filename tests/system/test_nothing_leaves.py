"""`rally-bridge up --sandbox` sends nothing out of the machine, and asks no name server."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.closed_network import HOSTS, UNSHARE

HOME = Path(__file__).parents[2]


def can_unshare() -> bool:
    """Return whether this machine has network namespaces for this user; CI must have them."""
    if shutil.which(UNSHARE[0]) is None:
        return False
    return subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(
    not os.environ.get("CI") and not can_unshare(), reason="this user may not make a network namespace (unshare --net)"
)
def test_a_sandbox_without_a_network_delivers_to_every_host_and_no_process_tries_to_leave(tmp_path: Path) -> None:
    program = [*UNSHARE, sys.executable, "-m", "tests.support.closed_network", str(tmp_path / "data")]
    ended = subprocess.run(program, cwd=HOME, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
    seen = json.loads(ended.stdout)

    assert seen["verdicts"] == ["accepted"] * len(HOSTS)
    assert seen["addresses"] == [
        "http://1.1.1.1/hooks/rally",
        "http://10.0.0.5:8443/hooks/rally",
        "http://localhost:3000/hooks/rally",
        "https://chat.internal/hooks/rally",
        "https://crm.example.com/hooks/rally",
        "https://hooks.slack.com/services/T000/B000/…",
        "https://ops.example.com/hooks/rally",
        "https://slack.com/api/chat.postMessage",
    ]
    assert seen["attempts"] == 0
    assert seen["with_one"] > 0, "the count includes an attempt to resolve a name"
