"""arq's settings of a Redis connection, for `arq --check`, which opens its own."""

from urllib.parse import urlsplit

from arq.connections import RedisSettings

from bridge.domain.sentinel_urls import sentinel_url
from bridge.redis.options import defaults_for, read

ARQ_NAMES = {"path": "unix_socket_path", "db": "database"} | {
    name: name
    for name in (
        *("host", "port", "username", "password"),
        *("ssl_ca_certs", "ssl_cert_reqs", "ssl_certfile", "ssl_keyfile", "ssl_check_hostname"),
    )
}
"""The options that a Redis URL may contain: redis-py's name of each, and arq's."""


def redis_settings(url: str) -> RedisSettings:
    """Return arq's settings for a URL, parsed by redis-py: arq's parser fails on % in a password and on some paths.

    No upstream issue found; https://github.com/python-arq/arq/pull/392 corrected one of the paths. arq has no settings
    for the login of sentinels: `arq --check` needs sentinels without one.
    """
    known = defaults_for(url) | read(url)
    settings = {arq_name: known[name] for name, arq_name in ARQ_NAMES.items() if name in known}
    if named := sentinel_url(url):
        settings |= {"host": list(named.sentinels), "sentinel": True, "sentinel_master": named.master}
    return RedisSettings(**settings, ssl=urlsplit(url).scheme.startswith("rediss"))
