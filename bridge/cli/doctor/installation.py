"""The bridge to examine: that of the environment, or that of a data directory of `rally-bridge up`; read only."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil

from bridge.cli.errors import CannotStart
from bridge.cli.up import embedded_redis, environment
from bridge.cli.up.data_dir import DataDir
from bridge.cli.up.environment import UserSettings
from bridge.cli.up.generated_secrets import FOR_THE_BRIDGE, FOR_THE_SANDBOX, MODE, SANDBOX, load
from bridge.cli.up.pidfile import PidRecords

USUAL_SANDBOX_PORT = 8081


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """The environment of a bridge, and where it is from."""

    environ: Mapping[str, str] = field(repr=False)
    name: str
    start: str
    """The remedy if its Redis is unreachable."""
    hint: str | None = None
    """A further line below problems of the settings."""


OF_ENVIRONMENT = Installation(
    environ=os.environ,
    name="the environment and .env",
    start="Check that Redis runs and that this machine can reach it, or correct REDIS_URL.",
)


def locate(data_dir: Path | None, defaults: Sequence[Path]) -> Installation:
    """Return the bridge of `data_dir`, else of the environment if it has REDIS_URL, else of a default directory.

    Raises CannotStart if no `up` has used `data_dir`.
    """
    user = UserSettings.read(data_dir)
    if data_dir is None and user.has("REDIS_URL"):
        return OF_ENVIRONMENT
    for path in [data_dir] if data_dir is not None else defaults:
        data = DataDir(path.absolute())
        if generated := _load(data):
            return _made_by_up(data, generated, UserSettings.read(data.path))
    if data_dir is not None:
        raise CannotStart(f"No `rally-bridge up` has used the data directory {data_dir.absolute()}.")
    return OF_ENVIRONMENT if user.unreadable else replace(OF_ENVIRONMENT, hint=_hint())


def _hint() -> str:
    """Return what may be the reason that settings are missing: the command runs in another folder than the bridge."""
    if Path(".env").exists():
        return "There is no data directory of `rally-bridge up` here either; if you use one, name it with --data-dir."
    return (
        f"{Path.cwd()} has no .env: if the bridge has one, run this in its folder; if `up` started it, use --data-dir."
    )


def _load(data: DataDir) -> Mapping[str, str]:
    try:
        return load(data)
    except OSError as error:
        raise CannotStart(f"{data.secrets} can't be read: {error.strerror}.") from error


def _made_by_up(data: DataDir, generated: Mapping[str, str], user: UserSettings) -> Installation:
    sandbox = generated.get(MODE) == SANDBOX
    needed = {**FOR_THE_BRIDGE, **FOR_THE_SANDBOX} if sandbox else FOR_THE_BRIDGE
    if missing := sorted(needed.keys() - generated.keys()):
        raise CannotStart(f"{data.secrets} lacks {', '.join(missing)}: start rally-bridge up, which generates them.")
    redis_url = None if user.has("REDIS_URL") else embedded_redis.url(_socket(data))
    up = f"rally-bridge up{' --sandbox' if sandbox else ''} --data-dir {data.path}"
    return Installation(
        environ=environment.of_bridge(
            user, generated, redis_url, sandbox_port=_sandbox_port(data) if sandbox else None
        ),
        name=f"{data.path}{', with its sandbox' if sandbox else ''}",
        start=f"Start it: {up}" if redis_url else OF_ENVIRONMENT.start,
        hint="If `up` was started with variables that this shell lacks, set them here too, or write them into .env.",
    )


def _socket(data: DataDir) -> Path:
    return embedded_redis.existing_socket(data) or data.path / "redis.sock"


def _sandbox_port(data: DataDir) -> int:
    """Return the port in the command line of the running sandbox, or the default port if none runs."""
    try:
        records = PidRecords(data.pids).leftover()
        processes = [record.process() for record in records if record.name == "sandbox"]
        words = processes[0].cmdline() if processes and processes[0] else []
        return int(words[words.index("--port") + 1])
    except (OSError, ValueError, TypeError, LookupError, psutil.Error):
        return USUAL_SANDBOX_PORT
