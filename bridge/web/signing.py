"""What callbacks are verified with: the calling client's own secrets, and the public keys."""

from starlette.requests import Request
from starlette.responses import Response

from bridge.resources import Resources
from bridge.web.answers import KeysAnswer, SecretsAnswer
from bridge.web.asked import without_query
from bridge.web.auth import client_of
from bridge.web.json_answer import JSONAnswer

NOT_KEPT = {"Cache-Control": "no-store"}


async def secrets(request: Request) -> Response:
    """Give the secrets that sign the calling client's callbacks, newest first; no other client's."""
    resources: Resources = request.app.state.resources
    client = await client_of(request)
    without_query(request)
    own = resources.sender.signing.secrets_of(client.name)
    answer: SecretsAnswer = {"secrets": [secret.reveal() for secret in own]}
    return JSONAnswer(answer, headers=NOT_KEPT)


async def keys(request: Request) -> Response:
    """Give the ed25519 public keys, newest first."""
    resources: Resources = request.app.state.resources
    await client_of(request)
    without_query(request)
    answer: KeysAnswer = {"keys": list(resources.sender.signing.public_keys())}
    return JSONAnswer(answer)
