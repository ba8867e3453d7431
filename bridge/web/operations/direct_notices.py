"""Notices to the operator that a process of the API sends itself, without Redis and without a worker."""

import asyncio
from time import time

import structlog

from bridge.destinations import render
from bridge.destinations.sending import send
from bridge.domain.delivery.verdicts import Accepted, Rejected, Verdict
from bridge.domain.destinations import NamedDestination
from bridge.domain.notices.notices import OPERATOR, Notice
from bridge.domain.times import SECOND
from bridge.ids import new_id
from bridge.metrics import process_counts
from bridge.resources import Resources

PAUSES = (2.0, 10.0)
"""Seconds after each failed attempt but the last."""

log = structlog.get_logger()


async def send_directly(resources: Resources, notice: Notice) -> None:
    """Send a notice to OPERATOR_NOTIFY, if it is set; up to three times. A failure is logged and counted."""
    name = resources.settings.operator_notify
    if name is None:
        return
    reason, message_id = "", new_id("dlv_")
    for pause in (*PAUSES, None):
        verdict = await _attempt(resources, notice, NamedDestination(name=name), message_id)
        if isinstance(verdict, Accepted):
            process_counts.notices.add("delivered")
            return
        reason = verdict.reason
        if isinstance(verdict, Rejected) or pause is None:
            break
        await asyncio.sleep(pause)
    process_counts.notices.add("failed")
    log.error("notice.failed", type=notice.type, reason=reason)


async def _attempt(resources: Resources, notice: Notice, destination: NamedDestination, message_id: str) -> Verdict:
    result = await send(
        destination,
        render(notice, destination),
        message_id=message_id,
        client=OPERATOR,
        now=lambda: int(time() * SECOND),
        named=resources.named,
        sender=resources.sender,
        egress=resources.egress,
    )
    return result.verdict
