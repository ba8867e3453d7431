"""Retries of a call to Redis after a lost connection, and after nothing else."""

from collections.abc import Awaitable, Callable
from typing import Any

from redis.asyncio.retry import Retry
from redis.exceptions import AuthenticationError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError


class UnlessRefused(Retry):
    """redis-py's retries after a lost connection, but neither after a refusal nor after a timeout.

    redis-py (5.3 to 8.1) counts a wrong password as a ConnectionError, and a host that does not answer as an OSError.
    No upstream issue found.
    """

    async def call_with_retry(self, do: Callable[[], Awaitable[Any]], fail: Callable[[RedisError], Any]) -> Any:
        async def unless_refused() -> Any:
            try:
                return await do()
            except AuthenticationError as error:
                raise ResponseError(str(error)) from error
            except TimeoutError as error:
                raise RedisTimeoutError from error

        return await super().call_with_retry(unless_refused, fail)
