"""URLs with sentinels: their parts, and what is refused."""

import pytest

from bridge.domain.sentinel_urls import sentinel_url


def test_a_url_names_the_sentinels_and_the_master() -> None:
    url = sentinel_url("redis+sentinel://user:p%40ss@one:26380,[::1],three/2?master=bridge&socket_timeout=3")
    assert url is not None
    assert url.sentinels == (("one", 26380), ("::1", 26379), ("three", 26379))
    assert url.master == "bridge"
    assert url.server == "redis://user:p%40ss@one:26380/2?socket_timeout=3"
    assert url.described == "the master bridge of the sentinels one:26380, ::1:26379, three:26379"
    assert "p%40ss" not in repr(url)


def test_tls_is_that_of_the_scheme_and_its_options_are_kept() -> None:
    url = sentinel_url("rediss+sentinel://one/?ssl_ca_certs=/etc/ca.pem&master=bridge")
    assert url is not None
    assert url.server == "rediss://one/?ssl_ca_certs=%2Fetc%2Fca.pem"


@pytest.mark.parametrize("url", ["redis://host/0", "rediss://user:a+sentinel:b@host", "unix:///run/redis.sock"])
def test_a_url_of_a_server_is_none(url: str) -> None:
    assert sentinel_url(url) is None


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("redis+sentinel://one,two", "must name the master"),
        ("redis+sentinel://one/0?master=", "must name the master"),
        ("redis+sentinel://one/0?master=a&master=b", "must name the master"),
        ("redis+sentinel://one,,two?master=a", "must have hosts with ports"),
        ("redis+sentinel://one:0?master=a", "must have hosts with ports"),
        ("redis+sentinel://one:99999?master=a", "must have hosts with ports"),
        ("redis+sentinel://one:port?master=a", "must have hosts with ports"),
        ("redis+sentinel://user:se/cret@one?master=a", "percent-encode special characters"),
        ("redis+sentinel://user:se?cret@one?master=a", "percent-encode special characters"),
        ("redis+sentinel://one/name?master=a", "percent-encode special characters"),
        ("unix+sentinel:///run/redis.sock?master=a", "percent-encode special characters"),
    ],
)
def test_a_url_that_is_not_valid_is_refused_without_repeating_it(url: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as refused:
        sentinel_url(url)
    assert "cret" not in str(refused.value)
