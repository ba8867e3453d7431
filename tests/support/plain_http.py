"""HTTP clients for servers on loopback: no proxies, and no TLS."""

import ssl
from typing import Any

import httpx

NO_TRUST = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Shared by all clients: by default each would read the system's certificates, which takes 25 ms."""


def plain_client(base_url: str = "", **more: Any) -> httpx.Client:
    return httpx.Client(base_url=base_url, trust_env=False, verify=NO_TRUST, **more)


def plain_async_client(base_url: str = "", **more: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=base_url, trust_env=False, verify=NO_TRUST, **more)
