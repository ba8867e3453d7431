"""Pushes of Rally: recorded once for each message id, and queued for the rules of their workspace."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from bridge.domain.history.notes import MOST_NOTES
from bridge.domain.rules.pushes import REMEMBERED_FOR, Push, PushResult, QueuedPush
from bridge.domain.times import MINUTE, Moment, Span
from bridge.redis.errors import translated
from bridge.store import keys
from bridge.store.calls.connection import Store
from bridge.store.calls.group_commit import GroupCommit
from bridge.store.calls.lua import Argument, Call
from bridge.store.watches.history import KEPT_FOR

QUEUED_AHEAD: Span = 5 * MINUTE
"""The longest time until a queued push is claimed again. If more remains, the clock was set back, and it is due."""
_LAST = "last:"


class RecordedPush(NamedTuple):
    """What a push caused, and whether it was queued for the rules."""

    result: PushResult
    queued: bool


@dataclass(frozen=True, slots=True)
class PushCounts:
    """The number of verified pushes of a workspace since its first one, and the time of the last one, by event."""

    last: Mapping[str, Moment] = field(default_factory=dict)
    """When the last push of each event arrived."""
    by_result: Mapping[tuple[str, PushResult], int] = field(default_factory=dict)
    """The number of pushes of each event with each result."""


class Pushes:
    """The pushes in Redis."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._recording = GroupCommit(store, "record_push", replicated=True)

    async def record(self, push: Push, *, for_rules: bool, first_kept: Span, failed_before: int = 0) -> RecordedPush:
        """Record a push and its effects in one step, unless a message with its id was recorded before.

        `for_rules`: rules cover its workspace; `first_kept`: how long the time of the import's first push is kept;
        `failed_before`: how many pushes could not be recorded since the last one that was. Raises StoreUnavailable.
        """
        return await self._record(
            push.workspace,
            push.message_id,
            push.event,
            import_id=push.import_id,
            for_rules=for_rules,
            first_kept=first_kept,
            failed_before=failed_before,
            fields=_dump(push),
        )

    async def count(
        self, workspace: str, message_id: str, event: str, result: PushResult, *, failed_before: int = 0
    ) -> RecordedPush:
        """Record a message that has no effect, with its result. Raises StoreUnavailable."""
        return await self._record(workspace, message_id, event, result=result, failed_before=failed_before)

    async def _record(
        self,
        workspace: str,
        message_id: str,
        event: str,
        *,
        import_id: str = "",
        result: PushResult | None = None,
        for_rules: bool = False,
        first_kept: Span = 0,
        failed_before: int = 0,
        fields: Iterable[Argument] = (),
    ) -> RecordedPush:
        call = Call(
            keys={
                "seen": keys.push_seen(workspace, message_id),
                "import": keys.import_(workspace, import_id),
                "imports_due": keys.imports_due(workspace),
                "imports_leased": keys.imports_leased(workspace),
                "awaited": keys.pushes_awaited(workspace),
                "awaited_types": keys.push_types_awaited(workspace),
                "proof": keys.push_proof(workspace),
                "first": keys.push_first(workspace, import_id),
                "queued": keys.push_queued(workspace, message_id),
                "pushes_due": keys.PUSHES_DUE,
                "counts": keys.push_counts(workspace),
                "import_notes": keys.notes(workspace, import_id),
            },
            args={
                "import_id": import_id,
                "member": keys.member(workspace, message_id),
                "event": event,
                "result": "" if result is None else result.value,
                "for_rules": int(for_rules),
                "remembered_for": REMEMBERED_FOR,
                "first_kept": first_kept,
                "failed_before": failed_before,
                "stretched_prefix": keys.imports_stretched_prefix(workspace),
                "notes_kept": MOST_NOTES,
                "notes_kept_for": KEPT_FOR,
            },
            more_args=tuple(fields),
        )
        found, queued = await self._recording.run(call)
        return RecordedPush(PushResult(found), bool(queued))

    async def claim(self, count: int, lease: Span) -> list[QueuedPush]:
        """Claim queued pushes that the rules must see, the oldest first."""
        _now, *members = await self._store.run(
            "claim_due", {"due": keys.PUSHES_DUE}, {"count": count, "lease": lease, "furthest": QUEUED_AHEAD}
        )
        if not members:
            return []
        async with translated(), self._store.redis.pipeline(transaction=False) as pipe:
            for member in members:
                pipe.hgetall(keys.push_queued(*keys.split_member(member)))
            records = await pipe.execute()
        if lost := [member for member, record in zip(members, records, strict=True) if not record]:
            await self._store.call("ZREM", keys.PUSHES_DUE, *lost)
        return [_load(member, record) for member, record in zip(members, records, strict=True) if record]

    async def done(self, push: Push) -> None:
        """Remove a push from the queue."""
        async with translated(), self._store.redis.pipeline() as pipe:
            pipe.zrem(keys.PUSHES_DUE, keys.member(push.workspace, push.message_id))
            pipe.delete(keys.push_queued(push.workspace, push.message_id))
            await pipe.execute()

    async def postpone(self, push: Push, until: Moment) -> None:
        """Claim a push later, if it is still queued."""
        await self._store.call("ZADD", keys.PUSHES_DUE, "XX", until, keys.member(push.workspace, push.message_id))

    async def counts(self, workspace: str) -> PushCounts:
        """Return how many pushes of each event were recorded, and when the last one was."""
        flat = await self._store.call("HGETALL", keys.push_counts(workspace))
        counts = {name: int(count) for name, count in flat.items() if not name.startswith(_LAST)}
        return PushCounts(
            last={name.removeprefix(_LAST): int(at) for name, at in flat.items() if name.startswith(_LAST)},
            by_result={_event_and_result(name): count for name, count in counts.items()},
        )


def _event_and_result(name: str) -> tuple[str, PushResult]:
    result, event = name.split(":", 1)
    return event, PushResult(result)


def _dump(push: Push) -> Iterable[Argument]:
    for name, value in (
        ("event", push.event),
        ("import_id", push.import_id),
        ("status", push.status),
        ("failed", push.failed_record_count),
        ("updated_at", push.updated_at),
    ):
        if value is not None:
            yield from (name, value)


def _load(member: str, record: Mapping[str, str]) -> QueuedPush:
    workspace, message_id = keys.split_member(member)
    push = Push(
        message_id=message_id,
        event=record["event"],
        workspace=workspace,
        import_id=record["import_id"],
        status=record.get("status"),
        failed_record_count=_number(record.get("failed")),
        updated_at=_number(record.get("updated_at")),
    )
    return QueuedPush(push=push, at=int(record["at"]), first_at=int(record["first_at"]))


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)
