"""A store that is unavailable for a while."""

from collections.abc import Iterator
from contextlib import contextmanager

from bridge.store.calls.connection import Store


@contextmanager
def unavailable(store: Store) -> Iterator[None]:
    """Let every call fail, as without Redis."""
    pool = store.redis.connection_pool
    store.redis.connection_pool = type(store.redis)(host="127.0.0.1", port=1).connection_pool
    try:
        yield
    finally:
        store.redis.connection_pool = pool
