"""arq's line to Redis: it outlasts what passes, and what is asked for on it is due by every clock."""

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
RINGS = "rb:rings"
"""A list with an element while a job was enqueued that no worker has looked for yet."""
LOOK = 1.0
"""Seconds after which a worker looks at the queue without a ring; cron looks that far ahead."""
PAUSE = 0.5
"""Seconds between two tries."""
WORTH_TELLING = 2.0
"""Seconds of waiting after which the log should say what for."""
AGES_AGO = datetime.fromtimestamp(1, UTC)
"""Not 0: a job of that rank is none to arq."""
KEPT = timedelta(days=1)
"""As long as arq itself keeps a job that nobody takes."""

log = structlog.get_logger()

AnswerT = TypeVar("AnswerT")
Ask: TypeAlias = Callable[[], Awaitable[AnswerT]]


def serialize(job: dict[str, Any]) -> bytes:
    """JSON, never arq's default of pickle: whoever could write to Redis could run code in our workers."""
    return json.dumps(job, default=repr).encode()  # what became of a job may be an exception


def deserialize(raw: bytes) -> dict[str, Any]:
    job: dict[str, Any] = json.loads(raw)
    return job


def connect(url: Secret, file: Path | None = None, *, patience: float = 0.0) -> "ResilientArqRedis":
    """Open arq's connection; it asks again for `patience` seconds when Redis is gone or takes no writes.

    `file` is the one that the URL was read from.
    """
    retry = Retry(NoBackoff(), 0)  # the line's own patience reaches further
    pool = Pool(url, file, health_check_interval=30, retry=retry)
    line = cast("ResilientArqRedis", ResilientArqRedis.from_pool(pool))
    line.credentials_may_change = pool.credentials.may_change
    line.default_queue_name = QUEUE
    line.job_serializer = serialize
    line.job_deserializer = deserialize
    line.patience = patience
    return line


class ResilientArqRedis(ArqRedis):
    """What arq's worker and the bell talk to Redis over.

    Any error that arq meets there ends its worker. redis-py repeats a command whose connection was lost, but neither
    what follows a WATCH, nor the greeting of a new connection, nor what Redis answers with a fault of its own.
    """

    patience: float = 0.0
    """Seconds for which a command is repeated; then StoreUnavailable says so. Without any, errors are redis-py's."""
    look = LOOK
    credentials_may_change = False
    """Whether waiting may help when Redis refuses the password, as it is read from a file."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._waiting: set[Ask[Any]] = set()
        self._hurried = False

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        plain = super().execute_command
        return await self.outlast(lambda: plain(*args, **options), command=str(args[0]))  # type: ignore[no-untyped-call]  # redis-py's

    def pipeline(self, *args: Any, **options: Any) -> Pipeline:
        if self.patience:
            kind = _PatientPipeline if options.get("transaction", True) else _Greeting
            return kind(self, *args, **options)
        return super().pipeline(*args, **options)

    async def enqueue_job(self, function: str, *args: Any, **options: Any) -> Job | None:
        """Have a job done at once, also by a worker whose clock is minutes behind that of whoever asks.

        arq ranks a job by the moment from which it is due, on the asker's clock, and a worker takes what is due on its
        own. What has been due for ages is so by every clock; for how long it is kept must then be said, too.
        """
        job = await super().enqueue_job(function, *args, **options | {"_defer_until": AGES_AGO, "_expires": KEPT})
        await self._ring()
        return job

    async def _ring(self) -> None:
        """Have one of the workers that wait for a ring look at the queue now."""
        async with self.pipeline(transaction=True) as pipe:
            pipe.lpush(RINGS, 1)
            pipe.ltrim(RINGS, 0, 0)
            await pipe.execute()

    async def zrangebyscore(self, name: Any, *args: Any, **options: Any) -> Any:
        """Look at the queue as soon as something was enqueued, or after a while without a ring.

        arq's worker would ask many times a second, which takes an idle machine a few percent of a core.
        """
        if name == QUEUE:
            patient = float(self.connection_pool.connection_kwargs.get("socket_timeout") or inf)
            await self.execute_command("BLPOP", RINGS, min(self.look, patient / 2))
        return await super().zrangebyscore(name, *args, **options)

    async def psetex(self, name: Any, time_ms: Any, value: Any) -> Any:
        """Leave a worker's sign of life, which is all that arq does by this, for twice as long as arq would.

        arq's own outlasts the next one by a second; a worker that is slow just then would seem to be gone.
        """
        return await super().psetex(name, 2 * time_ms, value)

    async def delete(self, *names: Any) -> int:
        """Take down a worker's sign of life, which is the last that arq does: it ends by itself in seconds as well."""
        with suppress(RedisError, OSError):
            return int(await super().execute_command("DEL", *names))  # type: ignore[no-untyped-call]  # redis-py's
        return 0

    def hurry(self) -> None:
        """Stop waiting: the worker is about to end."""
        self._hurried = True

    async def outlast(self, ask: Ask[AnswerT], *, command: str = "") -> AnswerT:
        """Ask until there is an answer, or no patience left."""
        waited = 0.0
        try:
            while True:
                asked = monotonic()
                try:
                    answer = await ask()
                except (RedisError, OSError) as error:
                    if not self.patience:
                        raise
                    # The process may have been stopped meanwhile: that is not Redis' fault.
                    waited += min(monotonic() - asked, CONNECT_TIMEOUT + ANSWER_TIMEOUT) + PAUSE
                    self._bear(error, in_words(error, command), waited, ask)
                else:
                    self._tell_of_return(ask)
                    return answer
                await asyncio.sleep(PAUSE)
        finally:
            self._waiting.discard(ask)

    def _bear(self, error: Exception, words: str, waited: float, ask: Ask[Any]) -> None:
        if is_refusal(error) and not (self.credentials_may_change and refuses_credentials(error)):
            self.hurry()
            raise StoreRefused(f"The Redis at REDIS_URL can't be used: {words}") from error
        if self._hurried or waited > self.patience:
            self.hurry()
            spent = f"{self.patience:g} s"
            raise StoreUnavailable(f"The Redis at REDIS_URL did not come back within {spent}: {words}") from error
        if waited >= WORTH_TELLING:
            if not self._waiting:
                log.warning("queue.unavailable", error=words, patience_s=self.patience)
            self._waiting.add(ask)

    def _tell_of_return(self, ask: Ask[Any]) -> None:
        """Tell when the last who waited has an answer: a Redis that is full answers others all the time."""
        if ask in self._waiting:
            self._waiting.discard(ask)
            if not self._waiting:
                log.warning("queue.available")


