"""The examples of README.md, run as they are printed and in their order, in a fresh checkout with a fresh venv."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.processes import free_ports, wait_for

HOME = Path(__file__).parents[2]
BLOCK = re.compile(r"^(?:<!-- (?P<mark>.*?) -->\n)?```(?P<language>\w+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
START = "rally-bridge up --sandbox"
NOT_RUN = ("ci: test", "RALLY_API_KEY=…")
"""What the blocks that are not run here have in their mark or text: .ci/run runs the first; the second needs a key."""


@dataclass(frozen=True)
class Block:
    """A block of code, with the comment above it."""

    mark: str
    language: str
    text: str


def blocks() -> list[Block]:
    found = BLOCK.finditer((HOME / "README.md").read_text())
    return [Block(each["mark"] or "", each["language"], each["text"]) for each in found]


def examples() -> list[Block]:
    return [block for block in blocks() if not any(each in block.mark + block.text for each in NOT_RUN)]


def test_the_first_example_starts_the_sandbox_and_each_other_one_uses_it() -> None:
    first, *others = examples()

    assert START in first.text
    assert {block.language for block in others} == {"sh", "python"}
    assert len(blocks()) == len(others) + 1 + len(NOT_RUN)


def checkout(place: Path) -> Path:
    """Copy what git knows, or would add."""
    listed = subprocess.run(
        ["/usr/bin/git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=HOME,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (HOME / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes((HOME / name).read_bytes())
    return place


def environment() -> dict[str, str]:
    """Return the environment of a new terminal, in which the Python of this run is `python3`."""
    kept = {name: value for name, value in os.environ.items() if name in {"HOME", "LANG"} or name.startswith("PIP_")}
    return {**kept, "PATH": f"{sys.base_prefix}/bin:/usr/bin:/bin"}


@contextmanager
def terminal(place: Path, script: str) -> Iterator["subprocess.Popen[str]"]:
    """Run a script in a shell of its own; stop what it has started with Ctrl-C."""
    log = place / "terminal.log"
    with log.open("w") as out:
        shell = subprocess.Popen(
            ["/bin/bash", "-euo", "pipefail", "-c", script],
            cwd=place,
            env=environment(),
            stdout=out,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
    try:
        yield shell
    finally:
        os.killpg(shell.pid, signal.SIGINT)
        shell.wait(60)


def typed(block: Block) -> str:
    """Return what a person types; a Python example is saved to a file first."""
    if block.language == "sh":
        return block.text
    return f"cat > watch.py <<'END'\n{block.text}END\npython watch.py\n"


@pytest.mark.slow
def test_the_examples_run_as_they_are_printed_and_in_their_order(tmp_path: Path) -> None:
    place = checkout(tmp_path)
    first, *others = examples()
    with terminal(place, first.text.replace(START, f"{START} --port {free_ports()}")) as running:
        log = place / "terminal.log"
        wait_for(lambda: running.poll() is not None or "Ctrl-C stops" in log.read_text(), "the banner", patience=180)
        assert running.poll() is None, log.read_text()
        script = "\n".join(f"echo '>>>'\n{typed(block)}" for block in others)
        ended = subprocess.run(
            ["/bin/bash", "-euo", "pipefail", "-c", script],
            cwd=place,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    printed = dict(zip(others, ended.stdout.split(">>>\n")[1:], strict=True))
    curl, shell, python = (
        next(printed[block] for block in others if each in block.text)
        for each in ("curl", "--follow", "from bridge.client import")
    )
    assert json.loads(curl)["state"] == "watching"
    assert "✓ completed" in shell
    assert python == "completed_with_failures 117 3\n"
