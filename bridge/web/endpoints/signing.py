"""The endpoints for verifying callbacks: a client's signing secrets and public keys."""

from starlette.requests import Request
from starlette.responses import Response

from bridge.domain.clients import Client
from bridge.domain.notices.notices import OPERATOR
from bridge.resources import Resources
from bridge.web.endpoints.authenticated import authenticated_with
from bridge.web.json_response import ApiResponse
from bridge.web.refusals import Problem, Refusal, Refused
from bridge.web.requests.query import SigningQuery
from bridge.web.schemas.choices import one_of
from bridge.web.schemas.responses import KeysResponse, SecretsResponse


@authenticated_with(SigningQuery)
async def secrets(_: Request, resources: Resources, caller: Client, query: SigningQuery) -> Response:
    """Get the secrets that sign your client's callbacks, newest first. Admins may name another client.

    A destination with its own `secret` is signed with that secret instead.
    """
    client = _named_client(resources, caller, query)
    signing = resources.sender.signing
    response: SecretsResponse = {"client": client, "secrets": [each.reveal() for each in signing.secrets_of(client)]}
    return ApiResponse(response, headers={"Cache-Control": "no-store"})


@authenticated_with(SigningQuery)
async def public_keys(_: Request, resources: Resources, caller: Client, query: SigningQuery) -> Response:
    """Get the ed25519 public keys that verify your client's callbacks, newest first. Admins may name another client.

    Each client has its own keys, so a message to another client fails the verification.
    """
    client = _named_client(resources, caller, query)
    response: KeysResponse = {"client": client, "keys": list(resources.sender.signing.public_keys_of(client))}
    return ApiResponse(response)


def _named_client(resources: Resources, caller: Client, query: SigningQuery) -> str:
    """Return the name of the client in the query, the caller's by default.

    Raise Refused with 422 when the caller may not see another client, or when the client does not exist.
    """
    name = query.client
    if name in {None, caller.name}:
        return caller.name
    if not caller.admin:
        raise _refused("Only admins may name another client", "forbidden")
    settings = resources.settings
    known = {OPERATOR, *(each.name for each in settings.clients), *(rule.client for rule in settings.rules)}
    if name not in known:
        raise _refused(one_of(known, "client"), "unknown_name")
    return name


def _refused(detail: str, code: str) -> Refused:
    return Refused(Refusal.INVALID_QUERY, problems=[Problem(pointer="?client", detail=detail, code=code)])
