"""Verification of Slack's requests: the signature takes the place of an API key, and the workspace is a client.

What is not signed costs an answer: it is not parsed, not logged, and Redis hears nothing of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from time import time
from urllib.parse import parse_qsl

from starlette.requests import Request

from bridge.domain.clients import Client, SlackTeam
from bridge.domain.slack_signatures import NotSlacks, SlackSignature, read_signature
from bridge.web.refusals import Refusal, Refused
from bridge.web.requests.body import read_body

SSL_CHECK = b"ssl_check=1"
SSL_CHECK_LIMIT = 1024
"""The bytes that are read of a request without a usable signature: only to recognize the check of our certificate."""
MOST_FIELDS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A request that Slack has signed for our app: its client, what is signed, and the fields of its form."""

    client: Client
    slack: SlackTeam
    signed: bytes = field(repr=False)
    form: Mapping[str, str] = field(repr=False)


async def read_verified(request: Request, *, limit: int) -> Verified | None:
    """Return a request that Slack has signed, or None for a check of our certificate, which is not signed.

    Raise Refused with 401 for all others. Whose app the form is for must still be checked: see `check_sender`.
    """
    signature = _signature_of(request)
    body = await _read(request, SSL_CHECK_LIMIT if isinstance(signature, NotSlacks) else limit)
    if SSL_CHECK in body.split(b"&"):
        return None
    if isinstance(signature, NotSlacks):
        raise not_slacks(str(signature))
    settings = request.app.state.resources.settings
    client = settings.slack_client
    if client is None or client.slack is None:
        raise not_slacks("no Slack app is configured")
    if not signature.verify(body, [secret.reveal() for secret in settings.slack_signing_secret]):
        raise not_slacks("the signature is by no secret of SLACK_SIGNING_SECRET")
    return Verified(client=client, slack=client.slack, signed=signature.signed(body), form=_form(body))


def check_sender(verified: Verified, *, team: object, app: object) -> None:
    """Raise Refused with 401 if a request is from another workspace or for another app than those of the client."""
    if (team, app) != (verified.slack.team, verified.slack.app):
        raise not_slacks("it is from another workspace, or for another app, than bridge.toml has")


def not_slacks(reason: str) -> Refused:
    return Refused(Refusal.SLACK_NOT_SIGNED, f"The request is not accepted: {reason}.")


def _signature_of(request: Request) -> SlackSignature | NotSlacks:
    try:
        return read_signature(request.headers.raw, now=time())
    except NotSlacks as fault:
        return fault


async def _read(request: Request, limit: int) -> bytes:
    """Return the body. Raise Refused, as what is too large or too slow can't be Slack's."""
    with request.app.state.unverified_bodies.acquire(request):
        try:
            return await read_body(request, limit=limit)
        except Refused:
            raise not_slacks("its body is too large, or did not arrive in time") from None


def _form(body: bytes) -> Mapping[str, str]:
    """Return the fields of a form; of a repeated one, the first. Raise Refused if the body is none in UTF-8."""
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=MOST_FIELDS
        )
    except ValueError:  # UnicodeDecodeError is one
        raise not_slacks("its body is not a form in UTF-8") from None
    return dict(reversed(pairs))
