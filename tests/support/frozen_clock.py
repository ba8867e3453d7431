"""A store in which nothing depends on how long a step takes: the same steps always lead to the same records."""

from importlib.resources import files

from redis.asyncio import BlockingConnectionPool

from bridge.domain.times import Moment
from bridge.store.connection import Store
from bridge.store.lua import batch_source, source

START: Moment = 1_800_000_000_000
PARTS = frozenset({"prelude", "lanes", "indexes", "tiers", "batch"})


def freeze_clock(store: Store) -> None:
    """Have the clock stand still until `store.offset` moves it, and calls made at once reach Redis in their order.

    The scripts take the offset for the whole time and keep what would expire by Redis' own clock; with one connection
    there is just one order in which several calls can arrive.
    """
    for path in (files("bridge.store") / "scripts").iterdir():
        name = path.name.removesuffix(".lua")
        for batch, text in () if name in PARTS else ((False, source(name)), (True, batch_source(name))):
            still = text.replace("redis.call('TIME')", "{0, 0}").replace(", 'PX', span", "")
            store._scripts[name, batch] = store.redis.register_script(still)
    store.offset = START
    known = store.redis.connection_pool.connection_kwargs
    connection = store.redis.connection_pool.connection_class
    store.redis.connection_pool = BlockingConnectionPool(connection_class=connection, max_connections=1, **known)
