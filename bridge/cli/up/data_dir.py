"""The directory that `up` keeps everything in: opened by one `up` at a time, private to its owner."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bridge.cli.errors import CannotStart


@dataclass(frozen=True, slots=True)
class DataDir:
    """Where each thing lies."""

    path: Path

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def redis(self) -> Path:
        return self.path / "redis"

    @property
    def secrets(self) -> Path:
        return self.path / "secrets.env"

    @property
    def pids(self) -> Path:
        return self.path / "pids.json"


@contextmanager
def opened(path: Path) -> Iterator[DataDir]:
    """Make the directory where it is missing and hold it; raises CannotStart, also when another `up` holds it.

    So it does for what is not ours to read or write within, as after a start by another user.
    """
    path = path.absolute()
    try:
        _make_private(path)
        lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise CannotStart(
            f"The data directory {path} can't be made or written to: {error.strerror}. Name another with --data-dir."
        ) from error
    try:
        _hold(lock, path)
        yield DataDir(path)
    except OSError as error:
        if not isinstance(error.filename, str) or not Path(error.filename).is_relative_to(path):
            raise
        raise CannotStart(
            f"{error.filename} can't be read or written to: {error.strerror}."
            " Mend that, or name another data directory with --data-dir."
        ) from error
    finally:
        os.close(lock)


def _make_private(path: Path) -> None:
    for missing in reversed([p for p in (path, *path.parents) if not p.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)
    (path / "redis").mkdir(mode=0o700, exist_ok=True)


def _hold(lock: int, path: Path) -> None:
    """Lock the file through the kernel, which lets go by itself when this process ends, in whatever way."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(lock, 20, 0).decode().strip() or "unknown"
        raise CannotStart(
            f"Another `rally-bridge up` (pid {holder}) uses the data directory {path}."
            " Stop it, or name another directory with --data-dir."
        ) from error
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all, also when the machine stops meanwhile."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # made with mode 0600
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