class _PatientPipeline(Pipeline):
    """Is sent again after a fault, and watches anew what it had watched.

    What the watch was for may have changed meanwhile. For arq that is a job begun twice, and no job carries anything.
    """

    def __init__(self, line: ResilientArqRedis, transaction: bool = True) -> None:  # noqa: FBT001, FBT002 - as redis-py has it
        super().__init__(line.connection_pool, line.response_callbacks, transaction, None)
        self._line = line
        self._watched: tuple[Any, ...] = ()

    async def immediate_execute_command(self, *args: Any, **options: Any) -> Any:
        """Ask what is asked before MULTI."""
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
            self.command_stack = commands  # the last try has emptied it
            return await plain(*args, **options)

        try:
            return await self._line.outlast(send)
        except StoreRefused:
            raise
        except StoreUnavailable:
            # The main task meets the same, and ends the worker. A job must not: arq would then not close in order.
            # What was to be written about it lapses by itself.
            return [None] * len(commands)

    async def _execute_watching(self, *args: Any, **options: Any) -> list[Any]:
        """Say of anything in the way that the watch was broken: arq then leaves it to the next look."""
        try:
            return await super().execute(*args, **options)
        except (RedisError, OSError) as error:
            raise WatchError(type(error).__name__) from error

    async def reset(self) -> None:
        """Let the connection go, also where its last word, UNWATCH, is not answered."""
        try:
            await super().reset()  # type: ignore[no-untyped-call]  # redis-py's
        except (RedisError, OSError):
            self.watching = False
            if self.connection:
                await self.connection.disconnect(nowait=True)
            await super().reset()  # type: ignore[no-untyped-call]  # redis-py's


class _Greeting(_PatientPipeline):
    """What a worker of arq asks at its start, only to log it: INFO, which not every user may ask, and DBSIZE."""

    async def execute(self, *_args: Any, **_options: Any) -> list[Any]:
        answers = await super().execute(raise_on_error=False)
        told: list[Any] = [{} if isinstance(each, ResponseError) else each for each in answers]
        if told and not told[0]:
            server = server_of(await self._line.execute_command("HELLO"))
            told[0] = {"redis_version": f"{server.version} ({server.role})"}
        return told
