"""The server's product, version and role: from HELLO, which every user may call, and INFO, which an ACL may forbid."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Version: TypeAlias = tuple[int, int]
OLDEST_REDIS: Version = (7, 0)
"""The oldest Redis that is supported: Debian 12's. Every Valkey is newer."""

Hello: TypeAlias = Sequence[Any] | Mapping[Any, Any] | None
"""A reply to HELLO: a flat list of names and values, or a mapping; None without a reply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server as it describes itself; a field is None if the server does not say."""

    product: str = "Redis"
    version: str | None = None
    mode: str | None = None
    """The mode: `standalone`, `sentinel` or `cluster`."""
    role: str | None = None
    """The role: `master` or `replica`."""


def server_of(hello: Hello, info: Mapping[str, Any] | None = None) -> Server:
    """Return the server described by the replies to HELLO and INFO.

    Valkey's `redis_version` is the Redis version that it is compatible with.
    """
    hello_fields = {_text(name): _text(value) for name, value in _pairs(hello)}
    info_fields = info or {}
    valkey = info_fields.get("valkey_version")
    names = {hello_fields.get("server"), info_fields.get("server_name")}
    return Server(
        product="Valkey" if valkey or "valkey" in names else "Redis",
        version=_str_or_none(valkey or hello_fields.get("version") or info_fields.get("redis_version")),
        mode=_str_or_none(hello_fields.get("mode") or info_fields.get("redis_mode")),
        role=_str_or_none(hello_fields.get("role") or info_fields.get("role")),
    )


def dotted(version: Version) -> str:
    """Return `7.0` for (7, 0)."""
    return ".".join(map(str, version))


def _pairs(hello: Hello) -> Sequence[tuple[Any, Any]]:
    if isinstance(hello, Mapping):
        return list(hello.items())
    return list(zip((hello or ())[::2], (hello or ())[1::2], strict=False))


def _text(value: Any) -> Any:
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _str_or_none(value: Any) -> str | None:
    return None if value is None else str(value)
