"""The first `.env` and `bridge.toml`, with fresh keys. Existing files are never overwritten."""

import os
import re
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from bridge.cli.api_keys import new_key
from bridge.cli.up.generated_secrets import FOR_THE_BRIDGE
from bridge.domain.clients import DIGEST_PREFIX, digest

USUAL_REDIS = "redis://localhost:6379/0"
_PLAIN = re.compile(r"[\w@%+=:,./?&*-]*", re.ASCII)
PRIVATE, READABLE = 0o600, 0o644
ENV = """\
# Settings of rally-bridge; its configuration guide lists all of them. This file holds secrets.
BRIDGE_CONFIG_FILE=./bridge.toml
REDIS_URL={redis_url}
# The API key of your Rally workspace
RALLY_API_KEY={rally_key}
# Encrypts private data in Redis, which can't be read without it
BRIDGE_ENCRYPTION_KEYS={encryption_key}
# Signs callbacks
CALLBACK_SECRETS={callback_secret}
"""
CONFIG = """\
# Workspaces, named destinations and clients of rally-bridge. Check it: rally-bridge config check
# A secret x is given as x, as x_file (a path) or as x_env (a variable's name). As written here, this file holds none.

# A client: an internal tool, by the digest of its key. For another key: rally-bridge keys new NAME
[clients.admin]
keys = ["{digest}"]
admin = true # sees the watches of all clients

# [clients.crm]
# keys = ["sha256:…"]
# named = ["research-ops"]              # what it may use; everything if left out
# callback_hosts = ["crm.example.com"]

# A destination that clients use by its name
# [destinations.research-ops]
# type = "slack_webhook"
# url_env = "RESEARCH_OPS_URL"

# Rules: which destinations are notified of imports without a watch, once Rally pushes their ends (see the guide)
# [[rules]]
# name = "ops-csv"
# types = ["CSV"]                       # all if left out
# outcomes = "problems"
# notify = ["research-ops"]

# A Rally account beside that of RALLY_API_KEY
# [workspaces.eu]
# key_env = "RALLY_API_KEY_EU"
"""


@dataclass(frozen=True, slots=True)
class FirstFiles:
    """The texts of both files, and the key of the client `admin`."""

    env: str = field(repr=False)
    config: str = field(repr=False)
    key: str = field(repr=False)

    @classmethod
    def generate(cls, *, rally_key: str, redis_url: str) -> "FirstFiles":
        key = new_key()
        env = ENV.format(
            redis_url=_quoted(redis_url or USUAL_REDIS),
            rally_key=_quoted(rally_key),
            encryption_key=FOR_THE_BRIDGE["BRIDGE_ENCRYPTION_KEYS"](),
            callback_secret=FOR_THE_BRIDGE["CALLBACK_SECRETS"](),
        )
        return cls(env=env, config=CONFIG.format(digest=f"{DIGEST_PREFIX}{digest(key).hex()}"), key=key)

    @property
    def export_line(self) -> str:
        return f"export RALLY_BRIDGE_KEY={self.key}"


def _quoted(value: str) -> str:
    """Write a value for `.env`; in quotes only where it needs them, as `docker --env-file` keeps them."""
    return value if _PLAIN.fullmatch(value) else "'{}'".format(value.replace("'", "\\'"))


def write_new(folder: Path, files: FirstFiles) -> list[Path]:
    """Write both files, or none. Raises FileExistsError if one exists, and OSError if one can't be written."""
    texts = {folder / ".env": (files.env, PRIVATE), folder / "bridge.toml": (files.config, READABLE)}
    for path in texts:
        if path.is_symlink() or path.exists():
            raise FileExistsError(None, "exists", str(path))
    folder.mkdir(parents=True, exist_ok=True)
    created: list[Path] = []
    try:
        for path, (text, mode) in texts.items():
            _create(path, text, mode)
            created.append(path)
    except OSError:
        for path in created:
            with suppress(OSError):
                path.unlink()
        raise
    return created


def _create(path: Path, text: str, mode: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:  # for example a full disk; it does not name the file
        path.unlink()
        raise OSError(error.errno, error.strerror, str(path)) from error
