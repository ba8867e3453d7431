"""What callbacks are verified with: a client's secrets and public keys; an admin may ask for any client's."""

from starlette.requests import Request
from starlette.responses import Response

from bridge.domain.notices import OPERATOR
from bridge.errors import Problem, Refusal, Refused
from bridge.resources import Resources
from bridge.web.auth import authenticate
from bridge.web.query import SigningQuery, parse_query
from bridge.web.responses import ApiResponse
from bridge.web.schemas.responses import KeysResponse, SecretsResponse

NOT_KEPT = {"Cache-Control": "no-store"}


async def secrets(request: Request) -> Response:
    """Return the secrets that sign a client's callbacks, newest first: the calling client's; an admin may name another.

    A destination with a `secret` of its own is signed with that one instead.
    """
    client = await _whose(request)
    signing = _resources(request).sender.signing
    answer: SecretsResponse = {"client": client, "secrets": [each.reveal() for each in signing.secrets_of(client)]}
    return ApiResponse(answer, headers=NOT_KEPT)


async def keys(request: Request) -> Response:
    """Return the ed25519 public keys that verify a client's callbacks, newest first: as with the secrets.

    Each client has keys of its own, so that a message to another client does not verify.
    """
    client = await _whose(request)
    signing = _resources(request).sender.signing
    answer: KeysResponse = {"client": client, "keys": list(signing.public_keys_of(client))}
    return ApiResponse(answer)


async def _whose(request: Request) -> str:
    """Return the client that is asked for; raises Refused where the caller may not, or there is no such client."""
    caller = await authenticate(request)
    named = parse_query(request, SigningQuery).client
    if named in {None, caller.name}:
        return caller.name
    if not caller.admin:
        raise _refused("Only an admin may ask for another client's", "forbidden")
    if named not in {OPERATOR, *(each.name for each in _resources(request).settings.clients)}:
        raise _refused("No client has this name", "unknown_name")
    return named


def _refused(detail: str, code: str) -> Refused:
    return Refused(Refusal.INVALID_QUERY, problems=[Problem(pointer="?client", detail=detail, code=code)])


def _resources(request: Request) -> Resources:
    resources: Resources = request.app.state.resources
    return resources
