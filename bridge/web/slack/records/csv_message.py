"""The failed records as a CSV file, sent by direct message to the person who asked; never into a channel."""

import asyncio
from dataclasses import dataclass

import structlog

from bridge.destinations.slack.call_results import NotDone
from bridge.destinations.slack.escaping import code, neutralized
from bridge.destinations.slack.files import (
    direct_messages_of,
    prepare_bytes,
    prepare_direct_messages,
    prepare_sharing,
    prepare_upload_url,
    upload_of,
    uploaded,
)
from bridge.destinations.slack.records_modal import ID_LIMIT, LABEL_LIMIT
from bridge.destinations.slack.wording import pluralized
from bridge.domain.clients import slack_client
from bridge.domain.failed_records_csv import csv_parts
from bridge.domain.watches import Watch
from bridge.resources import Resources
from bridge.web.slack.records.modal_updates import bot_of, call
from bridge.web.slack.records.pages import found_records
from bridge.web.watches.record_lookup import FoundRecords, log_access

MAYBE_THERE = "Slack may have taken the file: look at your direct messages with me before you click again."

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file for one person: its name and title, what it contains, and a comment in Slack's markup."""

    name: str
    title: str
    content: bytes
    comment: str


async def send_csv(resources: Resources, watch: Watch, user: str) -> str | None:
    """Send the CSV of a watch to a user. Return a sentence that says why not; None if Slack has taken it."""
    found = await found_records(resources, watch)
    if isinstance(found, str):
        return found
    file = await asyncio.to_thread(_file, watch, found)
    log_access(slack_client(user), watch, "slack_csv")
    failure = await _send(resources, user, file)
    if failure is None:
        return None
    log.warning("slack.file_not_sent", watch_id=watch.id, reason=failure.reason)
    return f"⚠️ I could not send the CSV. {failure.sentence}"


def _file(watch: Watch, found: FoundRecords) -> File:
    label = f" ({neutralized(watch.label, LABEL_LIMIT)})" if watch.label else ""
    count = pluralized(found.reading.failed_record_count, "failed record", "failed records")
    return File(
        name=f"failed-records-{watch.id}.csv",
        title=f"Failed records of {watch.import_id}",
        content="".join(csv_parts(found, watch.import_id, safe=True)).encode(),
        comment=f"{count} of {code(watch.import_id, ID_LIMIT)}{label}, as you asked. Correct the file, and upload it "
        "to Rally again. Cells that a spreadsheet would run begin with an apostrophe.",
    )


async def _send(resources: Resources, user: str, file: File) -> NotDone | None:
    """Open the direct messages, upload the file, and share it there."""
    bot = bot_of(resources)
    channel = direct_messages_of(await call(resources, prepare_direct_messages(user, bot)))
    if isinstance(channel, NotDone):
        return channel
    prepared = await call(resources, prepare_upload_url(file.name, len(file.content), bot))
    upload = upload_of(prepared, api_url=bot.api_url)
    if isinstance(upload, NotDone):
        return upload
    if failure := uploaded(await resources.egress.send(prepare_bytes(upload, file.content))):
        return failure
    shared = await call(resources, prepare_sharing(upload, channel, title=file.title, comment=file.comment, bot=bot))
    if not isinstance(shared, NotDone):
        return None
    return NotDone(reason=shared.reason, sentence=MAYBE_THERE if shared.perhaps else shared.sentence)
