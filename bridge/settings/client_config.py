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
"""An id of Slack's; a channel's name can change, and can't be posted to."""
RESERVED = f"no client may be named {OPERATOR!r}: notices to the operator are signed in that name"
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
    """Read `name:key,name:key:admin,name:key:workspaces=one+another`; raises ValueError naming every problem."""
    found: list[Client] = []
    wrong: list[str] = []
    for number, (name, key, role) in enumerate(key_entries(text), start=1):
        named, _, workspaces = role.partition("=")
        if not NAME.fullmatch(name):
            wrong.append(f"entry {number} needs a name of a-z, 0-9, - and _ before its first colon")
        elif name == OPERATOR:
            wrong.append(RESERVED)
        elif len(key) < SHORTEST_KEY:
            wrong.append(f"the key of {name!r} must have at least {SHORTEST_KEY} characters")
        elif role not in {"", "admin"} and (named != "workspaces" or not workspaces):
            wrong.append(f"behind the key of {name!r} only :admin or :workspaces=one+another may stand")
        elif any(digest(key) in known.digests for known in found):
            wrong.append(f"the key of {name!r} stands there twice")
        else:
            permissions = Permissions(workspaces=frozenset(workspaces.split("+")) if workspaces else None)
            found.append(Client(name=name, admin=role == "admin", digests=(digest(key),), permissions=permissions))
    if wrong or not found:
        raise ValueError("; ".join(wrong) or "must hold at least one name:key")
    return tuple(found)


class _Entry(BaseModel):
    """A client as the file has it."""

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
    """Read a clients file; raises ValueError naming every problem.

    Its path is told as `repr` writes it: a name of a file may hold bytes that are no text, and must not break the
    telling.
    """
    try:
        document = tomllib.loads(Path(path).read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path!r} can't be read ({type(error).__name__})") from error
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path!r} is not TOML: {error}") from error
    entries = document.pop("clients", {})
    wrong = [f"{path!r}: {name!r} is not known; clients stand under [clients.NAME]" for name in document]
    if not isinstance(entries, dict) or not entries:
        raise ValueError("; ".join([*wrong, f"{path!r} names no client"]))
    found: list[Client] = []
    for name, entry in entries.items():
        try:
            found.append(_Entry.model_validate(entry).client(name))
        except ValidationError as error:
            wrong += [f"{path!r}: {problem}" for problem in _problems(name, error)]
    wrong += [f"{path!r}: {name!r} is no name of a-z, 0-9, - and _" for name in entries if not NAME.fullmatch(name)]
    wrong += [f"{path!r}: {RESERVED}" for name in entries if name == OPERATOR]
    digests = [each for client in found for each in client.digests]
    if len(set(digests)) < len(digests):
        wrong.append(f"{path!r}: a key stands there twice")
    if wrong:
        raise ValueError("; ".join(wrong))
    return tuple(found)


def _problems(name: str, error: ValidationError) -> Iterator[str]:
    """Describe each problem of an entry without its value: it may be a key in the place of its digest."""
    for finding in findings(error):
        yield f"{'.'.join(map(str, (name, *finding['loc'])))} {sentence(finding, _SENTENCES)}"
