"""`rediss://`: every client checks that the certificate matches the URL's host; a mismatch is reported in words."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext
from urllib.parse import urlsplit

import pytest

from bridge import queue
from bridge.cli.doctor.redis_probe import probe_redis
from bridge.cli.errors import CannotStart
from bridge.cli.up.external_redis import require_same_mode
from bridge.domain.secret import Secret
from bridge.errors import StoreRefused, StoreUnavailable
from bridge.resources import open_resources
from bridge.store.calls.connection import Store, connect
from tests.faults.wire import LOOPBACK
from tests.support.certificates import certificate_for
from tests.support.forwarding import forwarding
from tests.support.sentinel_server import MASTER, name_address, port_of_sentinel, sentinel_server
from tests.support.world import FERNET, SERVICE_SECRET, settings

pytestmark = pytest.mark.anyio
OURS = "localhost"
WRONG_HOST = "its TLS certificate is refused: Hostname mismatch, certificate is not valid for 'localhost'"


@pytest.fixture(params=[OURS])
async def url(redis_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """A Redis behind TLS whose certificate is for the parameter's host, from a private authority."""
    authority, tls = certificate_for(request.param, tmp_path)
    async with forwarding(redis_url.removeprefix("unix://"), tls=tls) as wire:
        yield f"rediss://{OURS}:{wire.port}?ssl_ca_certs={authority}"


async def test_a_certificate_for_the_host_is_accepted_by_every_client(url: str, sandbox_url: str) -> None:
    store, arq = Store(connect(Secret(url))), queue.connect(Secret(url), patience=5)
    await store.check()
    assert await arq.ping()
    await asyncio.to_thread(require_same_mode, url, sandbox=False)
    async with open_resources(settings(url, sandbox_url)) as resources:
        assert (await probe_redis(resources)).report
    await arq.aclose()
    await store.redis.aclose()


async def test_sentinels_are_asked_over_tls_as_well(url: str, tmp_path: Path) -> None:
    server = urlsplit(url)
    tls = SSLContext(PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "certificate.pem")
    with sentinel_server(tmp_path / "sentinel") as sentinel:
        name_address(sentinel, LOOPBACK, server.port or 0)
        async with forwarding(port_of_sentinel(sentinel), tls=tls) as wire:
            store = Store(connect(Secret(f"rediss+sentinel://{OURS}:{wire.port}?master={MASTER}&{server.query}")))
            with pytest.raises(StoreRefused, match="IP address mismatch, certificate is not valid for"):
                await store.check()  # for Redis, which the sentinel names by its address
            await store.redis.aclose()


@pytest.mark.parametrize("url", ["other.example"], indirect=True)
async def test_a_certificate_for_another_host_is_refused_by_every_client(url: str, sandbox_url: str) -> None:
    store, arq = Store(connect(Secret(url))), queue.connect(Secret(url), patience=5)
    with pytest.raises(StoreRefused, match=f"^Redis: {WRONG_HOST}$"):
        await store.check()
    with pytest.raises(StoreRefused, match=f"{WRONG_HOST}$"):
        await arq.ping()
    with pytest.raises(CannotStart, match=WRONG_HOST):
        await asyncio.to_thread(require_same_mode, url, sandbox=False)
    async with open_resources(settings(url, sandbox_url)) as resources:
        assert (await probe_redis(resources)).error == WRONG_HOST
    await arq.aclose()
    await store.redis.aclose()


@pytest.mark.parametrize("url", ["other.example"], indirect=True)
@pytest.mark.parametrize("wish", ["ssl_check_hostname=false", "ssl_cert_reqs=none"])
async def test_the_url_may_switch_verification_off(url: str, wish: str) -> None:
    store = Store(connect(Secret(f"{url}&{wish}")))
    await store.check()
    await store.redis.aclose()


async def test_an_unknown_authority_is_reported(url: str) -> None:
    store = Store(connect(Secret(url.partition("?")[0])))
    with pytest.raises(StoreRefused, match="its TLS certificate is refused: self-signed certificate"):
        await store.check()
    await store.redis.aclose()


async def test_a_server_without_tls_is_reported() -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"-ERR unknown command\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    store = Store(connect(Secret(f"rediss://{OURS}:{server.sockets[0].getsockname()[1]}")))
    with pytest.raises(StoreUnavailable, match="TLS failed"):
        await store.check()
    await store.redis.aclose()
    server.close()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (OURS, "no health check sentinel value found"),
        pytest.param("other.example", "Hostname mismatch", marks=pytest.mark.slow),  # arq tries again for five seconds
    ],
    indirect=["url"],
)
async def test_arqs_own_check_checks_the_host_too(url: str, said: str, tmp_path: Path) -> None:
    environ = {
        "REDIS_URL": url,
        "RALLY_API_KEY": "key-of-rally",
        "BRIDGE_API_KEYS": f"crm:{'k' * 20}",
        "BRIDGE_ENCRYPTION_KEYS": FERNET,
        "CALLBACK_SECRETS": SERVICE_SECRET,
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    command = [sys.executable, "-m", "arq", "workers.settings.WorkerSettings", "--check"]
    ended = await asyncio.to_thread(
        subprocess.run, command, env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False
    )

    assert said in ended.stdout + ended.stderr
