"""Waiting for Redis: commands of the queue are repeated for a limited time while it is unavailable or full."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any, TypeAlias, TypeVar

import structlog
from redis.exceptions import RedisError

from bridge.errors import StoreRefused, StoreUnavailable
from bridge.redis.errors import as_unavailable, in_words, is_final
from bridge.redis.options import ANSWER_TIMEOUT, CONNECT_TIMEOUT

PAUSE = 0.5
"""Seconds between two tries."""
LOGGED_AFTER = 2.0
"""Seconds after which waiting is logged."""
LAST_ANSWER_TIMEOUT = 1.0
"""Seconds that Redis gets to answer a command while the worker shuts down."""

log = structlog.get_logger()

AnswerT = TypeVar("AnswerT")
Ask: TypeAlias = Callable[[], Awaitable[AnswerT]]


class OutageRetries:
    """Repeats commands until they succeed, for at most `patience` seconds each; with 0, the first error is raised."""

    def __init__(self, patience: float, *, credentials_may_change: bool = False) -> None:
        """`credentials_may_change`: wait also if Redis rejects the password, because it is read from a file."""
        self.patience = patience
        self.pause = PAUSE
        self.logged_after = LOGGED_AFTER
        self.last_answer_timeout = LAST_ANSWER_TIMEOUT
        self._credentials_may_change = credentials_may_change
        self._waiting: set[Ask[Any]] = set()
        self._hurried = False

    def hurry(self) -> None:
        """Stop repeating, and wait for answers only briefly: the worker is shutting down."""
        self._hurried = True

    async def try_once(self, ask: Ask[AnswerT]) -> AnswerT:
        """Return the answer to `ask`, which sends a command once and waits only briefly."""
        async with asyncio.timeout(self.last_answer_timeout):
            return await ask()

    async def run(self, ask: Ask[AnswerT], *, command: str = "") -> AnswerT:
        """Return the answer to `ask`. Raises StoreUnavailable when the patience is used up."""
        waited = 0.0
        try:
            while True:
                asked = monotonic()
                try:
                    answer = await (self.try_once(ask) if self._hurried else ask())
                except (RedisError, OSError) as error:
                    if not self.patience:
                        raise
                    # bounded: the process may have been suspended meanwhile
                    waited += min(monotonic() - asked, CONNECT_TIMEOUT + ANSWER_TIMEOUT) + self.pause
                    self._raise_or_wait(error, in_words(error, command), waited, ask)
                else:
                    self._log_recovery(ask)
                    return answer
                await asyncio.sleep(self.pause)
        finally:
            self._waiting.discard(ask)

    def _raise_or_wait(self, error: Exception, words: str, waited: float, ask: Ask[Any]) -> None:
        if is_final(as_unavailable(error), credentials_may_change=self._credentials_may_change):
            self.hurry()
            raise StoreRefused(f"The Redis at REDIS_URL can't be used: {words}") from error
        if self._hurried or waited > self.patience:
            self.hurry()
            spent = f"{self.patience:g} s"
            raise StoreUnavailable(f"The Redis at REDIS_URL did not come back within {spent}: {words}") from error
        if waited >= self.logged_after:
            if not self._waiting:
                log.warning("queue.unavailable", error=words, patience_s=self.patience)
            self._waiting.add(ask)

    def _log_recovery(self, ask: Ask[Any]) -> None:
        """Log the end of an outage once no command waits any more; not before, as a full Redis answers reads."""
        if ask in self._waiting:
            self._waiting.discard(ask)
            if not self._waiting:
                log.warning("queue.available")
