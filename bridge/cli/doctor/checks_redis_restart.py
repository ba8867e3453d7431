"""Whether a restart of Redis keeps the data: it replays its append-only file with the permissions of user `default`.

Without them it drops the transactions of the file, with a line in its log at most:
https://github.com/redis/redis/issues/14541, https://github.com/valkey-io/valkey/issues/3983.
"""

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from bridge.cli.doctor.findings import Finding, failed, ok, warning
from bridge.redis.server import Version

CHECK = "Redis restart"
GUIDE = "/docs/operations#redis-permissions"
OLDEST_UNAFFECTED_VALKEY: Version = (9, 1)


async def may_replay(redis: Redis) -> bool | None:
    """Return whether the user `default` may write our keys, also while it is off; None if Redis does not say."""
    try:
        if await redis.acl_whoami() == "default":
            return True
        reply = await redis.acl_dryrun("default", "SET", "rb:check", "1")  # type: ignore[no-untyped-call]  # redis-py's
    except ResponseError:  # not permitted, or no such command
        return None
    return bool(reply == "OK")


def check_replay(product: str, version: Version, *, may: bool | None) -> Finding:
    if may or (product == "Valkey" and version >= OLDEST_UNAFFECTED_VALKEY):
        return ok(CHECK, "it keeps what is in the append-only file")
    if may is None:
        unknown = "it does not report whether its user `default` may replay the append-only file"
        return warning(CHECK, unknown, f"Permit ACL DRYRUN (+acl|dryrun), or check `default` by hand: see {GUIDE}.")
    lost = "it would lose all watches: its user `default` may not replay the append-only file"
    return failed(CHECK, lost, f"Give `default` its commands, also if it is off: see {GUIDE}.")
