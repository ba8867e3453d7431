"""A store whose clock stands still, so that the same steps always lead to the same records."""

from redis.asyncio import BlockingConnectionPool

from bridge.domain.times import Moment
from bridge.store.calls.connection import Store
from bridge.store.calls.lua import scripts, source, source_for_many

START: Moment = 1_800_000_000_000
PARTS = frozenset({"prelude", "lanes", "indexes", "tiers", "many_calls"})


def freeze_clock(store: Store) -> None:
    """Stop the clock until `store.offset` moves it, and make concurrent calls reach Redis in order.

    The scripts use the offset as the time and set no expiry, which would follow Redis' own clock. With one connection,
    several calls can arrive in one order only.
    """
    for name in scripts() - PARTS:
        for many, text in () if name in PARTS else ((False, source(name)), (True, source_for_many(name))):
            frozen = text.replace("redis.call('TIME')", "{0, 0}").replace(", 'PX', span", "")
            store._scripts[name, many] = store.redis.register_script(frozen)
    store.offset = START
    known = store.redis.connection_pool.connection_kwargs
    connection = store.redis.connection_pool.connection_class
    store.redis.connection_pool = BlockingConnectionPool(connection_class=connection, max_connections=1, **known)
