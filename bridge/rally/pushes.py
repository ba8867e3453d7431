"""Parsing of pushes: the event and the import's id are required, all other fields are read as far as they are valid."""

from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json

from bridge.domain.imports import KNOWN_STATUSES
from bridge.domain.lone_surrogates import without_lone_surrogates
from bridge.domain.rules.pushes import KNOWN_EVENTS, Push
from bridge.domain.times import moment_of
from bridge.rally.fields import BYTE_ORDER_MARK, has_too_many_parts


class NotAPush(Exception):
    """A body that Rally never sends; the text says why, and repeats nothing of it."""


def read_push(body: bytes, *, workspace: str, message_id: str) -> Push | None:
    """Return a push about an import; None if the event is another one. Raise NotAPush.

    Its e-mail addresses are only counted.
    """
    fields = _parse(body)
    event, import_id = fields.get("_eventType"), fields.get("importId")
    if not isinstance(event, str) or event not in KNOWN_EVENTS:
        return None
    if not isinstance(import_id, str):
        raise NotAPush("the importId is not a string")
    status = fields.get("status")
    return Push(
        message_id=message_id,
        event=event,
        workspace=workspace,
        import_id=import_id,
        status=status if isinstance(status, str) and status in KNOWN_STATUSES else None,
        failed_record_count=_failed_record_count(fields),
        updated_at=_moment(fields.get("updatedAt")),
    )


def _parse(body: bytes) -> Mapping[str, Any]:
    body = body.removeprefix(BYTE_ORDER_MARK)
    if has_too_many_parts(body):
        raise NotAPush("the body has too many parts")
    try:
        fields = _from_json(body.decode())
    except UnicodeDecodeError:
        raise NotAPush("the body is not UTF-8") from None
    except ValueError:
        raise NotAPush("the body is not JSON") from None
    if not isinstance(fields, dict):
        raise NotAPush("the body is not a JSON object")
    return fields


def _from_json(text: str) -> Any:
    try:
        return from_json(text)
    except ValueError:
        return from_json(without_lone_surrogates(text))


def _failed_record_count(fields: Mapping[str, Any]) -> int | None:
    """Return the number of failed records; null means none, and a field of another form says nothing."""
    match fields.get("failedRecords", ""):
        case None:
            return 0
        case list() as records:
            return len(records)
        case _:
            return None


def _moment(value: Any) -> int | None:
    return moment_of(value) if isinstance(value, str) else None
