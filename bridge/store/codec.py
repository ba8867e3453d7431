"""Domain values to JSON and back, for the encrypted parts of records; and reading many records at once."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, TypeVar

import structlog
from pydantic_core import to_json

from bridge.domain.delivery.attempts import Attempt
from bridge.domain.destinations import Callback, Destination, NamedDestination, SlackChannel, SlackWebhook
from bridge.domain.imports import FailedRecord, Reading
from bridge.domain.living.end_place import EndPlace
from bridge.domain.mentions import Mention
from bridge.domain.outcomes import Outcome
from bridge.domain.polling.last_poll import LastPoll
from bridge.domain.rules.pushes import Push, QueuedPush
from bridge.domain.secret import Secret
from bridge.domain.times import Moment
from bridge.domain.watches import Watch, WatchState
from bridge.errors import DecryptionFailed
from bridge.redis.errors import translated
from bridge.store import bindings
from bridge.store.calls.connection import Store
from bridge.store.encryption import Encryptor

log = structlog.get_logger()

Encrypted = TypeVar("Encrypted")
Decrypted = TypeVar("Decrypted")


def dump(value: Mapping[str, Any] | Reading) -> str:
    """Return JSON; dataclasses in it become objects of their fields."""
    return to_json(value).decode()


def load(text: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def unflatten(flat: Sequence[Any]) -> dict[str, Any]:
    """Return the hash that a script returned as a flat list of fields and values."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


def load_reading(stored: Mapping[str, Any]) -> Reading:
    records = tuple(FailedRecord(**record) for record in stored["failed_records"])
    return Reading(**{**stored, "failed_records": records})


def dump_destination(destination: Destination) -> dict[str, Any]:
    on = None if destination.on is None else sorted(destination.on)
    match destination:
        case SlackWebhook(url=url):
            return {"type": "slack_webhook", "url": url.reveal(), "on": on, **_dump_mention(destination.mention)}
        case SlackChannel(channel=channel):
            live = {} if destination.live is None else {"live": destination.live.value}
            return {"type": "slack", "channel": channel, "on": on, **_dump_mention(destination.mention), **live}
        case Callback(url=url, secret=secret, headers=headers):
            return {
                "type": "callback",
                "url": url.reveal(),
                "secret": None if secret is None else secret.reveal(),
                "headers": {name: value.reveal() for name, value in headers.items()},
                "on": on,
            }
        case NamedDestination(name=name):
            return {"type": "named", "name": name, "on": on}


def load_destination(stored: Mapping[str, Any]) -> Destination:
    on = _load_outcomes(stored["on"])
    match stored["type"]:
        case "slack_webhook":
            return SlackWebhook(url=Secret(stored["url"]), on=on, mention=_load_mention(stored))
        case "slack":
            live = EndPlace(stored["live"]) if "live" in stored else None
            return SlackChannel(channel=stored["channel"], on=on, mention=_load_mention(stored), live=live)
        case "callback":
            return Callback(
                url=Secret(stored["url"]),
                secret=None if stored["secret"] is None else Secret(stored["secret"]),
                headers={name: Secret(value) for name, value in stored["headers"].items()},
                on=on,
            )
        case "named":
            return NamedDestination(name=stored["name"], on=on)
        case other:
            raise ValueError(f"a stored destination of unknown type {other!r}")


def _load_outcomes(stored: Sequence[str] | None) -> frozenset[Outcome] | None:
    return None if stored is None else frozenset(map(Outcome, stored))


def _dump_mention(mention: Mention | None) -> dict[str, Any]:
    if mention is None:
        return {}
    return {"mention": {"users": mention.users, "on": None if mention.on is None else sorted(mention.on)}}


def _load_mention(stored: Mapping[str, Any]) -> Mention | None:
    if (mention := stored.get("mention")) is None:
        return None
    return Mention(users=tuple(mention["users"]), on=_load_outcomes(mention["on"]))


def dump_push(pushed: QueuedPush) -> dict[str, Any]:
    return {**asdict(pushed.push), "at": pushed.at, "first_at": pushed.first_at}


def load_push(stored: Mapping[str, Any]) -> QueuedPush:
    push = {name: value for name, value in stored.items() if name not in {"at", "first_at"}}
    return QueuedPush(push=Push(**push), at=stored["at"], first_at=stored["first_at"])


def dump_attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "at": attempt.at,
        "took": attempt.took,
        "status": attempt.status,
        "reason": attempt.reason,
        "answer": attempt.answer,
    }


def load_attempt(stored: Mapping[str, Any]) -> Attempt:
    return Attempt(**stored)


def dump_ending(
    reason: str | None, reading: Reading | None, polls: int, polled_at: Moment | None, last_poll: LastPoll | None
) -> str:
    """Return the private part of a watch's end: the reason, its import as last read, and what the last poll found."""
    return dump(
        {
            "reason": reason,
            "reading": reading,
            "polls": polls,
            "polled_at": polled_at,
            "last_poll": None if last_poll is None else asdict(last_poll),
        }
    )


def load_watch(encryptor: Encryptor, watch_id: str, record: Mapping[str, str]) -> Watch:
    """Decrypt a watch. Raises DecryptionFailed if no key fits, or if the record was changed or moved."""
    owner = (watch_id, record["client"], record["workspace"], record["import_id"])
    private = load(encryptor.decrypt(record["private"], bindings.of_watch("private", *owner)))
    watch = Watch(
        id=watch_id,
        client=record["client"],
        workspace=record["workspace"],
        import_id=record["import_id"],
        notify=tuple(load_destination(stored) for stored in private["notify"]),
        label=private["label"],
        metadata=private["metadata"],
        push=load_push(private["push"]) if "push" in private else None,
        nudge_after=private.get("nudge_after"),
        traceparent=private.get("traceparent"),
        created_at=int(record["created_at"]),
        grace_until=int(record["grace_until"]),
        expires_at=int(record["expires_at"]),
        state=WatchState(record["state"]),
    )
    if "settled_at" in record:
        watch = replace(watch, settled_at=int(record["settled_at"]))
    if "ending" not in record:
        return watch
    ending = load(encryptor.decrypt(record["ending"], bindings.of_watch("ending", *owner)))
    return replace(
        watch,
        outcome=Outcome(record["outcome"]) if "outcome" in record else None,
        reason=ending["reason"],
        reading=None if ending["reading"] is None else load_reading(ending["reading"]),
        deliveries=tuple(record["deliveries"].split()),
        polls=ending["polls"],
        polled_at=ending["polled_at"],
        last_poll=None if ending["last_poll"] is None else LastPoll(**ending["last_poll"]),
    )


async def read_many(
    store: Store, ids: Sequence[str], key: Callable[[str], str], load: Callable[[str, Mapping[str, Any]], Decrypted]
) -> list[Decrypted]:
    """Return the records that exist and can be decrypted, in this order. Raises StoreUnavailable."""
    if not ids:
        return []
    async with translated(), store.redis.pipeline(transaction=False) as pipe:
        for id_ in ids:
            pipe.hgetall(key(id_))
        records = await pipe.execute()
    existing = ((id_, record) for id_, record in zip(ids, records, strict=True) if record)
    return list(decryptable(existing, load))


def decryptable(
    records: Iterable[tuple[str, Encrypted]], load: Callable[[str, Encrypted], Decrypted]
) -> Iterator[Decrypted]:
    """Yield the records that can be decrypted; log the others."""
    for id_, record in records:
        try:
            yield load(id_, record)
        except DecryptionFailed:
            log.error("record.decryption_failed", id=id_)  # noqa: TRY400 - the traceback adds nothing
