"""The options of every connection to Redis: timeouts, keepalive and TLS checks."""

import socket
from typing import Any

from redis.asyncio.connection import SSLConnection, UnixDomainSocketConnection, parse_url

from bridge.domain.sentinel_urls import sentinel_url

CONNECT_TIMEOUT = 2.0
ANSWER_TIMEOUT = 5.0
KEEPALIVE = {"TCP_KEEPIDLE": 15, "TCP_KEEPALIVE": 15, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}
"""Seconds without traffic before the first probe (TCP_KEEPALIVE on macOS), seconds between probes, lost probes."""


def defaults_for(url: str) -> dict[str, Any]:
    """Return the options of redis-py for a connection to this URL; options in the URL itself take precedence.

    Raises ValueError, and for some malformed URLs other exceptions, as redis-py does.
    """
    given = read(url)
    kind = given.get("connection_class")
    options: dict[str, Any] = {
        "socket_connect_timeout": CONNECT_TIMEOUT,
        "socket_timeout": ANSWER_TIMEOUT,
        # redis-py discards the replies to these greetings, and with them the refusal of a Redis in protected mode
        # (https://github.com/redis/redis-py/issues/3150).
        "lib_name": None,
        "lib_version": None,
    }
    if kind is not UnixDomainSocketConnection:
        options["socket_keepalive"] = True
        options["socket_keepalive_options"] = {
            getattr(socket, name): value for name, value in KEEPALIVE.items() if hasattr(socket, name)
        }
    if kind is SSLConnection:
        # redis-py's default accepts a certificate for any host.
        options["ssl_check_hostname"] = given.get("ssl_cert_reqs") != "none"
    return options


def read(url: str) -> dict[str, Any]:
    """Return the options in a URL, by redis-py's names; if it names sentinels, one of them is the host."""
    of_sentinels = sentinel_url(url)
    return dict(parse_url(url if of_sentinels is None else of_sentinels.server))
