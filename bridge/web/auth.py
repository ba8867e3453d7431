"""Authentication: an API key as bearer token, compared in constant time; and the client's rate limit."""

import hmac
from time import monotonic

import structlog
from starlette.requests import Request

from bridge.domain.clients import Client, digest
from bridge.domain.times import SECOND, Span
from bridge.resources import Resources
from bridge.web.refusals import Refusal, Refused
from bridge.web.routing import CLIENT

log = structlog.get_logger()

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="rally-bridge"'}


def authenticate(request: Request) -> Client:
    """Return the client of the request's API key.

    Raise Refused with 401 for a missing or an invalid key, and with 429 after too many invalid keys.
    """
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        detail = "Send your API key as `Authorization: Bearer <key>`."
        raise Refused(Refusal.MISSING_API_KEY, detail, headers=CHALLENGE)
    resources: Resources = request.app.state.resources
    client = match(key.strip(), resources.settings.clients)
    if client is None:
        raise invalid_key(request)
    request.scope[CLIENT] = client.name
    return client


async def count_call(resources: Resources, client: Client) -> None:
    """Count a request. Raise Refused with 429 above the client's rate limit."""
    await _count(resources, client, 1)


async def charge_batch(resources: Resources, client: Client, watches: int) -> None:
    """Count each watch of a batch as a request; the batch itself already counts as the first.

    Raise Refused with 429, and count nothing, when too few requests are left in this minute. A batch larger than the
    limit is charged as the whole limit, so it is accepted only if the client made no other request in that minute.
    """
    if more := min(watches, resources.settings.client_rate_limit) - 1:
        await _count(resources, client, more)


async def _count(resources: Resources, client: Client, requests: int) -> None:
    if wait := await resources.rate_limiter.acquire(client.name, requests):
        more = " Each watch of a batch counts as one; none was accepted." if requests > 1 else ""
        raise rate_limited(resources, wait, more)


def rate_limited(resources: Resources, wait: Span, more: str = "") -> Refused:
    """Return the refusal of a call above the client's rate limit; the next minute begins in `wait`."""
    detail = f"The limit of your client is {resources.settings.client_rate_limit} requests a minute.{more}"
    return Refused(Refusal.RATE_LIMITED, detail, headers={"Retry-After": str(-(-wait // SECOND))})


def invalid_key(request: Request) -> Refused:
    """Count an invalid key and return the refusal of its request; only the first key of a burst is logged."""
    address = "" if request.client is None else request.client.host
    record = request.app.state.invalid_keys.count(address, monotonic())
    if record.first:
        log.warning("api_key.rejected", address=address)
    if record.wait:
        return Refused(Refusal.TOO_MANY_INVALID_KEYS, headers={"Retry-After": str(record.wait)})
    return Refused(Refusal.INVALID_API_KEY, headers=CHALLENGE)


def match(key: str, clients: tuple[Client, ...]) -> Client | None:
    """Return the client of a key.

    Every digest of every client is compared, in constant time, so that the time reveals neither a match nor a length.
    """
    key_digest = digest(key)
    matching = None
    for client in clients:
        for each in client.digests:
            if hmac.compare_digest(key_digest, each):
                matching = client
    return matching


def may_see(client: Client, owner: str) -> bool:
    """Return whether a client may see what belongs to the client `owner`."""
    return client.admin or owner == client.name
