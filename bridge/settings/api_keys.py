"""BRIDGE_API_KEYS: clients by name and key, without restrictions. Further clients are configured in bridge.toml."""

from typing import NamedTuple

from bridge.domain.clients import DIGEST_PREFIX, SHORTEST_KEY, Client, digest
from bridge.domain.notices.notices import OPERATOR
from bridge.settings.parsers import NAME, NAME_IN_WORDS, parts, visible
from bridge.settings.problems import shown

RESERVED = f"no client may be named {OPERATOR!r}: that name signs notices to the operator"
WORKSPACES = "workspaces="
"""The option that entries once had."""


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
    """Read `name:key,name:key:admin`. Raises ValueError with every problem."""
    clients: list[Client] = []
    problems: list[str] = []
    for number, entry in enumerate(key_entries(text), start=1):
        if problem := _problem(entry, number):
            problems.append(problem)
        elif any(digest(entry.key) in known.digests for known in clients):
            problems.append(f"the key of {entry.name!r} occurs twice")
        else:
            clients.append(Client(name=entry.name, admin=entry.role == "admin", digests=(digest(entry.key),)))
    if problems or not clients:
        raise ValueError("; ".join(problems) or "must hold at least one name:key")
    return tuple(clients)


def _problem(entry: KeyEntry, number: int) -> str | None:  # noqa: PLR0911 - a table
    if not entry.key or not NAME.fullmatch(entry.name):
        return f"entry {number} must be name:key or name:key:admin, with {NAME_IN_WORDS}"
    if entry.name == OPERATOR:
        return RESERVED
    if len(entry.key) < SHORTEST_KEY:
        return f"the key of {shown(entry.name)!r} must have at least {SHORTEST_KEY} characters"
    try:
        visible(entry.key)
    except ValueError as error:
        return f"the key of {shown(entry.name)!r} {error}"
    if entry.role.startswith(WORKSPACES):
        return _moved(entry)
    if entry.role not in {"", "admin"}:
        return f"after the key of {shown(entry.name)!r} only :admin is allowed"
    return None


def _moved(entry: KeyEntry) -> str:
    """Return the lines to write in place of an entry with options."""
    workspaces = [f'"{shown(each)}"' for each in entry.role.removeprefix(WORKSPACES).split("+") if each]
    return (
        f"permissions are configured in the file of BRIDGE_CONFIG_FILE; instead of entry {shown(entry.name)!r}:\n"
        f"  [clients.{entry.name}]\n"
        f'  keys = ["{DIGEST_PREFIX}{digest(entry.key).hex()}"]\n'
        f"  workspaces = [{', '.join(workspaces)}]"
    )
