"""The call of accept.lua, which stores a watch: what is requested, its keys and arguments, and its reply."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from bridge.domain.clients import is_rule
from bridge.domain.destinations import Destination
from bridge.domain.living.living_message import LivingPlace
from bridge.domain.nudges import first_check
from bridge.domain.rules.pushes import QueuedPush
from bridge.domain.times import DAY, Moment, Span
from bridge.domain.watches import Watch, WatchState
from bridge.store import bindings, codec, keys
from bridge.store.calls.lua import Call
from bridge.store.encryption import Encryptor
from bridge.store.imports.import_records import ImportRecord, load_import_leniently


class Acceptance(StrEnum):
    """What the store did with a request for a watch."""

    NEW = "new"
    """Stored the watch, and started to poll its import."""
    JOINED = "joined"
    """Stored the watch; its import was being polled already."""
    FINAL = "final"
    """Stored the watch; its import ended recently, so it is settled without a poll."""
    KNOWN = "known"
    """Nothing: a watch with this id exists."""
    REPLAYED = "replayed"
    """Nothing: a request with the same Idempotency-Key was accepted before, and its reply is returned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWatch:
    """A watch as requested. Its expiry is a span, because the moment is computed from Redis' clock."""

    id: str
    client: str
    workspace: str
    import_id: str
    notify: tuple[Destination, ...]
    label: str | None
    metadata: dict[str, Any]
    expires_in: Span
    nudge_after: Span | None = None
    """After how long Slack is told that the import still runs; None if it is not."""
    push: QueuedPush | None = None
    """The push for which a rule makes the watch."""
    batch: str | None = None
    """The batch with which it is told in digests."""
    living: tuple[LivingPlace, ...] = ()
    """Where it wants a living message."""
    traceparent: str | None = None
    """The trace that its request began, if there are traces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencyKey:
    """The fingerprints of a request's Idempotency-Key and of its content."""

    fingerprint: str
    digest: str


REPLAYED_FOR: Span = DAY
"""How long the reply to a request with an Idempotency-Key is stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedWatch:
    """A stored watch, what the store did, and the watch's import at that time."""

    watch: Watch
    acceptance: Acceptance
    import_record: ImportRecord | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OverLimit:
    """Nothing was stored, because the client has used all its calls of this minute; the next one begins in `wait`."""

    wait: Span


class AcceptReply(NamedTuple):
    """The reply of accept.lua about a watch."""

    acceptance: str
    watch_id: str
    now: Moment
    grace: Span
    expires_in: Span
    next_poll: Moment
    """The time of the next poll; -1 if there is none."""
    import_fields: Sequence[str]


def acceptance_call(
    encryptor: Encryptor,
    new: NewWatch,
    *,
    label: str | None,
    grace: Span,
    reuse: Span,
    once: IdempotencyKey | None,
    limit: int | None,
) -> Call:
    """Return the call of accept.lua; `label` is the fingerprint of the watch's label."""
    import_key = (new.workspace, new.import_id)
    binding = bindings.of_watch("private", new.id, new.client, *import_key)
    return Call(
        keys={
            "watch": keys.watch(new.id),
            "watching": keys.watches_in(WatchState.WATCHING),
            "watching_of_client": keys.watches_in(WatchState.WATCHING, new.client),
            "watches_about": keys.watches_about(new.import_id),
            "expiring": keys.EXPIRING,
            "import": keys.import_(*import_key),
            "waiting": keys.waiting(*import_key),
            "imports_due": keys.imports_due(new.workspace),
            "imports_leased": keys.imports_leased(new.workspace),
            "settling": keys.SETTLING,
            "final": keys.FINAL,
            "replay": keys.replay(new.client, once.fingerprint if once else ""),
            "replays": keys.REPLAYS,
            "calls": keys.client_calls(new.client),
        },
        args={
            "watch_id": new.id,
            "client": new.client,
            "workspace": new.workspace,
            "import_id": new.import_id,
            "member": keys.member(*import_key),
            "grace": grace,
            "expires_in": new.expires_in,
            "reuse": reuse,
            "digest": once.digest if once else "",
            "replayed_for": REPLAYED_FOR,
            "limit": "" if limit is None else limit,
            "by_rule": int(is_rule(new.client)),
            "label": label or "",
            "batch": new.batch or "",
            "living": " ".join(f"{each.receiver} {each.lane}" for each in new.living),
            "checked_in": first_check(new.nudge_after, new.notify),
            "private": encryptor.encrypt(codec.dump(_private_part(new)), binding),
        },
    )


def _private_part(new: NewWatch) -> dict[str, Any]:
    """Return what is encrypted of a watch."""
    private: dict[str, Any] = {
        "label": new.label,
        "metadata": new.metadata,
        "notify": [codec.dump_destination(destination) for destination in new.notify],
    }
    if new.push is not None:
        private["push"] = codec.dump_push(new.push)
    if new.nudge_after is not None:
        private["nudge_after"] = new.nudge_after
    if new.traceparent is not None:
        private["traceparent"] = new.traceparent
    return private


def read_reply(encryptor: Encryptor, new: NewWatch, values: Sequence[Any]) -> AcceptedWatch | OverLimit | None:
    """Return what accept.lua replied about a new watch; None if its idempotency key was used for another request."""
    if values[0] == "over_limit":
        return OverLimit(wait=values[2])
    reply = AcceptReply(*values)
    if reply.acceptance == "conflict":
        return None
    watch = Watch(
        id=reply.watch_id,
        client=new.client,
        workspace=new.workspace,
        import_id=new.import_id,
        notify=new.notify,
        label=new.label,
        metadata=new.metadata,
        nudge_after=new.nudge_after,
        traceparent=new.traceparent,
        push=new.push,
        created_at=reply.now,
        grace_until=reply.now + min(reply.grace, reply.expires_in),
        expires_at=reply.now + reply.expires_in,
    )
    import_record = load_import_leniently(
        encryptor,
        new.workspace,
        new.import_id,
        codec.unflatten(reply.import_fields),
        None if reply.next_poll < 0 else reply.next_poll,
    )
    return AcceptedWatch(watch=watch, acceptance=Acceptance(reply.acceptance), import_record=import_record)
