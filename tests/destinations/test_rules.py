"""Egress rules: which addresses and URLs are refused, with which codes, and what the operator allows."""

from ipaddress import ip_address

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.destinations.addresses import parse_address, refusal_code, unwrap_nat64
from bridge.destinations.rules import EgressRules, check_url
from bridge.destinations.urls import DEFAULT_PORTS, Forbidden, parse_url
from tests.support.receivers import (
    NOTHING_ALLOWED,
)


def test_an_allowed_host_may_end_with_the_dot_of_the_root() -> None:
    assert EgressRules.parse(("crm.example.com.",)).hosts == (("crm.example.com", None),)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://evil.example/services/", "a Slack webhook's URL begins with https://hooks.slack.com/services/"),
        (
            "https://hooks.slack.com/triggers/",
            "this URL starts a workflow, which takes no messages; give an incoming webhook's URL",
        ),
    ],
)
def test_what_is_no_webhook_of_slacks_is_refused_in_these_words(url: str, told: str) -> None:
    found = check_url(url, EgressRules(), slack=True)

    assert found is not None
    assert found.detail == told


@pytest.mark.parametrize(
    ("url", "code", "told"),
    [
        ("ftp://crm.example.com/", "scheme", "only http:// and https:// URLs are allowed"),
        ("https://crm.example.com/a b", "url", "backslashes and spaces are not allowed in a URL"),
        ("https://crm.example.com/a\\b", "url", "backslashes and spaces are not allowed in a URL"),
        ("https://me@crm.example.com/", "userinfo", "a user name or password in a URL is not allowed"),
        ("https://crm.example.com/#a", "fragment", "a fragment (#…) is never sent; leave it out"),
        ("https://crm.example.com:0/", "port", "a port is a number from 1 to 65535"),
        ("https://localhost/", "loopback", "localhost is not allowed"),
        ("https://169.254.1.1/", "link_local", "an address of this kind is not allowed: link local"),
    ],
)
def test_what_is_wrong_with_a_url_is_said_in_these_words(url: str, code: str, told: str) -> None:
    refused = check_url(url, EgressRules(), slack=False)

    assert refused is not None
    assert (refused.code, refused.detail) == (code, told)


@pytest.mark.parametrize("port", [1, 65_535])
def test_the_lowest_and_the_highest_port_are_ports(port: int) -> None:
    rules = EgressRules.parse((f"crm.example.com:{port}",))

    assert rules.hosts == (("crm.example.com", port),)
    assert check_url(f"https://crm.example.com:{port}/", rules, slack=False) is None


def test_every_entry_that_is_wrong_is_named() -> None:
    with pytest.raises(ValueError, match=r"^entry 1 is not a .*; entry 2 is not a [^;]*$"):
        EgressRules.parse(("a b", "c d"))


REFUSED = {
    "0.0.0.0": "unspecified",  # noqa: S104 - nothing is bound
    "0.1.2.3": "unspecified",
    "10.255.255.255": "private",
    "100.64.0.1": "shared",
    "100.100.100.200": "metadata",
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "168.63.129.16": "metadata",
    "169.254.0.1": "link_local",
    "169.254.169.254": "metadata",
    "172.16.0.1": "private",
    "172.31.255.255": "private",
    "192.0.0.9": "reserved",
    "192.0.0.170": "reserved",
    "192.0.0.192": "reserved",
    "192.0.2.1": "documentation",
    "192.88.99.1": "reserved",
    "192.168.1.1": "private",
    "198.18.0.1": "reserved",
    "198.19.255.255": "reserved",
    "198.51.100.7": "documentation",
    "203.0.113.7": "documentation",
    "224.0.0.1": "multicast",
    "239.255.255.255": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.255": "reserved",
    "::": "unspecified",
    "::1": "loopback",
    "::7f00:1": "embedded_ipv4",
    "::ffff:127.0.0.1": "embedded_ipv4",
    "::ffff:1.1.1.1": "embedded_ipv4",
    "::ffff:0:127.0.0.1": "embedded_ipv4",
    "64:ff9b::a9fe:a9fe": "metadata",
    "64:ff9b::10.0.0.1": "private",
    "64:ff9b:1::1": "embedded_ipv4",
    "100::1": "reserved",
    "100:0:0:1::1": "reserved",
    "64:ff9b:1:ffff:ffff:ffff:ffff:ffff": "embedded_ipv4",
    "100::ffff:ffff:ffff:ffff": "reserved",
    "2001::1": "embedded_ipv4",
    "2001:0:7f00:1::1": "embedded_ipv4",
    "2001:0:4136:e378:8000:63bf:80ff:fffe": "embedded_ipv4",
    "2001:1::1": "reserved",
    "2001:3::1": "reserved",
    "2001:4:112::1": "reserved",
    "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff": "reserved",
    "2001:2::1": "reserved",
    "2001:10::1": "reserved",
    "2001:20::1": "reserved",
    "2001:30::1": "reserved",
    "2001:db8::1": "documentation",
    "2002:a9fe:a9fe::1": "embedded_ipv4",
    "2606:4700::5efe:10.0.0.1": "embedded_ipv4",
    "2606:4700::200:5efe:10.0.0.1": "embedded_ipv4",
    "3ffe::1": "reserved",
    "3fff::1": "documentation",
    "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff": "documentation",
    "4000::1": "reserved",
    "5f00::1": "reserved",
    "::1:0:0": "reserved",
    "fc00::1": "private",
    "fd00:ec2::254": "metadata",
    "fdff::1": "private",
    "fe80::1": "link_local",
    "fe80::5efe:10.0.0.1": "link_local",
    "fec0::1": "private",
    "ff02::1": "multicast",
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff": "multicast",
}
PUBLIC = (
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.1",
    "192.167.255.255",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "64:ff9b::1.1.1.1",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2606:4700:4700::1111",
    "2620:fe::fe",
    "2a00:1450:4001:82a::200e",
)


