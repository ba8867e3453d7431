"""Scripts whose reply counts only once replicas have what it rests on (REDIS_MIN_REPLICAS)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from redis.asyncio import Redis
from redis.commands.core import AsyncScript
from redis.exceptions import NoScriptError

from bridge.errors import ReplicasMissing
from bridge.redis.pool import Pool
from bridge.store import keys
from bridge.store.calls.lua import Argument

PATIENCE = 2000
"""Milliseconds in which the replicas must confirm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replication:
    """How many replicas must confirm, and within how many milliseconds."""

    replicas: int
    patience: int


async def run_replicated(
    redis: Redis, script: AsyncScript, script_keys: Sequence[str], args: Sequence[Argument], required: Replication
) -> Any:
    """Run a script, and return its reply once the replicas have everything that was written before it, and by it.

    Raises ReplicasMissing if too few confirmed in time; the script has run then.
    """
    reply, confirmed = await _send(redis, script, script_keys, args, required)
    if isinstance(reply, NoScriptError):
        await redis.script_load(script.script)
        reply, confirmed = await _send(redis, script, script_keys, args, required)
    for each in (reply, confirmed):
        if isinstance(each, Exception):
            raise each
    if confirmed < required.replicas:
        await cast("Pool", redis.connection_pool).renew()  # another server may be the primary by now
        raise ReplicasMissing(f"Redis: {confirmed} of {required.replicas} required replicas confirmed a write in time")
    return reply


async def _send(
    redis: Redis, script: AsyncScript, script_keys: Sequence[str], args: Sequence[Argument], required: Replication
) -> tuple[Any, Any]:
    """Send the script and WAIT on one connection: on another one, WAIT might ask another server.

    The SET between them makes WAIT cover what the script has only read: a repetition may write nothing.
    """
    async with redis.pipeline(transaction=False) as pipe:
        pipe.execute_command("EVALSHA", script.sha, len(script_keys), *script_keys, *args)
        pipe.set(keys.REPLICATED, 1)
        pipe.execute_command("WAIT", required.replicas, required.patience)
        reply, _, confirmed = await pipe.execute(raise_on_error=False)
    return reply, confirmed
