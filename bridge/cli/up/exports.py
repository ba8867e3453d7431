"""The variables for a shell: printed as `export` lines, and written to files that a shell can source."""

import shlex
from collections.abc import Mapping
from pathlib import Path

from bridge.cli.up.data_dir import DataDir, write_private

FILE = "exports.sh"
RALLY_FILE = "rally.sh"
"""A file of its own: a bridge that is started from a shell with these variables would call the simulated Rally."""
URL = "RALLY_BRIDGE_URL"
KEY = "RALLY_BRIDGE_KEY"


def of_bridge(api: str, key: str | None) -> Mapping[str, str]:
    """Return what the command line and the Python client need; without a key that belongs to the user."""
    return {URL: api} if key is None else {URL: api, KEY: key}


def of_sandbox(sandbox: str, generated: Mapping[str, str]) -> Mapping[str, str]:
    """Return the address and the key of the simulated Rally, for scripts that import people."""
    return {"RALLY_BASE_URL": f"{sandbox}/rally/api/public/v1", "RALLY_API_KEY": generated["SANDBOX_RALLY_KEY"]}


def lines(exports: Mapping[str, str]) -> list[str]:
    return [f"export {name}={shlex.quote(value)}" for name, value in exports.items()]


def write(data: DataDir, exports: Mapping[str, str], file: str = FILE) -> Path:
    """Write the lines into the data directory, readable by its owner only; return the path."""
    path = data.path / file
    write_private(path, "".join(f"{line}\n" for line in lines(exports)))
    return path
