"""Who asks: the bearer key of an internal tool, compared in constant time."""

import hmac

from starlette.requests import Request

from bridge.domain.times import SECOND
from bridge.errors import Refusal, Refused
from bridge.resources import Resources
from bridge.settings import Client
from bridge.settings.clients import digest

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="rally-bridge"'}


async def client_of(request: Request) -> Client:
    """Tell whose key a request bears, and count the call; raises Refused: 401, or 429 for one too many."""
    client = _bearer_of(request)
    resources: Resources = request.app.state.resources
    if wait := await resources.permits.take(client.name):
        limit = resources.settings.client_rate_limit
        headers = {"Retry-After": str(-(-wait // SECOND))}
        raise Refused(Refusal.TOO_MANY_CALLS, f"Your client may make {limit} in a minute.", headers=headers)
    return client


def _bearer_of(request: Request) -> Client:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        detail = "Send your API key as `Authorization: Bearer <key>`."
        raise Refused(Refusal.NO_KEY, detail, headers=CHALLENGE)
    resources: Resources = request.app.state.resources
    client = match(key.strip(), resources.settings.clients)
    if client is None:
        raise Refused(Refusal.UNKNOWN_KEY, headers=CHALLENGE)
    return client


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
