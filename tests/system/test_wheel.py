"""The wheel as users install it: built from the source, in a virtual environment of its own, run outside the source."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import free_ports, up, wait_for

HOME = Path(__file__).parents[2]


def run(*command: str | Path) -> None:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """Return the command of a fresh environment that holds the built wheel and its locked dependencies."""
    environment = tmp_path / "environment"
    pip = ("-m", "pip", "--disable-pip-version-check")
    run(sys.executable, *pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path, HOME)
    (wheel,) = tmp_path.glob("rally_bridge-*.whl")
    run(sys.executable, "-m", "venv", environment)
    python = environment / "bin" / "python"
    run(python, *pip, "install", "--quiet", "--only-binary", ":all:", "--constraint", constraints(tmp_path), wheel)
    return environment / "bin" / "rally-bridge"


def constraints(directory: Path) -> Path:
    """Write the versions of requirements.lock, without the hashes, which would be asked of the wheel as well."""
    pins = [line.partition("\\")[0] for line in (HOME / "requirements.lock").read_text().splitlines() if "==" in line]
    file = directory / "constraints.txt"
    file.write_text("\n".join(pins))
    return file


@pytest.mark.slow  # builds a wheel and installs everything that the product needs
def test_the_wheel_runs_a_watch_to_its_messages(installed: Path, tmp_path: Path) -> None:
    with up(tmp_path / "data", free_ports(), program=[str(installed)]) as journey:
        server = journey.child("redis.sock").exe()
        watch = journey.post("demo-completed-1")
        wait_for(lambda: len(journey.messages()) == 2, "both messages")

        assert journey.get(watch)["outcome"] == "completed"
        assert all(message["verified"] for message in journey.messages())
        assert journey.http.get(f"http://127.0.0.1:{journey.port}/docs/api").status_code == 200
    assert Path(server).is_relative_to(installed.parents[1]), "the bundled Valkey"
