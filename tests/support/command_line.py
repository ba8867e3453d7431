"""The command line within the test's own process: the same output and exit code without half a second of imports."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from io import BytesIO, TextIOWrapper
from pathlib import Path
from subprocess import CompletedProcess

from bridge.cli import main


def run_here(*arguments: str, env: Mapping[str, str], cwd: Path) -> "CompletedProcess[str]":
    """Run `rally-bridge` with this environment and no other."""
    out, err, code = _stream(), _stream(), 0
    with only_environment(env), chdir(cwd), redirect_stdout(out), redirect_stderr(err):
        try:
            main(list(arguments), prog_name="rally-bridge")
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
        sys.stdout.flush()
        sys.stderr.flush()
    return CompletedProcess(arguments, code, _text(out), _text(err))


def _stream() -> TextIOWrapper:
    return TextIOWrapper(BytesIO(), encoding="utf-8", write_through=True)


def _text(stream: TextIOWrapper) -> str:
    written = stream.buffer
    assert isinstance(written, BytesIO)
    return written.getvalue().decode()


@contextmanager
def only_environment(env: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(env)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
