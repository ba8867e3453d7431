"""The recipes of README.md and the guides, run as they are against `rally-bridge up --sandbox`."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from dotenv import dotenv_values

from tests.support.processes import Journey, free_ports, up, wait_for

HOME = Path(__file__).parents[2]
PAGES = [HOME / "README.md", *sorted((HOME / "bridge" / "docs").glob("*.md"))]
MARKED = [
    recipe
    for page in PAGES
    for recipe in re.findall(r"^<!-- recipe: (\S+) -->\n```\w+\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)
]
"""The name and the text of each recipe. One that is on several pages is the same on all of them."""
RECIPES = dict(MARKED)

pytestmark = pytest.mark.slow  # they start the whole service, and wait as long as imports take


@pytest.fixture(scope="module")
def journey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
    data = tmp_path_factory.mktemp("recipes") / "data"
    with up(data, free_ports(), POLL_FLOOR="200ms", EGRESS_ALLOW="127.0.0.0/8") as journey:
        yield journey


def environment(journey: Journey) -> dict[str, str]:
    """Return the variables that `up` writes for a shell; `rally-bridge` and `python3` are those of this run."""
    written = {**dotenv_values(journey.data / "exports.sh"), **dotenv_values(journey.data / "rally.sh")}
    return {
        **{name: str(value) for name, value in written.items()},
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "GITHUB_WORKFLOW": "Panel upload",
        "IMPORT_ID": "demo-completed-of-the-step",
    }


def start(journey: Journey, place: Path, *command: str, **more: str) -> "subprocess.Popen[str]":
    env = {**environment(journey), **more}
    return subprocess.Popen(command, cwd=place, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def end(running: "subprocess.Popen[str]") -> str:
    out, err = running.communicate(timeout=60)
    assert running.returncode == 0, err
    return out


@pytest.mark.parametrize(("recipe", "label"), [("first", None), ("curl", "Q4 panel upload")])
def test_the_curl_recipe_returns_the_watch(journey: Journey, tmp_path: Path, recipe: str, label: str | None) -> None:
    watch = json.loads(end(start(journey, tmp_path, "bash", "-c", RECIPES[recipe])))
    assert (watch["state"], watch["label"]) == ("watching", label)


def step() -> str:
    """Return what the step of GitHub Actions runs, but for the installation: this run has its own."""
    _, _, indented = RECIPES["github-actions"].partition("run: |\n")
    install, *rest = [line.strip() for line in indented.splitlines()]
    assert install.startswith("python3 -m venv .rally && .rally/bin/pip install")
    return "\n".join(rest).replace(".rally/bin/", "")


def test_scripts_wait_for_the_end(journey: Journey, tmp_path: Path) -> None:
    """All at once, since each waits as long as an import takes."""
    end(start(journey, tmp_path, "bash", "-c", RECIPES["people"]))
    python = start(journey, tmp_path, "python3", "-c", RECIPES["python"])
    asynchronous = start(journey, tmp_path, "python3", "-c", RECIPES["python-async"])
    shell = start(journey, tmp_path, "bash", "-c", RECIPES["shell"])
    github = start(journey, tmp_path, "bash", "-e", "-c", step())

    assert end(python) == "completed_with_failures 117 3\n"
    assert end(asynchronous) == "watch watching\noutcome settled\n"
    assert end(shell) == "all are in\n"
    assert json.loads((tmp_path / "import.json").read_text())["import"]["personCount"] == 2
    assert "✓ completed  Panel upload" in end(github)


@contextmanager
def receiving(journey: Journey, place: Path, *command: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Run a receiver with the calling client's secret, until it takes connections."""
    port = free_ports()
    secret = end(start(journey, place, "bash", "-c", RECIPES["secret"] + 'echo "$CALLBACK_SECRET"')).strip()
    running = start(journey, place, *command, CALLBACK_SECRET=secret, PORT=str(port), PYTHONUNBUFFERED="1")
    url = f"http://127.0.0.1:{port}/hooks/rally"
    try:
        wait_for(lambda: journey.http.post(url, content=b"{}"), "the receiver")
        yield url, running
    finally:
        running.terminate()
        running.communicate(timeout=10)


def call(journey: Journey, method: str, path: str, body: Any = None) -> Any:
    url, headers = f"http://127.0.0.1:{journey.port}{path}", {"Authorization": f"Bearer {journey.key}"}
    answer = journey.http.request(method, url, json=body, headers=headers)
    answer.raise_for_status()
    return answer.json()


def assert_it_accepts_only_genuine_callbacks(journey: Journey, url: str, running: "subprocess.Popen[str]") -> None:
    destination = {"type": "callback", "url": url}
    tested = call(journey, "POST", "/v1/destinations/test", {"destination": destination})
    assert (tested["verdict"], tested["status"]) == ("accepted", 204)
    story = {"type": "CSV", "people": 120, "failed": 0, "statuses": [{"status": "ERROR", "after": 0}]}
    control = f"http://127.0.0.1:{journey.port + 1}/control/imports/received"
    journey.http.put(control, json=story).raise_for_status()
    call(journey, "POST", "/v1/watches", {"importId": "received", "notify": [destination]})
    assert running.stdout is not None
    assert " watch.test " in running.stdout.readline()
    assert " import.failed " in running.stdout.readline()
    forged = {"webhook-id": "ntf_1", "webhook-timestamp": "1800000000", "webhook-signature": "v1,AAAA"}
    assert journey.http.post(url, json={}, headers=forged).status_code == 400


def test_the_receiver_in_python_accepts_only_genuine_callbacks(journey: Journey, tmp_path: Path) -> None:
    (tmp_path / "receiver.py").write_text(RECIPES["receiver.py"])
    with receiving(journey, tmp_path, "python3", "receiver.py") as (url, running):
        assert_it_accepts_only_genuine_callbacks(journey, url, running)


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node.js here")
@pytest.mark.skipif(
    not (HOME / "tests" / "node_modules" / "standardwebhooks").is_dir(),
    reason="the package is not here: npm ci --prefix tests",
)
def test_the_receiver_in_node_accepts_only_genuine_callbacks(journey: Journey, tmp_path: Path) -> None:
    (tmp_path / "node_modules").symlink_to(HOME / "tests" / "node_modules")
    (tmp_path / "receiver.mjs").write_text(RECIPES["receiver.mjs"])
    with receiving(journey, tmp_path, "node", "receiver.mjs") as (url, running):
        assert_it_accepts_only_genuine_callbacks(journey, url, running)


def test_every_recipe_is_run() -> None:
    receiving = {"secret", "receiver.py", "receiver.mjs"}
    assert (
        RECIPES.keys() == {"first", "curl", "people", "shell", "github-actions", "python", "python-async"} | receiving
    )
    assert set(MARKED) == set(RECIPES.items())
