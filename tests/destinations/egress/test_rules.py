"""Rules for URLs: which are refused, and in which words."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.destinations.egress.rules import EgressRules, check_url
from bridge.destinations.egress.urls import DEFAULT_PORTS, Forbidden, parse_url
from tests.support.receivers import (
    NOTHING_ALLOWED,
)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://evil.example/services/", "a Slack webhook's URL begins with https://hooks.slack.com/services/"),
        (
            "https://hooks.slack.com/triggers/",
            "this URL starts a workflow, which takes no messages; give an incoming webhook's URL",
        ),
    ],
)
def test_a_url_that_is_not_a_slack_webhook_has_its_sentence(url: str, expected: str) -> None:
    found = check_url(url, EgressRules(), slack=True)

    assert found is not None
    assert found.detail == expected


@pytest.mark.parametrize(
    ("url", "code", "expected"),
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
def test_each_problem_of_a_url_has_its_sentence(url: str, code: str, expected: str) -> None:
    refused = check_url(url, EgressRules(), slack=False)

    assert refused is not None
    assert (refused.code, refused.detail) == (code, expected)


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
def test_tricks_with_urls_are_refused(url: str, code: str | None) -> None:
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
def test_a_slack_webhook_is_at_slack(url: str, code: str | None) -> None:
    found = check_url(url, NOTHING_ALLOWED, slack=True)

    assert (None if found is None else found.code) == code


@pytest.mark.parametrize("allowed", ["hooks.slack.com", "*.slack.com", "hooks.slack.com:443"])
@pytest.mark.parametrize("path", ["workflows/T0/A0/1/x", "triggers/T0/1/x"])
def test_no_operator_can_allow_a_url_that_starts_a_workflow(allowed: str, path: str) -> None:
    found = check_url(f"https://hooks.slack.com/{path}", EgressRules.parse((allowed,)), slack=True)

    assert found is not None
    assert found.code == "slack_workflow"


@given(st.text(max_size=40))
def test_no_text_makes_the_check_fail_or_is_repeated(text: str) -> None:
    for url in (text, f"http://{text}/", f"http://crm.example.com/{text}"):
        found = check_url(url, NOTHING_ALLOWED, slack=False)
        assert found is None or len(text) < 8 or text not in found.detail


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
