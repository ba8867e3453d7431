"""The rights that the user of REDIS_URL needs: each command is tried, on keys of a second's life."""

from collections.abc import Sequence
from secrets import token_hex
from typing import Any, TypeAlias

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from bridge.redis.errors import in_words, is_refusal
from bridge.store import keys

BRIEFLY = 1000
"""Milliseconds that what is written here stays, should it not be possible to delete it."""
Command: TypeAlias = Sequence[str | int]


def tries(scratch: str, job: str) -> Sequence[Command]:
    """Return every command that the store's scripts, the store, and arq use; each succeeds if it is permitted.

    `scratch` begins the names of keys that may be used, as ours begin; `job` is a key as arq names its own.
    """
    text, record, list_, set_, order = (f"{scratch}:{kind}" for kind in ("text", "record", "list", "set", "order"))
    return [
        *(("PSETEX", text, BRIEFLY, 1), ("SETEX", text, 1, 1), ("SET", text, 1, "PX", BRIEFLY), ("GET", text)),
        *(("EXISTS", text), ("INCR", text), ("INCRBY", text, 1), ("EXPIRE", text, 1), ("PTTL", text)),
        *(("HSET", record, "f", 1), ("PEXPIRE", record, BRIEFLY), ("HGET", record, "f"), ("HGETALL", record)),
        *(("HMGET", record, "f"), ("HINCRBY", record, "f", 1), ("HDEL", record, "g")),
        *(
            ("LPUSH", list_, 1),
            ("BLPOP", list_, 1),
            ("LPUSH", list_, 1),
            ("PEXPIRE", list_, BRIEFLY),
            ("LTRIM", list_, 0, 1),
            ("LRANGE", list_, 0, 1),
        ),
        *(("SADD", set_, 1), ("PEXPIRE", set_, BRIEFLY), ("SCARD", set_), ("SMEMBERS", set_), ("SREM", set_, 2)),
        *(("ZADD", order, 0, "m"), ("PEXPIRE", order, BRIEFLY), ("ZCARD", order), ("ZCOUNT", order, 0, 1)),
        *(("ZRANGE", order, 0, 1), ("ZRANGEBYSCORE", order, 0, 1), ("ZREVRANGEBYLEX", order, "+", "-")),
        ("ZRANGEBYLEX", order, "-", "+"),
        *(("ZSCORE", order, "m"), ("ZINCRBY", order, 1, "m"), ("ZREM", order, "n"), ("ZREMRANGEBYSCORE", order, 5, 6)),
        *(("PSETEX", job, BRIEFLY, 1), ("DEL", text, record, list_, set_, order, job)),
        *(
            ("MULTI",),
            ("EXEC",),
            ("TIME",),
            ("PUBLISH", keys.NEWS, ""),
            ("SCRIPT LOAD", "return 1"),
            ("EVALSHA", "0" * 40, 0),
        ),
    ]


async def refusals(redis: Redis) -> list[str]:
    """Return what Redis refuses of that, in its own words; raises RedisError when it does not answer."""
    unique = token_hex(8)
    commands = tries(f"rb:check:{unique}", f"arq:job:rb-check-{unique}")
    async with redis.pipeline(transaction=False) as pipe:
        for command in commands:
            pipe.execute_command(*command)
        answers = await pipe.execute(raise_on_error=False)
    found = [_refusal(str(command[0]), answer) for command, answer in zip(commands, answers, strict=True)]
    found += [await _watch(redis, f"rb:check:{unique}"), await _subscription(redis)]
    return list(dict.fromkeys(each for each in found if each is not None))


def _refusal(command: str, answer: Any) -> str | None:
    """Keep what is a refusal: a full Redis, or one that has no such script, does permit the command."""
    if not isinstance(answer, ResponseError) or not is_refusal(answer):
        return None
    return in_words(answer, command)


async def _watch(redis: Redis, key: str) -> str | None:
    try:
        async with redis.pipeline() as pipe:
            await pipe.watch(key)
            await pipe.unwatch()  # type: ignore[no-untyped-call]  # redis-py's
    except ResponseError as error:
        return _refusal("WATCH", error)
    return None


async def _subscription(redis: Redis) -> str | None:
    try:
        async with redis.pubsub() as channel:
            await channel.subscribe(keys.NEWS)
            await channel.get_message(timeout=1.0)
            await channel.ping()
    except ResponseError as error:
        return _refusal("SUBSCRIBE", error)
    return None
