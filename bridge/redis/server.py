"""Which server this is: HELLO tells it to every user; what INFO adds, only to those who may ask."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Version: TypeAlias = tuple[int, int]
OLDEST_REDIS: Version = (7, 0)
"""The oldest Redis that is supported: Debian 12's. Every Valkey is newer."""

Hello: TypeAlias = Sequence[Any] | Mapping[Any, Any] | None
"""A reply to HELLO: names and values in turn, or by name; None where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server as it describes itself; None: it does not say."""

    product: str = "Redis"
    version: str | None = None
    mode: str | None = None
    """`standalone`, `sentinel` or `cluster`."""
    role: str | None = None
    """`master` or `replica`."""


def server_of(hello: Hello, info: Mapping[str, Any] | None = None) -> Server:
    """Read the replies to HELLO and to INFO.

    Valkey gives the version of Redis that it is compatible with as `redis_version`.
    """
    told = {_text(name): _text(value) for name, value in _pairs(hello)}
    known = info or {}
    valkey = known.get("valkey_version")
    product = "Valkey" if valkey or "valkey" in {told.get("server"), known.get("server_name")} else "Redis"
    return Server(
        product=product,
        version=_str_or_none(valkey or told.get("version") or known.get("redis_version")),
        mode=_str_or_none(told.get("mode") or known.get("redis_mode")),
        role=_str_or_none(told.get("role") or known.get("role")),
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