@pytest.mark.parametrize(("address", "code"), REFUSED.items())
def test_special_addresses_are_refused_with_a_code(address: str, code: str) -> None:
    assert refusal_code(ip_address(address)) == code


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_not(address: str) -> None:
    assert refusal_code(ip_address(address)) is None


@given(st.ip_addresses())
def test_what_python_knows_to_be_special_is_refused_as_well(address: object) -> None:
    parsed = unwrap_nat64(ip_address(str(address)))
    # Python calls the anycast addresses of two protocols, within networks that we refuse, global; never the reverse.
    if not parsed.is_global or parsed.is_multicast or parsed.is_reserved:
        assert refusal_code(parsed) is not None


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("0x7f.1", "127.0.0.1"),
        ("0X7F000001", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("017700000001", "127.0.0.1"),
        ("0177.0.0.1", "127.0.0.1"),
        ("0x7f.0.0x1", "127.0.0.1"),
        ("192.168.257", "192.168.1.1"),
        ("0", "0.0.0.0"),  # noqa: S104 - nothing is bound
        ("0x", "0.0.0.0"),  # noqa: S104 - nothing is bound
        ("::1", "::1"),
    ],
)
def test_odd_forms_of_an_address_are_read_as_the_system_does(host: str, address: str) -> None:
    assert parse_address(host) == ip_address(address)


