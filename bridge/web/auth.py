"""Who asks: the bearer key of an internal tool, compared in constant time."""

import hmac
from time import monotonic

import structlog
from starlette.requests import Request

from bridge.domain.clients import Client, digest
from bridge.domain.times import SECOND
from bridge.errors import Refusal, Refused
from bridge.resources import Resources

log = structlog.get_logger()

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="rally-bridge"'}


async def authenticate(request: Request) -> Client:
    """Tell whose key a request bears, and count the call; raises Refused: 401, or 429 for one too many."""
    client = _bearer_of(request)
    await _count(request.app.state.resources, client, 1)
    return client


async def charge_batch(resources: Resources, client: Client, watches: int) -> None:
    """Count each watch of a batch as a call, the batch itself being the first; raises Refused: 429, and counts none.

    One that is larger than the limit is as large as the limit: it passes in a minute without other calls.
    """
    if more := min(watches, resources.settings.client_rate_limit) - 1:
        await _count(resources, client, more)


async def _count(resources: Resources, client: Client, calls: int) -> None:
    if wait := await resources.rate_limiter.take(client.name, calls):
        detail = f"Your client may make {resources.settings.client_rate_limit} calls in a minute."
        if calls > 1:
            detail += " Each watch of a batch counts as one; none was accepted."
        raise Refused(Refusal.RATE_LIMITED, detail, headers={"Retry-After": str(-(-wait // SECOND))})


def _bearer_of(request: Request) -> Client:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        detail = "Send your API key as `Authorization: Bearer <key>`."
        raise Refused(Refusal.MISSING_API_KEY, detail, headers=CHALLENGE)
    resources: Resources = request.app.state.resources
    client = match(key.strip(), resources.settings.clients)
    if client is None:
        raise _wrong_key(request)
    return client


def _wrong_key(request: Request) -> Refused:
    """Count a wrong key, and return how it is refused; the first of a burst is logged."""
    address = "" if request.client is None else request.client.host
    noted = request.app.state.wrong_keys.note(address, monotonic())
    if noted.begins:
        log.warning("api_key.rejected", address=address)
    if noted.wait:
        return Refused(Refusal.TOO_MANY_INVALID_KEYS, headers={"Retry-After": str(noted.wait)})
    return Refused(Refusal.INVALID_API_KEY, headers=CHALLENGE)


def match(key: str, known: tuple[Client, ...]) -> Client | None:
    """Compare with every known key, and always with all of them; digests, so that lengths tell nothing either."""
    offered = digest(key)
    found = None
    for client in known:
        for each in client.digests:
            if hmac.compare_digest(offered, each):
                found = client
    return found


def may_see(client: Client, owner: str) -> bool:
    return client.admin or owner == client.name
