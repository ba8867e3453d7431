"""arq's connection to Redis: it survives outages, and its jobs are due whatever a worker's clock says.

Each override names the behaviour of arq 0.28 or redis-py 5.3 that it corrects. Review them when either is upgraded.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from math import inf
from pathlib import Path
from time import monotonic
from typing import Any, TypeAlias, TypeVar, cast

import structlog
from arq.connections import ArqRedis
from arq.jobs import Job
from redis.asyncio.client import Pipeline
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError, WatchError

from bridge.domain.secret import Secret
from bridge.errors import StoreRefused, StoreUnavailable
from bridge.redis.errors import in_words, is_refusal, refuses_credentials
from bridge.redis.options import ANSWER_TIMEOUT, CONNECT_TIMEOUT
from bridge.redis.pool import Pool
from bridge.redis.server import server_of

QUEUE = "rb:queue"
WAKEUPS = "rb:wakeups"
"""A list with one element after a job was enqueued, until a worker looks."""
READ_INTERVAL = 1.0
"""Seconds after which a worker reads the queue without a ring."""
PAUSE = 0.5
"""Seconds between two tries."""
LOGGED_AFTER = 2.0
"""Seconds of waiting after which it is logged."""
AGES_AGO = datetime.fromtimestamp(1, UTC)
"""Not 0: arq treats a job with score 0 as missing."""
KEPT = timedelta(days=1)
"""As long as arq keeps a job that no worker takes."""

log = structlog.get_logger()

AnswerT = TypeVar("AnswerT")
Ask: TypeAlias = Callable[[], Awaitable[AnswerT]]


def serialize(job: dict[str, Any]) -> bytes:
    """Return JSON, never arq's default of pickle, with which write access to Redis would run code in workers."""
    return json.dumps(job, default=repr).encode()  # a job's result may be an exception


def deserialize(raw: bytes) -> dict[str, Any]:
    job: dict[str, Any] = json.loads(raw)
    return job


def connect(url: Secret, file: Path | None = None, *, patience: float = 0.0) -> "ResilientArqRedis":
    """Open arq's connection; it retries for `patience` seconds while Redis is unavailable or full.

    `file` is the file that the URL was read from.
    """
    retry = Retry(NoBackoff(), 0)  # our own retries replace them
    pool = Pool(url, file, health_check_interval=30, retry=retry)
    line = cast("ResilientArqRedis", ResilientArqRedis.from_pool(pool))
    line.credentials_may_change = pool.credentials.may_change
    line.default_queue_name = QUEUE
    line.job_serializer = serialize
    line.job_deserializer = deserialize
    line.patience = patience
    return line