@pytest.mark.parametrize("host", ["1.2.3.4.5", "256.0.0.1", "1.2.3.256", "4294967296", "09", "a.1", "::g", "fe80::1%1"])
def test_what_only_looks_like_an_address_is_none(host: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_address(host)


@pytest.mark.parametrize("host", ["example.com", "1.example", "a", "0x7f.example", "127.0.0.1.nip.io"])
def test_names_are_no_addresses(host: str) -> None:
    assert parse_address(host) is None


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://crm.example.com/hook", None),
        ("http://crm.example.com:80/", None),
        ("http://crm.example.com:443/", None),
        ("HTTPS://CRM.Example.COM./hook?x=1", None),
        ("https://bücher.example/", None),
        ("https://crm/", None),
        ("https://under_score.example/", None),
        ("https://1.1.1.1/", None),
        ("https://[2606:4700:4700::1111]/", None),
        ("ftp://crm.example.com/", "scheme"),
        ("file:///etc/passwd", "scheme"),
        ("gopher://127.0.0.1:6379/_x", "scheme"),
        ("//crm.example.com/", "scheme"),
        ("crm.example.com/hook", "scheme"),
        ("", "scheme"),
        ("http://", "host"),
        ("http:///hook", "host"),
        ("http://user@crm.example.com/", "userinfo"),
        ("http://user:pass@crm.example.com/", "userinfo"),
        ("http://crm.example.com@127.0.0.1/", "userinfo"),
        ("http://crm.example.com\\@127.0.0.1/", "url"),
        ("http://127.0.0.1\\.crm.example.com/", "url"),
        ("http://crm.example.com/ x", "url"),
        (" http://crm.example.com/", "scheme"),
        ("http://crm.example.com/\r\nHost: x", "url"),
        ("http://crm.example.com/\u00a0", "url"),
        ("http://crm.example.com#@127.0.0.1/", "fragment"),
        ("http://crm.example.com/#x", "fragment"),
        ("http://crm.example.com:8080/", "port"),
        ("http://crm.example.com:0/", "port"),
        ("http://crm.example.com:65536/", "port"),
        ("http://crm.example.com:99999999/", "port"),
        ("http://crm.example.com:x/", "url"),
        ("http://crm.example.com:/", None),
        ("http://crm.example.com:080/", None),
        ("http://crm.example.com:08080/", "port"),
        ("http://crm.example.com:443:80/", "url"),
        ("http://127.0.0.1:080/", "loopback"),
        ("\thttp://127.0.0.1/", "url"),
        ("http://127.0.0.1\t/", "url"),
        ("ht\ntp://127.0.0.1/", "url"),
        ("http:127.0.0.1/", "host"),
        ("http:\\\\127.0.0.1/", "url"),
        ("http://-crm.example.com/", "host"),
        ("http://crm..example.com/", "host"),
        ("http://crm.example.com../", "host"),
        ("http://" + "a" * 64 + ".example/", "host"),
        ("http://" + "a." * 130 + "example/", "host"),
        ("http://127%2e0.0.1/", "url"),
        ("http://%3127.0.0.1/", "url"),
        ("http://exa%mple.com/", "host"),
        ("http://*.example.com/", "host"),
        ("http://localhost/", "loopback"),
        ("http://LOCALHOST./", "loopback"),
        ("http://a.localhost/", "loopback"),
        ("http://127.0.0.1/", "loopback"),
        ("http://127.0.0.1./", "loopback"),
        ("http://127.1/", "loopback"),
        ("http://0x7f.1/", "loopback"),
        ("http://2130706433/", "loopback"),
        ("http://017700000001/", "loopback"),
        ("http://0177.0.0.1/", "url"),
        ("http://127。0。0。1/", "loopback"),
        ("http://①②⑦.0.0.1/", "url"),
        ("http://１２７.0.0.1/", "url"),
        ("http://ⓛocalhost/", "url"),
        ("http://local\u00adhost/", "url"),
        ("http://%6c%6f%63alhost/", "host"),
        ("http://127.0.0.1%2f.crm.example.com/", "host"),
        ("http://crm.example.com%00.127.0.0.1/", "url"),
        ("http://0x7f000001./", "loopback"),
        ("http://127.0.0.1../", "host"),
        ("http://[::127.0.0.1]/", "embedded_ipv4"),
        ("http://[0:0:0:0:0:0:0:1]/", "loopback"),
        ("http://[v1.fe80::1]/", "url"),
        ("http://[::1%25lo]/", "url"),
        ("http://[::1]/", "loopback"),
        ("http://[::]/", "unspecified"),
        ("http://[::ffff:127.0.0.1]/", "embedded_ipv4"),
        ("http://[::ffff:7f00:1]/", "embedded_ipv4"),
        ("http://[fe80::1%25eth0]/", "url"),
        ("http://0/", "unspecified"),
        ("http://169.254.169.254/latest/meta-data/", "metadata"),
        ("http://10.0.0.1:8080/", "private"),
        ("http://1.1.1.1:6379/", "port"),
        ("http://256.256.256.256/", "url"),
        ("http://1.2.3.4.5/", "url"),
        ("http://[::1/", "url"),
    ],
)
def test_url_tricks(url: str, code: str | None) -> None:
    found = check_url(url, NOTHING_ALLOWED, slack=False)

    assert (None if found is None else found.code) == code


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://hooks.slack.com/services/T0/B0/x", None),
        ("https://hooks.slack-gov.com/services/T0/B0/x", None),
        ("https://hooks.slack.com:443/services/T0/B0/x", None),
        ("http://hooks.slack.com/services/T0/B0/x", "not_slack"),
        ("https://hooks.slack.com:80/services/T0/B0/x", "not_slack"),
        ("https://hooks.slack.com/", "not_slack"),
        ("https://hooks.slack.com/services/../api/x", "not_slack"),
        ("https://hooks.slack.com.evil.example/services/T0/B0/x", "not_slack"),
        ("https://evil.example/services/T0/B0/x", "not_slack"),
        ("https://hooks.slack.com/workflows/T0/A0/1/x", "slack_workflow"),
        ("https://hooks.slack.com/triggers/T0/1/x", "slack_workflow"),
        ("https://127.0.0.1/services/T0/B0/x", "not_slack"),
        ("https://u@hooks.slack.com/services/T0/B0/x", "userinfo"),
    ],
)
def test_a_slack_webhook_is_slacks(url: str, code: str | None) -> None:
    found = check_url(url, NOTHING_ALLOWED, slack=True)

    assert (None if found is None else found.code) == code


@pytest.mark.parametrize("allowed", ["hooks.slack.com", "*.slack.com", "hooks.slack.com:443"])
@pytest.mark.parametrize("path", ["workflows/T0/A0/1/x", "triggers/T0/1/x"])
def test_no_operator_can_allow_a_url_that_starts_a_workflow(allowed: str, path: str) -> None:
    found = check_url(f"https://hooks.slack.com/{path}", EgressRules.parse((allowed,)), slack=True)

    assert found is not None
    assert found.code == "slack_workflow"


