"""Where a client connects: URL, key and proxy, from its arguments and the environment."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from ipaddress import ip_address
from pathlib import Path
from platform import python_version
from ssl import PROTOCOL_TLS_CLIENT, SSLContext
from typing import TypedDict
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from bridge.client.answers import Server
from bridge.client.errors import CallFailed
from bridge.domain.clients import SHORTEST_KEY
from bridge.domain.secret import Secret

DEFAULT_URL = "http://127.0.0.1:8080"
USER_AGENT = f"rally-bridge-client/{version('rally-bridge')} (Python {python_version()}; httpx {httpx.__version__})"
PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")
_VISIBLE = re.compile(r"[\x21-\x7e]+")


class HttpOptions(TypedDict):
    """The arguments that httpx.Client and httpx.AsyncClient share."""

    base_url: str
    headers: dict[str, str]
    trust_env: bool
    proxy: str | None
    verify: SSLContext


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A bridge, the key of a client, and the proxy in between, if there is one."""

    url: str
    key: Secret
    proxy: Secret | None

    @classmethod
    def of(cls, url: str | None, key: str | None, *, proxied: bool = True) -> "Connection":
        """Return the connection by arguments, or else by the environment; raise CallFailed if one is not valid."""
        found = (url or os.environ.get("RALLY_BRIDGE_URL") or DEFAULT_URL).rstrip("/")
        secret = _checked_key(key or os.environ.get("RALLY_BRIDGE_KEY") or _key_from_file())
        proxy = _proxy_for(_checked_url(found)) if proxied else None
        return cls(url=found, key=secret, proxy=None if proxy is None else Secret(proxy))

    @property
    def server(self) -> Server:
        """Return the bridge and the proxy as they may be shown."""
        return Server(url=self.url, proxy=None if self.proxy is None else _without_user(self.proxy.reveal()))

    def http_options(self) -> HttpOptions:
        """Return the arguments of an HTTP client.

        It must not read the environment, because it would then use a proxy for loopback as well.
        """
        return {
            "base_url": self.url,
            "headers": {"Authorization": f"Bearer {self.key.reveal()}", "User-Agent": USER_AGENT},
            "trust_env": False,
            "proxy": None if self.proxy is None else self.proxy.reveal(),
            "verify": _certificates(needed=self.url.startswith("https:") or self.proxy is not None),
        }

    @contextmanager
    def proxy_errors(self) -> Iterator[None]:
        """Raise CallFailed if httpx lacks a package that the proxy needs."""
        try:
            yield
        except ImportError as error:
            raise CallFailed(f"The proxy {self.server.proxy} can't be used: {error}", code="proxy") from None


def _checked_key(key: str) -> Secret:
    key = key.strip()  # a file ends with a newline
    if not key:
        raise CallFailed(
            "There is no API key: set RALLY_BRIDGE_KEY or RALLY_BRIDGE_KEY_FILE, or pass one.", code="no_key"
        )
    if not _VISIBLE.fullmatch(key):
        raise CallFailed("The API key can't be used: it has characters other than visible ASCII.", code="invalid_key")
    return Secret(key)


def _key_from_file() -> str:
    file = os.environ.get("RALLY_BRIDGE_KEY_FILE")
    try:
        return Path(file).read_text("utf-8") if file else ""
    except (OSError, ValueError) as error:
        shown = "the file that it names" if file is None or _may_be_key(file) else repr(file)
        words = f"RALLY_BRIDGE_KEY_FILE: {shown} can't be read ({type(error).__name__})."
        raise CallFailed(words, code="no_key") from None


def _checked_url(url: str) -> SplitResult:
    """Return the parts of a bridge's URL; raise CallFailed if nothing can be sent to it."""
    parts = _split(url)
    if parts is None or parts.scheme not in {"http", "https"} or "@" in url or parts.query or parts.fragment:
        secret = any(mark in url for mark in "@?#") or _may_be_key(url)
        shown = "The URL" if secret else url
        raise CallFailed(
            f"{shown} can't be used: a bridge's URL is like https://bridge.example.com, without user or query.",
            code="invalid_url",
        )
    return parts


def _may_be_key(text: str) -> bool:
    """Return whether a text in the place of a URL or a path may be a key, which messages must not repeat."""
    return len(text) >= SHORTEST_KEY and not any(mark in text for mark in "./:\\")


def _split(url: str) -> SplitResult | None:
    """Return the parts of a URL; None if it has no host, or a host or port that is not valid."""
    try:
        parts = urlsplit(url)
        valid = parts.port != 0 and httpx.URL(url).host and not any(each.isspace() for each in url)
    except (ValueError, httpx.InvalidURL):
        return None
    return parts if valid else None


def _proxy_for(url: SplitResult) -> str | None:
    """Return the proxy that the environment names for a URL; None for this machine, and for hosts in NO_PROXY."""
    host = url.hostname or ""
    if _is_loopback(host) or proxy_bypass(host):
        return None
    proxies = getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    if not proxy:
        return None
    return _checked_proxy(proxy if "://" in proxy else f"http://{proxy}")


def _checked_proxy(proxy: str) -> str:
    parts = _split(proxy)
    if parts is None or parts.scheme not in PROXY_SCHEMES:
        schemes = ", ".join(f"{scheme}://" for scheme in PROXY_SCHEMES)
        raise CallFailed(
            "The proxy that the environment names (HTTPS_PROXY, HTTP_PROXY or ALL_PROXY) can't be used: it must begin "
            f"with one of {schemes} and name a host.",
            code="proxy",
        )
    return proxy


def _is_loopback(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return address.is_loopback or address.is_unspecified


def _without_user(proxy: str) -> str:
    parts = urlsplit(proxy)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _certificates(*, needed: bool) -> SSLContext:
    """Return what verifies servers, by SSL_CERT_FILE or SSL_CERT_DIR where one is set; nothing if none is needed."""
    if not needed:
        return SSLContext(PROTOCOL_TLS_CLIENT)  # loading certificates takes longer than a call
    try:
        return httpx.create_ssl_context()
    except (OSError, ValueError) as error:
        raise CallFailed(
            f"The certificates that the environment names (SSL_CERT_FILE, SSL_CERT_DIR) can't be used: {error}",
            code="tls",
        ) from None
