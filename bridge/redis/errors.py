"""The meaning of redis-py's errors, and their wording for users and logs.

The real error may be the cause of another: a failed handshake is raised as a lost connection.
"""

import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio.sentinel import MasterNotFoundError
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    InvalidResponse,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from bridge.errors import CredentialsRefused, ReplicasMissing, StoreFull, StoreRefused, StoreUnavailable, causes

LONGEST = 200
"""The longest part of Redis' message that is repeated; protected mode sends a whole page."""
REFUSALS = (AuthenticationError, AuthorizationError, NoPermissionError, InvalidResponse, ssl.SSLCertVerificationError)
DENIED = re.compile(r"^DENIED |ACL failure in script|The user executing the script can't ")
"""Refusals that redis-py has no class for: protected mode, and a missing right within a script (Redis 7.2; 7.0)."""
MOVED_ON = re.compile(r"\b(READONLY|MASTERDOWN|LOADING|NOREPLICAS|UNBLOCKED) ")
"""Replies of a server that is, or may be, no longer the primary; in a script they follow the script's name."""
TOO_FEW_REPLICAS = re.compile(r"\bNOREPLICAS ")
FULL = re.compile(r"\bOOM ")
TOO_MANY = "max number of clients reached"
"""A message without a class in redis-py."""
ANNOTATED = re.compile(
    r"^Command # \d+ \((?P<command>\S+(?: \S+)?).*\) of pipeline caused error: \(['\"](?P<said>.*)['\"],\)$", re.DOTALL
)
"""How redis-py wraps the message about one command of a pipeline."""


def lacks_replicas(error: BaseException) -> bool:
    """Return whether Redis refuses a write because too few replicas are connected."""
    return any(_matches(TOO_FEW_REPLICAS, each) for each in causes(error))


def is_full(error: BaseException) -> bool:
    """Return whether Redis is at its maxmemory and rejects writes."""
    return any(isinstance(each, OutOfMemoryError) or _matches(FULL, each) for each in causes(error))


def is_refusal(error: BaseException) -> bool:
    """Return whether Redis rejects this client, or the server is not a trusted Redis: waiting does not help."""
    return any(isinstance(each, REFUSALS) or _matches(DENIED, each) for each in causes(error))


def refuses_credentials(error: BaseException) -> bool:
    """Return whether Redis rejects the user or the password, or requires one."""
    return any(isinstance(each, AuthenticationError) for each in causes(error))


def needs_new_connection(error: BaseException) -> bool:
    """Return whether only a new connection can help.

    The server was demoted or restarts, the password was changed, or the server is silent.
    """
    return any(
        isinstance(each, ReadOnlyError | BusyLoadingError | AuthenticationError | RedisTimeoutError)
        or _matches(MOVED_ON, each)
        for each in causes(error)
    )


def _matches(pattern: re.Pattern[str], error: BaseException) -> bool:
    return isinstance(error, ResponseError) and pattern.search(str(error)) is not None


def in_words(error: BaseException, command: str = "") -> str:
    """Return an error in words: Redis' own if it sent any. redis-py's are left out because they contain addresses.

    No message contains a password. Some versions do not name the command for which a right is missing; it is added.
    """
    chain = list(causes(error))
    if said := next(filter(_is_reply, chain), None):
        annotated = ANNOTATED.match(str(said))
        words = _shortened(annotated["said"] if annotated else str(said))
        command = annotated["command"] if annotated else command
        named = not command or command.split()[0].lower() in words.lower()
        return words if named or not isinstance(said, NoPermissionError) else f"{words} ({command})"
    for each in chain:
        match each:
            case ssl.SSLCertVerificationError():
                return f"its TLS certificate is refused: {each.verify_message.rstrip('.')}"
            case ssl.SSLError():
                return f"TLS failed ({each.reason or 'no reason given'})"
            case InvalidResponse():
                return "what answers is no Redis"
            case TimeoutError() | RedisTimeoutError():
                return "no answer in time"
    return "no connection"


def _is_reply(error: BaseException) -> bool:
    """Return whether Redis, or its sentinels, said this; other errors come from redis-py or the system."""
    said = ResponseError | AuthenticationError | AuthorizationError | BusyLoadingError | MasterNotFoundError
    return isinstance(error, said) or (isinstance(error, RedisConnectionError) and str(error) == TOO_MANY)


def _shortened(said: str) -> str:
    said = " ".join(said.split())
    if len(said) <= LONGEST:
        return said
    return f"{said[:LONGEST].rsplit('. ', 1)[0].rstrip('.')}. …"


def as_unavailable(error: BaseException, command: str = "") -> StoreUnavailable:
    """Return our error for one of redis-py's, raised by `command`."""
    words = f"Redis: {in_words(error, command)}"
    if is_full(error):
        return StoreFull("Redis: out of memory (OOM): it takes no writes")
    if lacks_replicas(error):
        return ReplicasMissing(words)
    if refuses_credentials(error):
        return CredentialsRefused(words)
    return StoreRefused(words) if is_refusal(error) else StoreUnavailable(words)


def is_final(error: StoreUnavailable, *, credentials_may_change: bool) -> bool:
    """Return whether waiting cannot help. Rejected credentials may still be replaced if they are read from a file."""
    match error:
        case CredentialsRefused():
            return not credentials_may_change
        case _:
            return isinstance(error, StoreRefused)


@asynccontextmanager
async def translated(command: str = "") -> AsyncIterator[None]:
    """Translate redis-py's errors into StoreUnavailable."""
    try:
        yield
    except (RedisError, OSError) as error:
        raise as_unavailable(error, command) from error
