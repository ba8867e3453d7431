"""The calls to Slack that open the modal of failed records, and fill it once the records are read.

What the modal contains is written by `bridge.destinations.slack.records_modal`.
"""

from time import time
from typing import Any

import structlog

from bridge.destinations.slack.bot import SlackBot
from bridge.destinations.slack.call_results import CallResult, NotDone, result_of
from bridge.destinations.slack.modal_calls import prepare_open, prepare_update, view_id_of
from bridge.destinations.slack.records_modal import (
    LOADING,
    RecordsModal,
    RecordsPage,
    note_view,
    page_view,
    waiting_view,
)
from bridge.destinations.slack.response_url import say
from bridge.domain.clients import slack_client
from bridge.domain.delivery.destination_requests import Request
from bridge.domain.secret import Secret
from bridge.domain.times import SECOND
from bridge.domain.watches import Watch
from bridge.resources import Resources
from bridge.web.slack.records.pages import page_of
from bridge.web.watches.record_lookup import log_access

CLOSED_BY_READER = "not_found"
"""Slack's error after the person has closed the modal."""

log = structlog.get_logger()


def bot_of(resources: Resources) -> SlackBot:
    bot = resources.sender.slack_bot
    assert bot is not None  # noqa: S101 - the settings of a Slack app need one
    return bot


async def call(resources: Resources, request: Request) -> CallResult:
    """Make one call of Slack's API."""
    return result_of(await resources.egress.send(request), int(time() * SECOND))


async def open_modal(
    resources: Resources, watch: Watch, *, user: str, channel: str, trigger: str, answers: Secret | None
) -> bool:
    """Open the modal, and then fill it. If Slack refuses that, tell the person where they clicked.

    Return False if it did not open.
    """
    about = RecordsModal(watch_id=watch.id, channel=channel)
    view = waiting_view(about, LOADING)
    opened = view_id_of(await call(resources, prepare_open(trigger, view, bot_of(resources))))
    if isinstance(opened, NotDone):
        log.warning("slack.view_not_opened", reason=opened.reason)
        await say(resources.egress, answers, f"⚠️ I could not open the window. {opened.sentence}")
        return False
    refused = await show_page(resources, watch, 0, user=user, view_id=opened, about=about)
    if refused is not None:
        await say(resources.egress, answers, f"⚠️ I could not fill the window. {refused.sentence}")
    return True


async def show_page(
    resources: Resources, watch: Watch, start: int, *, user: str, view_id: str, about: RecordsModal
) -> NotDone | None:
    """Show a page in an open modal; return why Slack has not shown it, unless the person has closed the modal."""
    page = await page_of(resources, watch, start)
    if not isinstance(page, RecordsPage):
        return await update(resources, view_id, note_view(about, page))
    log_access(slack_client(user), watch, "slack")
    return await update(resources, view_id, page_view(about, page))


async def update(resources: Resources, view_id: str, view: dict[str, Any]) -> NotDone | None:
    """Replace the contents of an open modal; return why Slack has not, unless the person has closed it."""
    result = await call(resources, prepare_update(view_id, view, bot_of(resources)))
    if not isinstance(result, NotDone) or result.error == CLOSED_BY_READER:
        return None
    log.warning("slack.view_not_updated", reason=result.reason)
    return result
