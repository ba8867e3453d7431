"""Tables of the configuration file, for tests."""

import json

from bridge.domain.clients import digest


def workspace(name: str, key: str, base_url: str | None = None) -> str:
    return _table(f"workspaces.{name}", key=key, **({} if base_url is None else {"base_url": base_url}))


def destination(name: str, kind: str, url: str) -> str:
    return _table(f"destinations.{name}", type=kind, url=url)


def client(name: str, *keys: str, **lists: list[str]) -> str:
    return _table(f"clients.{name}", keys=[f"sha256:{digest(key).hex()}" for key in keys], **lists)


def _table(name: str, **values: str | list[str]) -> str:
    """Write a table; strings and lists of strings are the same in JSON and TOML."""
    return "\n".join([f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items()), ""])
