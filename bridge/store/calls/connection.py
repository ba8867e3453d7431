"""The store's connection to Redis: commands, scripts and the clock."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.backoff import ExponentialBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import ConnectionError as RedisConnectionError

from bridge.domain.secret import Secret
from bridge.domain.sentinel_urls import WITHOUT_LOGIN, SentinelLogin
from bridge.domain.times import Moment, Span
from bridge.errors import ReplicasMissing, StoreFull, StoreRefused, StoreUnavailable, WritesRefused
from bridge.metrics.process_counts import redis_errors
from bridge.redis.errors import translated
from bridge.redis.pool import Pool
from bridge.redis.retries import UnlessRefused
from bridge.store.calls.lua import Argument, Call, source, source_for_many
from bridge.store.calls.replication import PATIENCE, Replication, run_replicated

ANY_STEP = "*"
RETRIES = 2
"""The number of reconnects of one call, for connections that died while idle. A longer outage is raised."""


def connect(url: Secret, file: Path | None = None, login: SentinelLogin = WITHOUT_LOGIN) -> Redis:
    """Open a pool for the URL of a server or of sentinels; nothing is sent before the first call.

    `file` is the file that the URL was read from, `login` that of the sentinels. redis-py raises a plain OSError for a
    refused connection, so it must be retried too (https://github.com/redis/redis-py/issues/3450, open). A silent Redis
    is tried once, because a caller waits.
    """
    pool = Pool(
        url,
        file,
        login,
        decode_responses=True,
        retry=UnlessRefused(ExponentialBackoff(cap=0.2, base=0.05), RETRIES, (RedisConnectionError,)),
        retry_on_error=[RedisConnectionError, OSError],
    )
    redis: Redis = Redis.from_pool(pool)
    return redis


log = structlog.get_logger()


class Store:
    """Runs commands and scripts, and adds an offset to the clock (only in tests).

    With `min_replicas`, a `replicated` script returns only once as many replicas have what its reply rests on.
    """

    def __init__(self, redis: Redis, *, offset: Span = 0, min_replicas: int = 0) -> None:
        self.redis = redis
        self.offset = offset
        self.min_replicas = min_replicas
        self.replica_patience = PATIENCE
        """Milliseconds in which the replicas must confirm."""
        self._scripts: dict[tuple[str, bool], AsyncScript] = {}
        self._out: set[str] = set()

    async def run(
        self,
        script: str,
        keys: Mapping[str, str] | None = None,
        args: Mapping[str, Argument] | None = None,
        *,
        more_keys: Sequence[str] = (),
        more_args: Sequence[Argument] = (),
        replicated: bool = False,
    ) -> Any:
        """Run `scripts/<script>.lua` and return its reply. Raises StoreUnavailable."""
        call = Call(keys=keys or {}, args=args or {}, more_keys=more_keys, more_args=more_args)
        in_order, values = call.positional(script)
        registered = self._registered(script)
        async with self._outage_logged(script):
            if replicated and self.min_replicas:
                return await self._run_replicated(registered, in_order, [self.offset, *values])
            return await registered(keys=in_order, args=[self.offset, *values])

    async def run_all(self, script: str, calls: Sequence[Call], *, replicated: bool = False) -> list[Any]:
        """Run one script for many calls in one round trip. Raises StoreUnavailable if a call failed."""
        replies = await self.run_each(script, calls, replicated=replicated)
        for reply in replies:
            if isinstance(reply, StoreUnavailable):
                raise reply
        return replies

    async def run_each(self, script: str, calls: Sequence[Call], *, replicated: bool = False) -> list[Any]:
        """Run one script for many calls in one round trip. Return each call's reply, or its StoreUnavailable."""
        if not calls:
            return []
        all_keys: list[str] = []
        all_args: list[Argument] = []
        for call in calls:
            keys, args = call.positional(script)
            all_keys += keys
            all_args += [len(keys), len(args), *args]
        registered = self._registered(script, many=True)
        replies: list[Any] = []
        try:
            async with self._outage_logged(script):
                if replicated and self.min_replicas:
                    replies = await self._run_replicated(registered, all_keys, [self.offset, *all_args])
                else:
                    replies = await registered(keys=all_keys, args=[self.offset, *all_args])
                for reply in replies:
                    if isinstance(reply, Exception):
                        raise reply
        except StoreUnavailable as error:
            replies = replies or [error] * len(calls)
            return [error if isinstance(reply, Exception) else reply for reply in replies]
        return replies

    async def _run_replicated(self, script: AsyncScript, script_keys: Sequence[str], args: Sequence[Argument]) -> Any:
        required = Replication(replicas=self.min_replicas, patience=self.replica_patience)
        return await run_replicated(self.redis, script, script_keys, args, required)

    def _registered(self, script: str, *, many: bool = False) -> AsyncScript:
        if (script, many) not in self._scripts:
            text = source_for_many(script) if many else source(script)
            self._scripts[script, many] = self.redis.register_script(text)
        return self._scripts[script, many]

    async def call(self, command: str, *args: str | int) -> Any:
        """Run one command. Raises StoreUnavailable."""
        async with self._outage_logged(command):
            return await self.redis.execute_command(command, *args)  # type: ignore[no-untyped-call]  # redis-py's

    @asynccontextmanager
    async def _outage_logged(self, step: str) -> AsyncIterator[None]:
        """Log an outage once when it begins and once when it ends, however many calls fail.

        A connection outage ends with the first reply. An outage of writes alone ends only when every step that failed
        has succeeded again, because reads keep working meanwhile.
        """
        try:
            async with translated(step):
                yield
        except StoreUnavailable as error:
            redis_errors.add(_kind(error))
            if not self._out:
                log.warning("redis.unavailable", step=step, error=str(error))
            self._out.add(step if isinstance(error, WritesRefused) else ANY_STEP)
            raise
        if self._out:
            self._out -= {step, ANY_STEP}
            if not self._out:
                log.warning("redis.available")

    async def check(self) -> None:
        """Check that Redis answers and accepts writes, and that replicas confirm them. Raises StoreUnavailable."""
        await self.check_writes()
        if self.min_replicas:
            await self.run("now", replicated=True)

    async def check_writes(self) -> None:
        """Check that Redis answers and accepts writes. Raises StoreUnavailable."""
        await self.call("SET", "rb:check", 1, "PX", 1000)

    async def now(self) -> Moment:
        """Return Redis' TIME in ms."""
        return int(await self.run("now"))


def _kind(error: StoreUnavailable) -> str:
    """Return the label of an error in the metrics."""
    match error:
        case StoreFull():
            return "full"
        case ReplicasMissing():
            return "replicas"
        case StoreRefused():
            return "refused"
        case _:
            return "unavailable"
