"""The configuration of clients: BRIDGE_API_KEYS, and the TOML file BRIDGE_CLIENTS_FILE.

The file holds no secret, only digests of keys:

    [clients.crm]
    keys = ["sha256:…"]               # one, or two while a key is rotated: `rally-bridge keys new crm`
    admin = false                     # whether it sees the watches of all clients
    workspaces = ["default"]          # what it may use; everything if left out
    slack_channels = ["C0123ABCD"]
    named = ["research-ops"]
    callback_hosts = ["crm.example.com", "*.crm.example.com"]
"""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from bridge.domain.clients import Client, Permissions, digest
from bridge.domain.notices import OPERATOR
from bridge.settings.parsers import NAME, parts
from bridge.validation_text import findings, sentence

SHORTEST_KEY = 16
DIGEST = "sha256:"
CHANNEL = r"^[CGD][A-Z0-9]{5,30}$"
"""An id of a Slack channel; names of channels can change and can't be posted to."""
RESERVED = f"no client may be named {OPERATOR!r}: that name signs notices to the operator"
_DIGEST = r"^sha256:[0-9a-f]{64}$"
_HOST = r"^((\*\.)?[^\s/:@*]+|[0-9a-fA-F:.]+)$"
_SENTENCES = {
    "extra_forbidden": "is not known",
    "missing": "is required",
    _DIGEST: "must be sha256: and 64 hexadecimal digits, as `rally-bridge keys new` prints it",
    CHANNEL: "must be a channel's id, such as C0123ABCD; its details in Slack show it at the very end",
    _HOST: "must be a host alone, such as crm.example.com or *.example.com",
}
"""By the type of pydantic's finding, or by the pattern that is not matched."""


class KeyEntry(NamedTuple):
    """One entry of BRIDGE_API_KEYS; parts that are missing are empty."""

    name: str
    key: str
    role: str


def key_entries(text: str) -> list[KeyEntry]:
    """Split `name:key,name:key:role` without checking it."""
    entries = (part.split(":", 2) for part in parts(text))
    return [KeyEntry(*entry, *[""] * (3 - len(entry))) for entry in entries]


def from_keys(text: str) -> tuple[Client, ...]:
    """Read `name:key,name:key:admin,name:key:workspaces=one+another`. Raises ValueError with every problem."""
    clients: list[Client] = []
    problems: list[str] = []
    for number, (name, key, role) in enumerate(key_entries(text), start=1):
        named, _, workspaces = role.partition("=")
        if not NAME.fullmatch(name):
            problems.append(f"entry {number} needs a name of a-z, 0-9, - and _ before its first colon")
        elif name == OPERATOR:
            problems.append(RESERVED)
        elif len(key) < SHORTEST_KEY:
            problems.append(f"the key of {name!r} must have at least {SHORTEST_KEY} characters")
        elif role not in {"", "admin"} and (named != "workspaces" or not workspaces):
            problems.append(f"after the key of {name!r} only :admin or :workspaces=one+another is allowed")
        elif any(digest(key) in known.digests for known in clients):
            problems.append(f"the key of {name!r} occurs twice")
        else:
            permissions = Permissions(workspaces=frozenset(workspaces.split("+")) if workspaces else None)
            clients.append(Client(name=name, admin=role == "admin", digests=(digest(key),), permissions=permissions))
    if problems or not clients:
        raise ValueError("; ".join(problems) or "must hold at least one name:key")
    return tuple(clients)


class _Entry(BaseModel):
    """A client's table in the file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    keys: Annotated[list[Annotated[str, StringConstraints(pattern=_DIGEST)]], Field(min_length=1, max_length=2)]
    admin: bool = False
    workspaces: list[str] | None = None
    slack_channels: list[Annotated[str, StringConstraints(pattern=CHANNEL)]] | None = None
    named: list[str] | None = None
    callback_hosts: list[Annotated[str, StringConstraints(pattern=_HOST, to_lower=True)]] | None = None

    def client(self, name: str) -> Client:
        permissions = Permissions(
            workspaces=_set(self.workspaces),
            slack_channels=_set(self.slack_channels),
            named=_set(self.named),
            callback_hosts=_set(self.callback_hosts),
        )
        digests = tuple(bytes.fromhex(each.removeprefix(DIGEST)) for each in self.keys)
        return Client(name=name, admin=self.admin, digests=digests, permissions=permissions)


def _set(names: list[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)


def from_file(path: str) -> tuple[Client, ...]:
    """Read a clients file. Raises ValueError with every problem.

    Messages show its path as `repr` does, as the name of a file may hold bytes that are not text.
    """
    try:
        document = tomllib.loads(Path(path).read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path!r} can't be read ({type(error).__name__})") from error
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path!r} is not TOML: {error}") from error
    entries = document.pop("clients", {})
    problems = [f"{path!r}: {name!r} is not known; clients belong under [clients.NAME]" for name in document]
    if not isinstance(entries, dict) or not entries:
        raise ValueError("; ".join([*problems, f"{path!r} names no client"]))
    clients: list[Client] = []
    for name, entry in entries.items():
        try:
            clients.append(_Entry.model_validate(entry).client(name))
        except ValidationError as error:
            problems += [f"{path!r}: {problem}" for problem in _problems(name, error)]
    problems += [
        f"{path!r}: {name!r} must be a name of a-z, 0-9, - and _" for name in entries if not NAME.fullmatch(name)
    ]
    problems += [f"{path!r}: {RESERVED}" for name in entries if name == OPERATOR]
    digests = [each for client in clients for each in client.digests]
    if len(set(digests)) < len(digests):
        problems.append(f"{path!r}: a key occurs twice")
    if problems:
        raise ValueError("; ".join(problems))
    return tuple(clients)


def _problems(name: str, error: ValidationError) -> Iterator[str]:
    """Describe each problem of an entry without its value: it may be a key in the place of its digest."""
    for finding in findings(error):
        yield f"{'.'.join(map(str, (name, *finding['loc'])))} {sentence(finding, _SENTENCES)}"