class ResilientArqRedis(ArqRedis):
    """The Redis client of arq's worker and of the bell.

    Any Redis error ends arq's worker. redis-py retries a command after a lost connection, but neither what follows a
    WATCH, nor the handshake of a new connection, nor errors that Redis itself replies with. Needless once arq's worker
    survives Redis errors (not in 0.28).
    """

    patience: float = 0.0
    """Seconds for which a command is retried before StoreUnavailable. With 0, redis-py's errors are raised."""
    read_interval = READ_INTERVAL
    credentials_may_change = False
    """Whether a rejected password is retried, because it is read from a file."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._waiting: set[Ask[Any]] = set()
        self._hurried = False

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        plain = super().execute_command
        return await self.outlast(lambda: plain(*args, **options), command=str(args[0]))  # type: ignore[no-untyped-call]  # redis-py's

    def pipeline(self, *args: Any, **options: Any) -> Pipeline:
        if self.patience:
            kind = _PatientPipeline if options.get("transaction", True) else _StartupInfo
            return kind(self, *args, **options)
        return super().pipeline(*args, **options)

    async def enqueue_job(self, function: str, *args: Any, **options: Any) -> Job | None:
        """Enqueue a job that is due at once, even for a worker whose clock is minutes behind.

        arq 0.28 scores a job by the caller's clock, and a worker takes what is due by its own. A score in the distant
        past is due by every clock; the expiry must then be explicit. Needless once arq uses Redis' TIME.
        """
        job = await super().enqueue_job(function, *args, **options | {"_defer_until": AGES_AGO, "_expires": KEPT})
        await self._wake_worker()
        return job

    async def _wake_worker(self) -> None:
        """Wake one of the workers that wait for a ring."""
        async with self.pipeline(transaction=True) as pipe:
            pipe.lpush(WAKEUPS, 1)
            pipe.ltrim(WAKEUPS, 0, 0)
            await pipe.execute()

    async def zrangebyscore(self, name: Any, *args: Any, **options: Any) -> Any:
        """Read the queue after a ring, or after `read_interval` seconds without one.

        arq 0.28 polls the queue several times a second (`poll_delay`), which costs a few percent of an idle core.
        Needless once arq blocks on the queue.
        """
        if name == QUEUE:
            patient = float(self.connection_pool.connection_kwargs.get("socket_timeout") or inf)
            await self.execute_command("BLPOP", WAKEUPS, min(self.read_interval, patient / 2))
        return await super().zrangebyscore(name, *args, **options)

    async def psetex(self, name: Any, time_ms: Any, value: Any) -> Any:
        """Double the lifetime of a worker's health check key, arq's only use of this command.

        In arq 0.28 it expires one second after it is due to be renewed, so a slow worker would seem dead.
        """
        return await super().psetex(name, 2 * time_ms, value)

    async def delete(self, *names: Any) -> int:
        """Delete a worker's health check key, arq 0.28's last step; ignore errors, because the key expires anyway."""
        with suppress(RedisError, OSError):
            return int(await super().execute_command("DEL", *names))  # type: ignore[no-untyped-call]  # redis-py's
        return 0

    def hurry(self) -> None:
        """Stop retrying: the worker is shutting down."""
        self._hurried = True

    async def outlast(self, ask: Ask[AnswerT], *, command: str = "") -> AnswerT:
        """Call `ask` until it succeeds or `patience` is used up."""
        waited = 0.0
        try:
            while True:
                asked = monotonic()
                try:
                    answer = await ask()
                except (RedisError, OSError) as error:
                    if not self.patience:
                        raise
                    # bounded: the process may have been suspended meanwhile
                    waited += min(monotonic() - asked, CONNECT_TIMEOUT + ANSWER_TIMEOUT) + PAUSE
                    self._raise_or_wait(error, in_words(error, command), waited, ask)
                else:
                    self._log_recovery(ask)
                    return answer
                await asyncio.sleep(PAUSE)
        finally:
            self._waiting.discard(ask)

    def _raise_or_wait(self, error: Exception, words: str, waited: float, ask: Ask[Any]) -> None:
        if is_refusal(error) and not (self.credentials_may_change and refuses_credentials(error)):
            self.hurry()
            raise StoreRefused(f"The Redis at REDIS_URL can't be used: {words}") from error
        if self._hurried or waited > self.patience:
            self.hurry()
            spent = f"{self.patience:g} s"
            raise StoreUnavailable(f"The Redis at REDIS_URL did not come back within {spent}: {words}") from error
        if waited >= LOGGED_AFTER:
            if not self._waiting:
                log.warning("queue.unavailable", error=words, patience_s=self.patience)
            self._waiting.add(ask)

    def _log_recovery(self, ask: Ask[Any]) -> None:
        """Log the end of an outage once the last waiting command succeeds: a full Redis answers reads all the time."""
        if ask in self._waiting:
            self._waiting.discard(ask)
            if not self._waiting:
                log.warning("queue.available")


class _PatientPipeline(Pipeline):
    """Retries a transaction after an error, and repeats its WATCH.

    The watched key may have changed meanwhile; for arq a job then starts twice, and jobs carry no data.
    redis-py 5.3 does not retry after WATCH.
    """

    def __init__(self, line: ResilientArqRedis, transaction: bool = True) -> None:  # noqa: FBT001, FBT002 - as redis-py has it
        super().__init__(line.connection_pool, line.response_callbacks, transaction, None)
        self._line = line
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

        return await self._line.outlast(ask)

    async def execute(self, *args: Any, **options: Any) -> list[Any]:
        if self.watching:
            return await self._execute_watching(*args, **options)
        commands, plain = self.command_stack, super().execute

        async def send() -> list[Any]:
            self.command_stack = commands  # the last attempt emptied it
            return await plain(*args, **options)

        try:
            return await self._line.outlast(send)
        except StoreRefused:
            raise
        except StoreUnavailable:
            # The main task raises the same and ends the worker. Raised in a job, it would keep arq 0.28 from closing in
            # order. The keys that were to be written expire by themselves.
            return [None] * len(commands)

    async def _execute_watching(self, *args: Any, **options: Any) -> list[Any]:
        """Raise any error as a WatchError, which arq takes as a reason to read the queue again."""
        try:
            return await super().execute(*args, **options)
        except (RedisError, OSError) as error:
            raise WatchError(type(error).__name__) from error

    async def reset(self) -> None:
        """Release the connection even if UNWATCH fails, which redis-py 5.3 does not."""
        try:
            await super().reset()  # type: ignore[no-untyped-call]  # redis-py's
        except (RedisError, OSError):
            self.watching = False
            if self.connection:
                await self.connection.disconnect(nowait=True)
            await super().reset()  # type: ignore[no-untyped-call]  # redis-py's


class _StartupInfo(_PatientPipeline):
    """The commands that arq 0.28 sends at startup for its log: INFO, which an ACL may forbid, and DBSIZE."""

    async def execute(self, *_args: Any, **_options: Any) -> list[Any]:
        answers = await super().execute(raise_on_error=False)
        told: list[Any] = [{} if isinstance(each, ResponseError) else each for each in answers]
        if told and not told[0]:
            server = server_of(await self._line.execute_command("HELLO"))
            told[0] = {"redis_version": f"{server.version} ({server.role})"}
        return told
