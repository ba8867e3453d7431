"""Uploaded files: a ticket, then the bytes, then the message that shares the file.

Source: https://docs.slack.dev/messaging/working-with-files
"""

import secrets
from collections import deque
from dataclasses import dataclass

from bridge.sandbox.slack.api.refusal import Refused, invalid_arguments

HOST = "https://files.slack.com"
PATH = "upload/v1/"
LONGEST_NAME = 255
KEPT = 100
"""The number of files; the oldest are forgotten."""


@dataclass(slots=True, kw_only=True)
class Upload:
    """A file: announced, then uploaded, then shared."""

    id: str
    secret: str
    name: str
    length: int
    title: str = ""
    content: bytes | None = None
    shared: bool = False

    @property
    def url(self) -> str:
        return f"{HOST}/{PATH}{self.secret}"


class Uploads:
    """The files of the workspace."""

    def __init__(self) -> None:
        self._files: deque[Upload] = deque(maxlen=KEPT)

    def announce(self, name: object, length: object) -> Upload:
        """Return a new file without content. Raise Refused for a name or a length that Slack does not take."""
        if not isinstance(name, str) or not 1 <= len(name) <= LONGEST_NAME:
            raise invalid_arguments("missing required field: filename")
        if not (isinstance(length, int | str) and str(length).isdecimal() and int(length) > 0):
            raise invalid_arguments("must be greater than 0 [json-pointer:/length]")
        ticket, secret = f"F0{secrets.token_hex(5).upper()}", secrets.token_urlsafe(24)
        upload = Upload(id=ticket, secret=secret, name=name, length=int(length))
        self._files.append(upload)
        return upload

    def fill(self, path: str, content: bytes) -> Upload | None:
        """Keep the bytes of an announced file; return None if there is none, or its length is another."""
        upload = next((each for each in self._files if each.secret == path.removeprefix(PATH)), None)
        if upload is None or len(content) != upload.length:
            return None
        upload.content = content
        return upload

    def share(self, file_id: object, title: object) -> Upload:
        """Mark an uploaded file as shared. Raise Refused if it is unknown, has no content, or was shared before."""
        upload = self.get(file_id)
        if upload is None or upload.content is None or upload.shared:
            raise Refused("file_not_found")
        upload.shared, upload.title = True, title if isinstance(title, str) and title else upload.name
        return upload

    def get(self, file_id: object) -> Upload | None:
        return next((each for each in self._files if each.id == file_id), None)

    def all(self) -> list[Upload]:
        return list(self._files)

    def clear(self) -> None:
        self._files.clear()
