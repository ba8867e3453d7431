"""Transactions of arq's worker that survive an outage of Redis.

redis-py repeats a single command after a lost connection, but no pipeline (https://github.com/redis/redis-py/issues/2973,
open) and nothing after a WATCH (no upstream issue found). This is needless once arq's worker survives Redis errors; see
`arq_redis.py`.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from redis.asyncio.client import Pipeline, Redis
from redis.exceptions import RedisError, ResponseError, WatchError

from bridge.errors import StoreRefused, StoreUnavailable
from bridge.queue.outage_retries import OutageRetries
from bridge.redis.server import server_of


class PatientPipeline(Pipeline):
    """A transaction that is repeated after an error, together with its WATCH.

    The watched key may have changed meanwhile. For arq, a job then starts twice, which is harmless: jobs carry no data.
    """

    def __init__(self, redis: Redis, retries: OutageRetries) -> None:
        super().__init__(redis.connection_pool, redis.response_callbacks, transaction=True, shard_hint=None)
        self._retries = retries
        self._watched: tuple[Any, ...] = ()

    async def immediate_execute_command(self, *args: Any, **options: Any) -> Any:
        """Run a command before MULTI."""
        if args[0] == "WATCH":
            self._watched = args
        plain: Callable[..., Awaitable[Any]] = super().immediate_execute_command

        async def ask() -> Any:
            try:
                if not self.watching and args[0] != "WATCH":
                    await plain(*self._watched)
                return await plain(*args, **options)
            except (RedisError, OSError):
                await self.reset()
                raise

        return await self._retries.run(ask)

    async def execute(self, *args: Any, **options: Any) -> list[Any]:
        if self.watching:
            return await self._execute_watching(*args, **options)
        commands, plain = self.command_stack, super().execute

        async def send() -> list[Any]:
            self.command_stack = commands  # the last try emptied it
            return await plain(*args, **options)

        try:
            return await self._retries.run(send)
        except StoreRefused:
            raise
        except StoreUnavailable:
            # arq's main task raises the same and ends the worker. Raised in a job, it would keep arq 0.28 from closing
            # in order. The keys that were to be written expire by themselves.
            return [None] * len(commands)

    async def _execute_watching(self, *args: Any, **options: Any) -> list[Any]:
        """Execute the transaction; raise any error as a WatchError, after which arq reads the queue again."""
        try:
            return await super().execute(*args, **options)
        except (RedisError, OSError) as error:
            raise WatchError(type(error).__name__) from error

    async def reset(self) -> None:
        """Release the connection even if UNWATCH fails.

        redis-py 5.3 keeps it out of the pool after any error but a ConnectionError. Needless from redis-py 8.1 on
        (https://github.com/redis/redis-py/issues/4121).
        """
        try:
            await super().reset()  # type: ignore[no-untyped-call]  # redis-py's
        except (RedisError, OSError):
            self.watching = False
            if self.connection:
                await self.connection.disconnect(nowait=True)
            await super().reset()  # type: ignore[no-untyped-call]  # redis-py's


class StartupInfo(PatientPipeline):
    """The commands that arq 0.28 sends at startup for its log: INFO, which an ACL may forbid, and DBSIZE.

    arq ends if INFO is forbidden. No upstream issue found.
    """

    def __init__(self, redis: Redis, retries: OutageRetries) -> None:
        super().__init__(redis, retries)
        self.is_transaction = False
        self._redis = redis

    async def execute(self, *_args: Any, **_options: Any) -> list[Any]:
        answers = await super().execute(raise_on_error=False)
        replies: list[Any] = [{} if isinstance(each, ResponseError) else each for each in answers]
        if replies and not replies[0]:
            server = server_of(await self._redis.execute_command("HELLO"))  # type: ignore[no-untyped-call]  # redis-py's
            replies[0] = {"redis_version": f"{server.version} ({server.role})"}
        return replies
