"""Egress behind a forward proxy, and with a private authority: real sockets, a proxy of the test's own."""

from pathlib import Path

import pytest

from bridge.destinations.configuration import egress_trust
from bridge.destinations.egress.client import Egress, EgressRules
from bridge.domain.delivery.destination_requests import Failure, NoResponse, Response
from bridge.domain.secret import Secret
from bridge.errors import SettingsError
from tests.support.certificates import certificate_for
from tests.support.proxies import Proxy, proxying
from tests.support.receivers import OK, receiving, says, to
from tests.support.world import settings

pytestmark = pytest.mark.anyio

EVERYWHERE = EgressRules.parse(("receiver.example",))


def behind(proxy: Proxy, **more: object) -> Egress:
    url = Secret(f"http://bridge:PASSWORD@127.0.0.1:{proxy.port}")
    return Egress(EVERYWHERE, slots=1, proxy=url, **more)  # type: ignore[arg-type]  # the test's own keywords


async def test_https_goes_through_a_tunnel_to_a_name_that_only_the_proxy_resolves(tmp_path: Path) -> None:
    file, tls = certificate_for("receiver.example", tmp_path)
    known = settings("redis://localhost", "http://localhost:1", EGRESS_CA_FILE=str(file))
    async with (
        receiving(says(OK), tls) as receiver,
        proxying(receiver.port) as proxy,
        behind(proxy, trust=egress_trust(known)) as egress,
    ):
        answer = await egress.send(to("https://receiver.example/hook", b'{"a":1}'))

    assert isinstance(answer, Response)
    assert (answer.status, receiver.bodies) == (200, [b'{"a":1}'])
    assert proxy.heads[0].startswith("CONNECT receiver.example:443 ")
    assert "proxy-authorization: basic" in proxy.heads[0].lower()
    assert "proxy-authorization" not in receiver.heads[0].lower(), "the receiver learns nothing of the proxy"


async def test_http_is_sent_to_the_proxy_with_the_full_url() -> None:
    async with receiving(says(OK)) as receiver, proxying(receiver.port) as proxy, behind(proxy) as egress:
        answer = await egress.send(to("http://receiver.example/hook", b"{}"))

    assert isinstance(answer, Response)
    assert proxy.heads[0].startswith("POST http://receiver.example/hook ")


async def test_a_refused_url_is_not_sent_to_the_proxy() -> None:
    async with proxying(1) as proxy, behind(proxy) as egress:
        for url in (
            "http://169.254.169.254/",
            "https://10.0.0.1/",
            "http://localhost/",
            "https://u:p@receiver.example/",
        ):
            answer = await egress.send(to(url))
            assert isinstance(answer, NoResponse)
            assert answer.failure is Failure.REFUSED_ADDRESS

    assert proxy.heads == []


@pytest.mark.parametrize("status", [b"403 Forbidden", b"407 Proxy Authentication Required"])
async def test_a_refusal_of_the_proxy_is_reported_without_a_secret(status: bytes) -> None:
    refusal = b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\n\r\n"
    async with proxying(1, refusal) as proxy, behind(proxy) as egress:
        answer = await egress.send(to("https://receiver.example/SECRET"))

    assert answer == NoResponse(
        failure=Failure.PROXY, reason=f"the proxy did not let it through (HTTP {status[:3].decode()})"
    )


async def test_a_proxy_that_is_down_is_no_connection() -> None:
    async with proxying(1) as proxy:
        pass
    async with behind(proxy) as egress:
        answer = await egress.send(to("https://receiver.example/SECRET"))

    assert isinstance(answer, NoResponse)
    assert answer.failure is Failure.CONNECT
    assert "PASSWORD" not in repr(egress) + answer.reason


@pytest.mark.parametrize(
    "url", ["socks5://proxy:1080", "proxy:3128", "http://", "http://proxy/path", "http://proxy?x=1"]
)
def test_an_invalid_proxy_is_a_problem_of_the_settings(url: str) -> None:
    with pytest.raises(SettingsError, match="EGRESS_PROXY: must be"):
        settings("redis://localhost", "http://localhost:1", EGRESS_PROXY=url)


def test_a_file_without_authorities_is_a_problem_of_the_settings(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing")
    for file, wrong in ((empty, "contains no certificate"), (tmp_path / "none.pem", "can't be read")):
        known = settings("redis://localhost", "http://localhost:1", EGRESS_CA_FILE=str(file))
        with pytest.raises(SettingsError, match=f"EGRESS_CA_FILE: .* {wrong}"):
            egress_trust(known)
