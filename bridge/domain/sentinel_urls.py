"""URLs of a Redis that sentinels watch: they name the sentinels, and its name there."""

import re
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import parse_qsl, urlencode, urlsplit

from bridge.domain.secret import Secret

Address: TypeAlias = tuple[str, int]
USUAL_PORT = 26_379
FORM = "redis+sentinel://[[user]:password@]host[:port],host[:port]/[db]?master=NAME"
_URL = re.compile(
    r"(?P<scheme>rediss?)\+sentinel://(?:(?P<login>[^@/?#]*)@)?(?P<hosts>[^@/?#]+)"
    r"(?P<database>/(?:\d+/?)?)?(?:\?(?P<options>[^@#]*))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SentinelLogin:
    """The user and the password of the sentinels themselves."""

    user: Secret | None = None
    password: Secret | None = None


WITHOUT_LOGIN = SentinelLogin()


@dataclass(frozen=True, slots=True, kw_only=True)
class SentinelUrl:
    """The parts of such a URL."""

    sentinels: tuple[Address, ...]
    master: str
    """The name by which the sentinels know Redis."""
    server: str = field(repr=False)
    """The URL of a single server with the same user, password and options; a sentinel is in the place of its host."""

    @property
    def described(self) -> str:
        """The URL in words, without user, password and options."""
        hosts = ", ".join(f"{host}:{port}" for host, port in self.sentinels)
        return f"the master {self.master} of the sentinels {hosts}"


def sentinel_url(url: str) -> SentinelUrl | None:
    """Return the parts of a URL with sentinels; None for one of a single server.

    Raises ValueError, without a part of the URL, for one that is not valid.
    """
    if "+sentinel:" not in url.partition("//")[0]:
        return None
    found = _URL.fullmatch(url)
    if found is None:
        raise ValueError(f"must be {FORM}; percent-encode special characters")
    options = parse_qsl(found["options"] or "", keep_blank_values=True)
    masters = [value for name, value in options if name == "master"]
    if len(masters) != 1 or not masters[0]:
        raise ValueError(f"must name the master as the sentinels do: {FORM}")
    login = "" if found["login"] is None else f"{found['login']}@"
    rest = urlencode([each for each in options if each[0] != "master"])
    hosts = found["hosts"].split(",")
    server = f"{found['scheme']}://{login}{hosts[0]}{found['database'] or '/'}{'?' if rest else ''}{rest}"
    return SentinelUrl(sentinels=tuple(map(_address, hosts)), master=masters[0], server=server)


def _address(text: str) -> Address:
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or port == 0:
        raise ValueError(f"must have hosts with ports from 1 to 65535: {FORM}")
    return host, port or USUAL_PORT
