"""The shortcuts: a modal asks which import to watch. On a message, it is filled in with the id in the message.

Sources: https://docs.slack.dev/interactivity/implementing-shortcuts and
https://docs.slack.dev/reference/methods/views.open
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from time import time

import structlog

from bridge.destinations.reasons import full_reason
from bridge.destinations.slack.bot_verdicts import judge
from bridge.destinations.slack.modal_calls import prepare_open
from bridge.destinations.slack.response_url import say
from bridge.destinations.slack.watch_modal import watch_view
from bridge.domain.delivery.destination_requests import NoResponse
from bridge.domain.delivery.verdicts import Accepted
from bridge.domain.destinations import CHANNEL_ID
from bridge.domain.secret import Secret
from bridge.domain.times import SECOND
from bridge.resources import Resources
from bridge.web.slack.answers import Answer

NOT_OPENED = "⚠️ I could not open the form. Try again."

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortcut:
    """A shortcut that a person has used: anywhere in Slack, or on a message.

    Only one that was used on a message has `import_ids`, which were found in it, a `channel` and `answers`.
    """

    user: str
    trigger: str
    import_ids: Sequence[str] = ()
    channel: str | None = None
    answers: Secret | None = None
    """The `response_url`, where answers are posted to; None if it is not one of Slack's."""


async def use_shortcut(resources: Resources, shortcut: Shortcut) -> Answer:
    return Answer(afterwards=partial(_open, resources, shortcut))


async def _open(resources: Resources, shortcut: Shortcut) -> None:
    bot = resources.sender.slack_bot
    assert bot is not None  # noqa: S101 - the settings of a Slack app need one
    channel = shortcut.channel if re.fullmatch(CHANNEL_ID, shortcut.channel or "") else None
    view = watch_view(shortcut.import_ids, channel)
    answer = await resources.egress.send(prepare_open(shortcut.trigger, view, bot))
    if isinstance(answer, NoResponse):
        reason = full_reason(answer)
    elif isinstance(verdict := judge(answer, int(time() * SECOND)), Accepted):
        return
    else:
        reason = verdict.reason
    log.warning("slack.view_not_opened", reason=reason)
    if shortcut.answers is not None:
        await say(resources.egress, shortcut.answers, NOT_OPENED)
