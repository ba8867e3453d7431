"""The store that the settings configure."""

from bridge.domain.times import Span
from bridge.errors import SettingsError
from bridge.settings import Settings
from bridge.store.calls.connection import Store, connect


def store_of(settings: Settings, clock_offset: Span = 0) -> Store:
    """Return the store; the SettingsError doesn't repeat REDIS_URL, which may contain a password."""
    try:
        redis = connect(settings.redis_url, settings.redis_url_file, settings.sentinel_login)
    except Exception:  # noqa: BLE001 - of redis-py, for a URL: ValueError, TypeError, its own and others
        reason = "is not valid; percent-encode / ? # @ and the like in a password"
        raise SettingsError([settings.problem("REDIS_URL", reason)]) from None
    return Store(redis, offset=clock_offset, min_replicas=settings.redis_min_replicas)
