"""Clicks about failed records: on the button of a message, and in the modal that it opens."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from bridge.destinations.slack.modal_calls import VIEW_ID
from bridge.destinations.slack.records_modal import (
    ACTIONS,
    LOADING,
    RECORDS_VIEW,
    SEND_CSV,
    SENDING,
    SENT,
    RecordsModal,
    note_view,
    read_modal,
    waiting_view,
)
from bridge.domain.clients import Client
from bridge.domain.times import MINUTE, SECOND, Span
from bridge.domain.watches import Watch
from bridge.errors import StoreUnavailable
from bridge.resources import Resources
from bridge.web.slack.answers import Answer
from bridge.web.slack.clicks import Click
from bridge.web.slack.nested import text_at
from bridge.web.slack.records.csv_message import send_csv
from bridge.web.slack.records.modal_updates import open_modal, show_page, update
from bridge.web.slack.records.permission import readable_watch

DOUBLE_CLICK: Span = 3 * SECOND
"""A second click within this time opens no second modal."""
SENDING_LASTS: Span = MINUTE
"""For how long a second click on the button of the CSV sends no second file."""
_NUMBER = re.compile(r"[0-9]{1,7}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModalClick:
    """A click on a button of the modal: by whom, in which modal, and the first record that is to be shown."""

    client: Client
    user: str
    view_id: str
    about: RecordsModal
    action: str
    start: int


def modal_click(client: Client, user: str, payload: Mapping[str, Any], action: str, value: str) -> ModalClick | None:
    """Read a click in a modal; None if it is not one of ours."""
    view = payload["view"]
    view_id, about = text_at(view, "id"), read_modal(text_at(view, "private_metadata"))
    ours = text_at(view, "callback_id") == RECORDS_VIEW and action in ACTIONS and VIEW_ID.fullmatch(view_id)
    if not ours or about is None:
        return None
    start = int(value) if _NUMBER.fullmatch(value) else 0
    return ModalClick(client=client, user=user, view_id=view_id, about=about, action=action, start=start)


async def open_records(resources: Resources, click: Click) -> Answer:
    """Check a click on the button of a message. The modal opens after the response."""
    watch = await readable_watch(resources, click.client, click.user, channel=click.channel, watch_id=click.value)
    if isinstance(watch, Answer):
        return watch
    if not await _begin(resources, click.client, "open", click.user, watch.id, lasts=DOUBLE_CLICK):
        return Answer()
    return Answer(afterwards=partial(_open, resources, click, watch))


async def use_modal(resources: Resources, click: ModalClick) -> Answer:
    """Check a click in the modal, as if it were the first. What it asks for follows after the response."""
    about = click.about
    watch = await readable_watch(resources, click.client, click.user, channel=about.channel, watch_id=about.watch_id)
    if isinstance(watch, Answer):
        return watch
    if click.action != SEND_CSV:
        return Answer(afterwards=partial(_turn, resources, click, watch))
    if not await _begin(resources, click.client, "csv", click.user, watch.id, lasts=SENDING_LASTS):
        return Answer(
            text="I have been asked for this CSV within the last minute. Look at your direct messages with me."
        )
    return Answer(afterwards=partial(_send, resources, click, watch))


async def say_in_modal(resources: Resources, click: ModalClick, text: str) -> None:
    """Say something to the person in the modal: a click in it has no `response_url`."""
    await update(resources, click.view_id, note_view(click.about, text))


async def _open(resources: Resources, click: Click, watch: Watch) -> None:
    place = {"user": click.user, "channel": click.channel}
    if not await open_modal(resources, watch, **place, trigger=click.trigger, answers=click.answers):
        await _forget(resources, click.client, "open", click.user, watch.id)


async def _turn(resources: Resources, click: ModalClick, watch: Watch) -> None:
    await update(resources, click.view_id, waiting_view(click.about, LOADING))
    await show_page(resources, watch, click.start, user=click.user, view_id=click.view_id, about=click.about)


async def _send(resources: Resources, click: ModalClick, watch: Watch) -> None:
    """Send the CSV, whether or not the modal is still open."""
    await update(resources, click.view_id, waiting_view(click.about, SENDING))
    failure = await send_csv(resources, watch, click.user)
    await say_in_modal(resources, click, failure or SENT)
    if failure is not None:
        await _forget(resources, click.client, "csv", click.user, watch.id)


async def _begin(resources: Resources, client: Client, *deed: str, lasts: Span) -> bool:
    return await resources.slack_requests.begin_deed(_team(client), *deed, lasts=lasts)


async def _forget(resources: Resources, client: Client, *deed: str) -> None:
    """Let a deed that failed be asked for again at once. Without Redis, that is possible when its mark has expired."""
    with suppress(StoreUnavailable):
        await resources.slack_requests.end_deed(_team(client), *deed)


def _team(client: Client) -> str:
    assert client.slack is not None  # noqa: S101 - only a Slack workspace's people click
    return client.slack.team
