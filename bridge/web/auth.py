"""Who asks: the bearer key of an internal tool, compared in constant time."""

import hashlib
import hmac
from dataclasses import dataclass

from starlette.requests import Request

from bridge.domain.times import SECOND
from bridge.errors import Refusal, Refused
from bridge.resources import Resources
from bridge.settings import ClientKey

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="rally-bridge"'}


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """An internal tool, known by the name of its key; an admin sees everybody's watches."""

    name: str
    admin: bool
    workspaces: frozenset[str] | None

    def may_use(self, workspace: str) -> bool:
        return self.workspaces is None or workspace in self.workspaces

    def may_see(self, owner: str) -> bool:
        return self.admin or owner == self.name


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
    client = match(key.strip(), resources.settings.bridge_api_keys)
    if client is None:
        raise Refused(Refusal.UNKNOWN_KEY, headers=CHALLENGE)
    return client


def match(key: str, known: tuple[ClientKey, ...]) -> Client | None:
    """Compare with every known key, and always with all of them; digests, so that lengths tell nothing either."""
    offered = _digest(key)
    found = None
    for candidate in known:
        if hmac.compare_digest(offered, _digest(candidate.key.reveal())):
            found = Client(name=candidate.name, admin=candidate.admin, workspaces=candidate.workspaces)
    return found


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
