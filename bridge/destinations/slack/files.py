"""Files for one person: their direct messages are opened, the file is uploaded, and then shared there and nowhere else.

Sources: https://docs.slack.dev/reference/methods/conversations.open,
https://docs.slack.dev/reference/methods/files.getUploadURLExternal and
https://docs.slack.dev/reference/methods/files.completeUploadExternal
"""

import json
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from bridge.destinations.slack.bot import SlackBot, prepare_call, prepare_form
from bridge.destinations.slack.call_results import CallResult, NotDone
from bridge.destinations.slack.given_urls import given_url
from bridge.domain.delivery.destination_requests import NoResponse, Request, SendResult
from bridge.domain.secret import Secret
from bridge.http.user_agent import USER_AGENT

UPLOAD_HOSTS = frozenset({"files.slack.com", "files.slack-gov.com"})
"""Where files are uploaded to; the second is GovSlack's."""
_DIRECT_MESSAGES = re.compile(r"D[A-Z0-9]{2,30}")
_FILE_ID = re.compile(r"F[A-Z0-9]{2,30}")
_ODD = "Slack's answer was not what I expected. Try again in a minute."


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """What Slack has prepared for a file: its id, and the secret URL that its bytes go to."""

    file_id: str
    url: Secret


def prepare_direct_messages(user: str, bot: SlackBot) -> Request:
    return prepare_call("conversations.open", {"users": user}, bot)


def direct_messages_of(result: CallResult) -> str | NotDone:
    """Return the id of the direct messages; that of a channel is refused."""
    if isinstance(result, NotDone):
        return result
    channel = result.get("channel")
    found = channel.get("id") if isinstance(channel, dict) else None
    if isinstance(found, str) and _DIRECT_MESSAGES.fullmatch(found):
        return found
    return NotDone(reason="Slack named no direct messages", sentence=_ODD)


def prepare_upload_url(filename: str, length: int, bot: SlackBot) -> Request:
    """Return the request for an upload; this method takes forms only."""
    return prepare_form("files.getUploadURLExternal", {"filename": filename, "length": str(length)}, bot)


def upload_of(result: CallResult, *, api_url: str) -> Upload | NotDone:
    if isinstance(result, NotDone):
        return result
    file_id, url = _text(result, "file_id"), given_url(_text(result, "upload_url"), UPLOAD_HOSTS, api_url=api_url)
    if url is None or not _FILE_ID.fullmatch(file_id):
        return NotDone(reason="Slack named no file, or a URL that is not Slack's", sentence=_ODD)
    return Upload(file_id=file_id, url=url)


def prepare_bytes(upload: Upload, content: bytes) -> Request:
    """Return the request with the file itself. The URL is the permission: the token is not sent there."""
    headers = {"content-type": "application/octet-stream", "user-agent": USER_AGENT}
    return Request(url=upload.url, headers=headers, body=content)


def uploaded(answer: SendResult) -> NotDone | None:
    """Return why a file was not taken; None if it was."""
    if isinstance(answer, NoResponse):
        return NotDone(reason=answer.reason, sentence="Slack did not take the file. Try again in a minute.")
    if answer.status == HTTPStatus.OK:
        return None
    return NotDone(reason=f"HTTP {answer.status}", sentence="Slack did not take the file. Try again in a minute.")


def prepare_sharing(upload: Upload, channel: str, *, title: str, comment: str, bot: SlackBot) -> Request:
    """Return the request that shares an uploaded file in direct messages, with a comment."""
    files = json.dumps([{"id": upload.file_id, "title": title}], ensure_ascii=False)
    fields = {"files": files, "channel_id": channel, "initial_comment": comment}
    return prepare_form("files.completeUploadExternal", fields, bot)


def _text(document: Any, name: str) -> str:
    found = document.get(name)
    return found if isinstance(found, str) else ""
