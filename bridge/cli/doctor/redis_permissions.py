"""The permissions that the user of REDIS_URL needs: each command is tried, on keys that expire within a second."""

from collections.abc import Sequence
from secrets import token_hex
from typing import Any, TypeAlias

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from bridge.redis.errors import in_words, is_refusal
from bridge.store import keys

BRIEFLY = 1000
"""Milliseconds until keys expire that can't be deleted."""
Command: TypeAlias = Sequence[str | int]
WAIT: Command = ("WAIT", 0, 1)


def probe_commands(scratch: str, job: str) -> Sequence[Command]:
    """Return every command of the store, its scripts and arq; each succeeds if it is permitted.

    `scratch` is the prefix of the keys to use, with our own prefix; `job` is a key with arq's prefix.
    """
    text, record, list_, set_, order = (f"{scratch}:{kind}" for kind in ("text", "record", "list", "set", "order"))
    return [
        *(("PSETEX", text, BRIEFLY, 1), ("SETEX", text, 1, 1), ("SET", text, 1, "PX", BRIEFLY), ("GET", text)),
        *(("EXISTS", text), ("INCR", text), ("INCRBY", text, 1), ("EXPIRE", text, 1), ("PTTL", text)),
        ("PERSIST", record),
        *(("HSET", record, "f", 1), ("PEXPIRE", record, BRIEFLY), ("HGET", record, "f"), ("HGETALL", record)),
        *(("HMGET", record, "f"), ("HINCRBY", record, "f", 1), ("HDEL", record, "g")),
        *(("HEXISTS", record, "f"), ("HKEYS", record), ("HVALS", record), ("RENAME", record, record)),
        *(
            ("LPUSH", list_, 1),
            ("BLPOP", list_, 1),
            ("RPUSH", list_, 1),
            ("LINDEX", list_, 0),
            ("PEXPIRE", list_, BRIEFLY),
            ("LTRIM", list_, 0, 1),
            ("LRANGE", list_, 0, 1),
        ),
        *(("SADD", set_, 1), ("PEXPIRE", set_, BRIEFLY), ("SCARD", set_), ("SMEMBERS", set_), ("SREM", set_, 2)),
        *(("ZADD", order, 0, "m"), ("PEXPIRE", order, BRIEFLY), ("ZCARD", order), ("ZCOUNT", order, 0, 1)),
        *(("ZRANGE", order, 0, 1), ("ZRANGEBYSCORE", order, 0, 1), ("ZREVRANGEBYLEX", order, "+", "-")),
        ("ZRANGEBYLEX", order, "-", "+"),
        *(("ZSCORE", order, "m"), ("ZINCRBY", order, 1, "m"), ("ZREM", order, "n"), ("ZREMRANGEBYSCORE", order, 5, 6)),
        ("ZREVRANGE", order, 0, 1),
        *(("PSETEX", job, BRIEFLY, 1), ("DEL", text, record, list_, set_, order, job)),
        *(
            ("MULTI",),
            ("EXEC",),
            ("TIME",),
            ("PUBLISH", keys.CHANGES, ""),
            ("SCRIPT LOAD", "return 1"),
            ("EVALSHA", "0" * 40, 0),
        ),
    ]


async def missing_permissions(redis: Redis, *, replicated: bool = False) -> list[str]:
    """Return Redis' messages for the commands that it refuses; raises RedisError if it does not answer.

    `replicated`: replicas must confirm writes, so WAIT is needed as well.
    """
    unique = token_hex(8)
    commands = [*probe_commands(f"rb:check:{unique}", f"arq:job:rb-check-{unique}"), *([WAIT] if replicated else [])]
    async with redis.pipeline(transaction=False) as pipe:
        for command in commands:
            pipe.execute_command(*command)
        answers = await pipe.execute(raise_on_error=False)
    found = [_refusal(str(command[0]), answer) for command, answer in zip(commands, answers, strict=True)]
    found += [await _watch(redis, f"rb:check:{unique}"), await _subscription(redis)]
    return list(dict.fromkeys(each for each in found if each is not None))


def _refusal(command: str, answer: Any) -> str | None:
    """Return the message of a refusal; other errors, such as an unknown script, mean that the command is permitted."""
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
            await channel.subscribe(keys.CHANGES)
            await channel.get_message(timeout=1.0)
            await channel.ping()
    except ResponseError as error:
        return _refusal("SUBSCRIBE", error)
    return None
