"""The data directory of `up`: locked by one `up` at a time, private to its owner."""

import errno
import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bridge.cli.errors import CannotStart

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True, slots=True)
class DataDir:
    """The paths within the data directory."""

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
def open_data_dir(path: Path) -> Iterator[DataDir]:
    """Create the directory if needed and lock it.

    Raises CannotStart if another `up` holds the lock, and if a file within it can't be read or written, for example
    after a start by another user.
    """
    path = path.absolute()
    try:
        _make_private(path)
        lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise CannotStart(
            f"The data directory {path} can't be created or written to: {error.strerror}. Name another with --data-dir."
        ) from error
    try:
        _lock(lock, path)
        yield DataDir(path)
    except OSError as error:
        if not _concerns(error, path):
            raise
        raise CannotStart(
            f"{error.filename or path} can't be read or written to: {error.strerror}."
            " Fix that, or name another data directory with --data-dir."
        ) from error
    finally:
        os.close(lock)


def _concerns(error: OSError, path: Path) -> bool:
    """Return whether an error is about the directory. A full disk names no file; `up` writes nowhere else."""
    if error.filename is None:
        return error.errno in FULL
    return isinstance(error.filename, str) and Path(error.filename).is_relative_to(path)


def _make_private(path: Path) -> None:
    for missing in reversed([p for p in (path, *path.parents) if not p.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)
    (path / "redis").mkdir(mode=0o700, exist_ok=True)


def _lock(lock: int, path: Path) -> None:
    """Lock the file; the kernel releases the lock when this process ends, however it ends."""
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
    """Write a file atomically and durably, readable by its owner only."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # created with mode 0600
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
