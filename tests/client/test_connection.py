"""Where a client connects: URL, key and proxy, from its arguments and the environment."""

from pathlib import Path

import pytest

from bridge.client import AsyncBridge, Bridge, CallFailed
from bridge.client.connection import DEFAULT_URL, Connection

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
VARIABLES = (*PROXIES, "RALLY_BRIDGE_URL", "RALLY_BRIDGE_KEY", "RALLY_BRIDGE_KEY_FILE")
PROXY = "http://user:p%40ss@proxy.example.com:3128"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("RALLY_BRIDGE_KEY", "rbk_key")
    return monkeypatch


def test_arguments_come_before_the_environment(environment: pytest.MonkeyPatch) -> None:
    assert Connection.of(None, None).url == DEFAULT_URL
    environment.setenv("RALLY_BRIDGE_URL", "https://bridge.example.com/")
    assert Connection.of(None, None).url == "https://bridge.example.com"
    connection = Connection.of("http://other.example.com/prefix/", "rbk_other")
    assert (connection.url, connection.key.reveal()) == ("http://other.example.com/prefix", "rbk_other")


def test_a_key_may_come_from_a_file_with_its_line_end(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("rbk_filed\n")
    environment.delenv("RALLY_BRIDGE_KEY")
    environment.setenv("RALLY_BRIDGE_KEY_FILE", str(file))
    assert Connection.of(None, None).key.reveal() == "rbk_filed"


def test_a_missing_key_is_reported(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("RALLY_BRIDGE_KEY")
    for kind in (Bridge, AsyncBridge):
        with pytest.raises(CallFailed, match="RALLY_BRIDGE_KEY"):
            kind()


@pytest.mark.parametrize("key", ["rbk_ä", "rbk_a b", "rbk_a\nb", "rbk_\x00"])
def test_a_key_that_no_header_can_contain_is_refused_without_repeating_it(key: str) -> None:
    with pytest.raises(CallFailed, match="The API key can't be used") as caught:
        Connection.of(None, key)
    assert key not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "bridge.example.com:8080",
        "ftp://bridge.example.com",
        "http://",
        "http://[::1",
        "http://bridge.example.com:99999",
        "http://bridge.example.com:1x",
        "http://bridge.example.com?key=1",
        "http://bridge.example.com/#x",
        "http://user:secret@bridge.example.com",
        "http://a b",
    ],
)
def test_a_url_that_nothing_can_be_sent_to_is_refused(url: str) -> None:
    with pytest.raises(CallFailed, match="can't be used: a bridge's URL is like") as caught:
        Connection.of(url, None)
    assert caught.value.code == "invalid_url"
    assert "secret" not in str(caught.value)


LOOPBACK = [
    "http://127.0.0.1:8080",
    "http://127.9.9.9",
    "http://[::1]:8080",
    "http://localhost",
    "http://0.0.0.0",
    "https://a.localhost",
]


@pytest.mark.parametrize("url", LOOPBACK)
def test_this_machine_is_never_called_through_a_proxy(environment: pytest.MonkeyPatch, url: str) -> None:
    for name in PROXIES[:3]:
        environment.setenv(name, PROXY)
    assert Connection.of(url, None).proxy is None


@pytest.mark.parametrize(
    ("variables", "url", "proxied"),
    [
        ({"HTTPS_PROXY": PROXY}, "https://bridge.example.com", True),
        ({"HTTPS_PROXY": PROXY}, "http://bridge.example.com", False),
        ({"ALL_PROXY": PROXY}, "http://bridge.example.com", True),
        ({"ALL_PROXY": PROXY, "NO_PROXY": "example.com"}, "http://bridge.example.com", False),
        ({"ALL_PROXY": PROXY, "NO_PROXY": "*"}, "http://bridge.example.com", False),
        ({"ALL_PROXY": PROXY, "NO_PROXY": "bridge.example.org"}, "http://bridge.example.com", True),
        ({}, "https://bridge.example.com", False),
    ],
)
def test_the_environment_names_the_proxy(
    environment: pytest.MonkeyPatch, variables: dict[str, str], url: str, *, proxied: bool
) -> None:
    for name, value in variables.items():
        environment.setenv(name, value)
    connection = Connection.of(url, None)
    assert (connection.proxy is not None) == proxied
    assert str(connection.server) == (f"{url} through the proxy http://proxy.example.com:3128" if proxied else url)


def test_a_proxy_may_be_named_without_a_scheme(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ALL_PROXY", "proxy.example.com:3128")
    assert Connection.of("http://bridge.example.com", None).server.proxy == "http://proxy.example.com:3128"


@pytest.mark.parametrize("proxy", ["foo://user:secret@x", "http://", "http://user:secret@x:1x"])
def test_a_proxy_that_is_not_one_is_refused_without_repeating_it(environment: pytest.MonkeyPatch, proxy: str) -> None:
    environment.setenv("ALL_PROXY", proxy)
    with pytest.raises(CallFailed, match="The proxy that the environment names") as caught:
        Connection.of("http://bridge.example.com", None)
    assert "secret" not in str(caught.value)


def test_a_password_for_the_host_in_netrc_does_not_replace_the_key(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "netrc"
    file.write_text("machine 127.0.0.1 login user password secret\n")
    environment.setenv("NETRC", str(file))
    assert Connection.of("http://127.0.0.1:1", None).http_options()["trust_env"] is False


@pytest.mark.parametrize(
    "url", ["http://bridge.example.com?key=hunter2", "http://h/#hunter2", "hunter2-hunter2-hunter2"]
)
def test_a_refused_url_that_may_hold_a_secret_is_not_repeated(url: str) -> None:
    with pytest.raises(CallFailed, match="The URL can't be used") as caught:
        Connection.of(url, "key")
    assert "hunter2" not in str(caught.value)


def test_a_key_in_the_place_of_its_file_is_not_repeated(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("RALLY_BRIDGE_KEY")
    environment.setenv("RALLY_BRIDGE_KEY_FILE", "hunter2-hunter2-hunter2")
    with pytest.raises(CallFailed, match="RALLY_BRIDGE_KEY_FILE: the file that it names can't be read") as caught:
        Connection.of(None, None)
    assert "hunter2" not in str(caught.value)
