"""What the rules are tried on: a push in a file, or an import that Rally has."""

import asyncio
from pathlib import Path
from time import time_ns

from bridge.cli.errors import CannotStart
from bridge.domain.imports import ImportAnswer, Read, Reading, Reply, Unanswered
from bridge.domain.rules.pushes import API_FINISHED, CSV_FINISHED, Push, QueuedPush
from bridge.domain.times import Moment, moment_of
from bridge.rally.pushes import NotAPush, read_push
from bridge.rally.workspaces import client_of
from bridge.settings import Settings

LARGEST = 1024 * 1024
"""The size of a push in bytes."""
PATIENCE = 20.0
"""Seconds to wait for Rally."""
MESSAGE_ID = "test"


def now() -> Moment:
    return time_ns() // 1_000_000


def read_event(path: Path, workspace: str) -> Push | None:
    """Return the push in a file; None if it is not about an import. Raises CannotStart."""
    try:
        with path.open("rb") as file:
            body = file.read(LARGEST + 1)
    except OSError as error:
        raise CannotStart(f"{path} can't be read: {error.strerror}.") from error
    if len(body) > LARGEST:
        raise CannotStart(f"{path} is larger than 1 MiB; no push is.")
    try:
        return read_push(body, workspace=workspace, message_id=MESSAGE_ID)
    except NotAPush as error:
        raise CannotStart(f"{path} is not a push of Rally: {error}.") from error


def queued(push: Push) -> QueuedPush:
    """Return a push as if it arrived now, for the first time."""
    at = now()
    return QueuedPush(push=push, at=at, first_at=at)


def push_about(import_id: str, workspace: str, answer: ImportAnswer) -> Push:
    """Return the push that Rally would send about an import in this state."""
    reading = answer.reading if isinstance(answer, Read) else None
    return Push(
        message_id=MESSAGE_ID,
        event=API_FINISHED if reading is not None and reading.type == "API" else CSV_FINISHED,
        workspace=workspace,
        import_id=import_id,
        status=None if reading is None else reading.status,
        failed_record_count=None if reading is None else reading.failed_record_count,
        updated_at=None if reading is None else _updated_at(reading),
    )


def _updated_at(reading: Reading) -> Moment | None:
    return moment_of(reading.updated_at or "")


def read_import(settings: Settings, workspace: str, import_id: str) -> ImportAnswer:
    """Return Rally's answer about an import: one call, outside the budget of the workers."""
    return asyncio.run(_read_import(settings, workspace, import_id))


async def _read_import(settings: Settings, workspace: str, import_id: str) -> ImportAnswer:
    client = client_of(settings.workspaces[workspace], settings)
    try:
        async with asyncio.timeout(PATIENCE):
            reply: Reply | None = await client.get_import(import_id, at=now)
    except TimeoutError:
        return Unanswered(f"no answer within {PATIENCE:g} s")
    finally:
        await client.aclose()
    assert reply is not None  # noqa: S101 - None only for a call with a deadline for its start
    return reply.answer