@given(st.text(max_size=40))
def test_no_text_makes_the_check_fail_or_repeats_itself(text: str) -> None:
    for url in (text, f"http://{text}/", f"http://crm.example.com/{text}"):
        found = check_url(url, NOTHING_ALLOWED, slack=False)
        assert found is None or len(text) < 8 or text not in found.detail


RULES = EgressRules.parse(
    (
        "10.0.0.0/8",
        "fd00::/8",
        "192.168.1.5",
        "127.0.0.1:9000",
        "[::1]:9000",
        "crm.internal",
        "Hooks.Internal.:8443",
        "*.svc.local",
        "*.dev.local:3000",
        "localhost:5000",
        "bücher.example:81",
    )
)


@pytest.mark.parametrize(
    "url",
    [
        "http://10.1.2.3/",
        "http://10.1.2.3:6379/",
        "http://[fd00::5]:8080/",
        "http://192.168.1.5:1234/",
        "http://127.0.0.1:9000/",
        "http://0x7f.1:9000/",
        "http://[::1]:9000/",
        "http://crm.internal:1234/",
        "http://CRM.internal./",
        "https://hooks.internal:8443/",
        "http://a.svc.local:77/",
        "http://a.b.svc.local/",
        "http://a.dev.local:3000/",
        "http://localhost:5000/",
        "http://bücher.example:81/",
        "http://xn--bcher-kva.example:81/",
    ],
)
@pytest.mark.parametrize("slack", [False, True])
def test_what_the_operator_allows_is_let_through(url: str, slack: bool) -> None:  # noqa: FBT001 - a table
    assert check_url(url, RULES, slack=slack) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://192.168.1.6/",
        "http://127.0.0.1:9001/",
        "http://127.0.0.1/",
        "http://[::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://localhost/",
        "http://localhost:5001/",
        "http://x.localhost:5000/",
        "ftp://crm.internal/",
        "http://user@crm.internal/",
        "http://1.1.1.1:8080/",
    ],
)
def test_and_nothing_beside_it(url: str) -> None:
    assert check_url(url, RULES, slack=False) is not None


def test_a_suffix_does_not_allow_itself_nor_a_name_that_ends_alike() -> None:
    rules = EgressRules.parse(("*.svc.local:81",))

    assert check_url("http://a.svc.local:81/", rules, slack=False) is None
    assert check_url("http://svc.local:81/", rules, slack=False) is not None
    assert check_url("http://evilsvc.local:81/", rules, slack=False) is not None
    assert check_url("http://a.svc.local:82/", rules, slack=False) is not None


def test_every_bad_entry_is_named() -> None:
    shapes = ("", "*", "*.", "a b", "http://x/", "user@host", "*.*.example", "x:y", ":80", "x:0", "x:65536")
    addresses = (
        "10.0.0.1/8",
        "10.0.0.0/33",
        "127.1",
        "0x7f.1",
        "*.10.0.0.1",
        "256.0.0.1:80",
        "[::1",
        "[x]:80",
        "[]:80",
    )
    bad = shapes + addresses

    with pytest.raises(ValueError, match="not a network, address, host") as raised:
        EgressRules.parse(("10.0.0.0/8", *bad, "crm.internal"))

    for number, _ in enumerate(bad, start=2):
        assert f"entry {number} is not a" in str(raised.value)
    assert str(raised.value).count(" is not a ") == len(bad)


HOSTS = st.sampled_from(["crm.example.com", "CRM.example.com.", "0x7f.1", "2130706433", "a..b", "-a", "999.1.1.1", ""])
PORTS = st.sampled_from(["", ":443", ":80", ":0", ":8443", ":65536", ":"])
REST = st.text("/?#%@:\\.[]{}<>\"'|^`+&= aé\t\x7f", max_size=20).map(lambda text: f"/{text}" if text else "")


@given(
    st.sampled_from(["http://", "https://", "HTTPS://", "ftp://"]), st.sampled_from(["", "u:p@"]), HOSTS, PORTS, REST
)
def test_a_url_is_judged_by_the_host_and_port_that_a_request_would_use(
    scheme: str, user: str, host: str, port: str, rest: str
) -> None:
    url = f"{scheme}{user}{host}{port}{rest}"
    parsed = parse_url(url)

    if not isinstance(parsed, Forbidden):
        sent = httpx.URL(url)
        assert parsed.parsed == sent
        assert (parsed.scheme, parsed.host) == (sent.scheme, sent.host.lower().removesuffix("."))
        assert parsed.port == (sent.port or DEFAULT_PORTS[sent.scheme])
        assert not user
        assert not set("#\\ ") & set(rest)
