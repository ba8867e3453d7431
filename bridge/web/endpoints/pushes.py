"""The endpoint of Rally's pushes. Svix sends them; the signature takes the place of an API key.

Whatever is not signed costs a response and a count: it is not parsed, not logged, and Redis hears nothing of it.

Source: https://docs.svix.com/receiving/verifying-payloads/how-manual
"""

import asyncio
from collections import Counter
from time import time

import structlog
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from bridge.domain.rules.pushes import FIRST_KEPT_LONGER, OTHER_EVENT, Push, PushResult
from bridge.domain.webhook_verification import STANDARD, SVIX, NotSigned, read_signatures
from bridge.domain.workspaces import Workspace
from bridge.errors import StoreUnavailable
from bridge.metrics import process_counts
from bridge.queue import Job
from bridge.rally.pushes import NotAPush, read_push
from bridge.resources import Resources
from bridge.store.pushes.pushes import RecordedPush
from bridge.web.problems import RETRY_AFTER_OUTAGE
from bridge.web.refusals import Refusal, Refused
from bridge.web.requests.body import read_body
from bridge.web.schemas.import_id import ImportId

BODY_LIMIT = 1024 * 1024
FAMILIES = (SVIX, STANDARD)
"""The families of headers that Svix may use. If a request has both, the first counts."""
ABORT = {"webhook-delivery": "abort-message"}
"""The header that makes Svix give up a message: https://docs.svix.com/receiving/delivery-control"""
RECORDED_WITHIN = 10.0
"""Seconds to record a push; Svix waits 15 for an answer. Behind a silent Redis, calls wait for each other."""
NO_EVENT = "none"
"""The event of a request that was refused before it was parsed."""
_IMPORT_ID: TypeAdapter[str] = TypeAdapter(ImportId)

log = structlog.get_logger()


async def receive(request: Request) -> Response:
    """Receive a push of Rally: an import ended. Only for Svix, which signs it; it needs no API key.

    The next poll of the import is due at once, and the rules of the workspace decide about it. A repetition, an unknown
    event and an import that nobody watches are accepted as well. The headers `webhook-id`, `webhook-timestamp` and
    `webhook-signature` may take the place of those of Svix.
    """
    resources: Resources = request.app.state.resources
    workspace = resources.settings.workspaces.get(request.path_params["workspace"])
    if workspace is None:
        raise _not_received()
    try:
        event, recorded = await _receive(request, resources, workspace)
    except Refused as refused:
        process_counts.push_requests.add(workspace.name, NO_EVENT, refused.refusal.code)
        raise
    process_counts.push_requests.add(workspace.name, event, recorded.result)
    if recorded.queued or recorded.result is PushResult.WATCHED:
        resources.bell.ring(Job.POLL)  # which applies the rules as well
    return Response(status_code=204)


def _not_received() -> Refused:
    """Return the refusal for a workspace without a secret, and the same for one that does not exist."""
    detail = "No secret is set for pushes to this workspace: RALLY_WEBHOOK_SECRETS, or webhook_secrets in bridge.toml."
    return Refused(Refusal.PUSHES_NOT_RECEIVED, detail)


async def _receive(request: Request, resources: Resources, workspace: Workspace) -> tuple[str, RecordedPush]:
    """Return the event of a verified push, and what it caused. Raise Refused."""
    message_id, body = await _read_verified(request, workspace)
    try:
        push = read_push(body, workspace=workspace.name, message_id=message_id)
    except NotAPush as error:
        log.warning("push.unreadable", workspace=workspace.name, message_id=message_id, reason=str(error))
        raise Refused(Refusal.PUSH_UNREADABLE, f"The push can't be read: {error}.", headers=ABORT) from None
    recorded = await _record(request, resources, workspace.name, message_id, push)
    event = OTHER_EVENT if push is None else push.event
    log.info(
        "push.recorded",
        workspace=workspace.name,
        message_id=message_id,
        push_event=event,
        import_id=None if push is None else push.import_id,
        result=recorded.result,
    )
    return event, recorded


async def _read_verified(request: Request, workspace: Workspace) -> tuple[str, bytes]:
    """Return the id and the body of a message that is signed with a secret of the workspace; raise Refused."""
    if not workspace.webhook_secrets:
        raise _not_received()
    try:
        signatures = read_signatures(request.headers.items(), now=time(), families=FAMILIES)
    except NotSigned as error:
        raise _not_signed(str(error)) from None
    with request.app.state.unverified_bodies.acquire(request):
        body = await read_body(request, limit=BODY_LIMIT)
    if not any(signatures.verify(body, secret.reveal()) for secret in workspace.webhook_secrets):
        raise _not_signed("no signature is by a secret that the bridge has for this workspace")
    return signatures.message_id, body


def _not_signed(reason: str) -> Refused:
    return Refused(Refusal.PUSH_NOT_SIGNED, f"The push is not accepted: {reason}.")


async def _record(
    request: Request, resources: Resources, workspace: str, message_id: str, push: Push | None
) -> RecordedPush:
    """Record a push; raise Refused if that fails. Each failure is remembered: the next record counts it as a miss."""
    failures: Counter[str] = request.app.state.failed_pushes
    failed_before = failures.pop(workspace, 0)
    try:
        async with asyncio.timeout(RECORDED_WITHIN):
            return await _write(resources, workspace, message_id, push, failed_before)
    except Exception as error:
        failures[workspace] += failed_before + 1
        if not isinstance(error, StoreUnavailable | TimeoutError):
            raise
        detail = "The push can't be recorded now. Send it again."
        raise Refused(Refusal.SERVICE_UNAVAILABLE, detail, headers={"Retry-After": RETRY_AFTER_OUTAGE}) from None


async def _write(
    resources: Resources, workspace: str, message_id: str, push: Push | None, failed_before: int
) -> RecordedPush:
    if push is None:
        event, result = OTHER_EVENT, PushResult.OTHER_EVENT
    elif not _is_possible(push.import_id):
        event, result = push.event, PushResult.IMPOSSIBLE_ID
    else:
        return await resources.pushes.record(
            push,
            for_rules=any(rule.covers(workspace) for rule in resources.settings.rules),
            first_kept=resources.settings.bridge_retention + FIRST_KEPT_LONGER,
            failed_before=failed_before,
        )
    return await resources.pushes.count(workspace, message_id, event, result, failed_before=failed_before)


def _is_possible(import_id: str) -> bool:
    """Return whether an import can have this id, so that a watch could name it."""
    try:
        _IMPORT_ID.validate_python(import_id)
    except ValidationError:
        return False
    return True
