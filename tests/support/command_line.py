"""The command line within the test's own process: the same output and exit code without half a second of imports."""

import os
import pty
import sys
import tty
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from io import BytesIO, TextIOWrapper
from pathlib import Path
from subprocess import CompletedProcess

from bridge.cli import main


def run_here(*arguments: str, env: Mapping[str, str], cwd: Path) -> "CompletedProcess[str]":
    """Run `rally-bridge` with this environment and no other."""
    out, err = _stream(), _stream()
    with only_environment(env), chdir(cwd), redirect_stdout(out), redirect_stderr(err):
        code = _exit_code(arguments)
    return CompletedProcess(arguments, code, _text(out), _text(err))


def run_at_terminal(*arguments: str, env: Mapping[str, str], cwd: Path) -> "CompletedProcess[str]":
    """Run `rally-bridge` with a terminal as its stdout; `env` has its width and kind in COLUMNS and TERM."""
    ours, its = pty.openpty()
    tty.setraw(its)  # line ends stay as they are written
    err = _stream()
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(_all_from, ours)
        with (
            os.fdopen(its, "w", encoding="utf-8") as out,
            only_environment(env),
            chdir(cwd),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            code = _exit_code(arguments)
        return CompletedProcess(arguments, code, reading.result(10), _text(err))


def _all_from(terminal: int) -> str:
    """Read a terminal until its other side is closed, which Linux reports as an error."""
    written = b""
    try:
        while chunk := os.read(terminal, 4096):
            written += chunk
    except OSError:
        pass
    os.close(terminal)
    return written.decode()


def _exit_code(arguments: tuple[str, ...]) -> int:
    code = 0
    try:
        main(list(arguments), prog_name="rally-bridge")
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code


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
