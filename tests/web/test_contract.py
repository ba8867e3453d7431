"""Schemathesis against the running API: its responses match its OpenAPI document."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.api_process import served
from tests.support.world import CLIENT_KEY

HOME = Path(__file__).parents[2]
SUPPORT = HOME / "tests" / "support"
EXAMPLES = "200"


@pytest.mark.slow
def test_the_api_conforms_to_its_openapi_document(redis_url: str, tmp_path: Path) -> None:
    """`/events` is excluded, because no watch ends here; tests/web/endpoints/test_events.py tests it."""
    with served(redis_url) as url:
        command = [
            *(
                str(Path(sys.executable).parent / "schemathesis"),
                "--config-file",
                str(SUPPORT / "schemathesis.toml"),
                "run",
                f"{url}/openapi.json",
            ),
            *("--header", f"Authorization: Bearer {CLIENT_KEY}"),
            *("--checks", "all", "--continue-on-failure", "--max-examples", EXAMPLES, "--seed", "7"),
            *("--exclude-path", "/v1/watches/{watch_id}/events", "--request-timeout", "10"),
        ]
        hooks = {"SCHEMATHESIS_HOOKS": "tests.support.schemathesis_hooks", "PYTHONPATH": str(HOME)}
        env = {**os.environ, **hooks, "NO_PROXY": "127.0.0.1"}
        ran = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False)
        assert ran.returncode == 0, ran.stdout[-20_000:] + ran.stderr[-5_000:]
