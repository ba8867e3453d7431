"""RALLY_PROXY: polls go through a forward proxy, deliveries do not, and its password is never shown."""

from urllib.parse import urlsplit

import httpx
import pytest

from bridge.domain.secret import Secret
from bridge.http import Fault, NotReceived, Target, Timeouts
from bridge.http.connections import Connections
from bridge.http.trust import system_trust
from tests.support.processes import free_ports
from tests.support.proxies import proxying
from tests.support.world import World, opened

pytestmark = pytest.mark.anyio


def proxy_url(port: int) -> str:
    return f"http://bridge:PASSWORD@127.0.0.1:{port}"


async def test_polls_go_through_the_proxy_and_deliveries_do_not(redis_url: str, sandbox_url: str) -> None:
    async with (
        proxying(urlsplit(sandbox_url).port or 0) as proxy,
        opened(redis_url, sandbox_url, RALLY_PROXY=proxy_url(proxy.port)) as world,
    ):
        await world.sandbox.set_import("imp", ("COMPLETED", 0))
        watch = await world.watch(notify=[{"type": "callback", "url": world.sandbox.callback_url()}])
        await world.poll()
        await world.deliver()

        assert (await world.reload(watch))["outcome"] == "completed"
        assert len(await world.sandbox.messages(kind="callback")) == 1
    (head,) = proxy.heads
    assert head.startswith(f"GET {sandbox_url}/rally/api/public/v1/imports/imp ")
    assert "proxy-authorization: basic" in head.lower()


async def reason_of(world: World) -> str:
    watch = await world.watch()
    await world.poll()
    shown = str(await world.reload(watch))
    assert "PASSWORD" not in shown
    return shown


REFUSAL = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"


async def test_a_proxy_that_refuses_is_named_with_its_status(redis_url: str, sandbox_url: str) -> None:
    https = sandbox_url.replace("http://", "https://")
    async with proxying(1, REFUSAL) as proxy:
        changes = {"RALLY_PROXY": proxy_url(proxy.port), "RALLY_BASE_URL": https}
        async with opened(redis_url, sandbox_url, **changes) as world:
            assert "the proxy did not let it through (HTTP 407)" in await reason_of(world)


async def test_a_proxy_that_is_down_is_named(redis_url: str, sandbox_url: str) -> None:
    async with opened(redis_url, sandbox_url, RALLY_PROXY=proxy_url(free_ports())) as world:
        assert "the connection to the proxy was refused or is not possible" in await reason_of(world)


async def test_without_a_proxy_a_refused_connection_names_none() -> None:
    timeouts = Timeouts(total=5.0, connect=5.0)
    for proxy, words in ((None, "the connection was refused"), ("http://127.0.0.1:1", "the connection to the proxy")):
        secret = None if proxy is None else Secret(proxy)
        connections = Connections(slots=1, timeouts=timeouts, keep_alive=1.0, trust=system_trust, proxy=secret)
        target = Target.of(httpx.URL("http://127.0.0.1:1/"))
        received = await connections.exchange("GET", target, [], body_limit=1)
        await connections.aclose()

        assert isinstance(received, NotReceived)
        assert received.fault is Fault.CONNECT
        assert received.reason.startswith(words)
