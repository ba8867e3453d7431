"""A watch's record, read back into the value."""

from collections.abc import Mapping
from dataclasses import replace

from bridge.domain.imports import Reading
from bridge.domain.outcomes import Outcome
from bridge.domain.times import Moment
from bridge.domain.watches import Watch, WatchState
from bridge.store import bindings, codec
from bridge.store.encryption import Encryptor


def dump_ending(reason: str | None, reading: Reading | None, polls: int, polled_at: Moment | None) -> str:
    """Return what is sealed of a watch's end: why, and its import as last read."""
    last_read = None if reading is None else codec.dump_reading(reading)
    return codec.dump({"reason": reason, "reading": last_read, "polls": polls, "polled_at": polled_at})


def load_watch(encryptor: Encryptor, watch_id: str, record: Mapping[str, str]) -> Watch:
    """Decrypt a watch. Raises DecryptionFailed if no key fits, or if the record was changed or moved."""
    place = (watch_id, record["client"], record["workspace"], record["import_id"])
    private = codec.load(encryptor.decrypt(record["private"], bindings.of_watch("private", *place)))
    watch = Watch(
        id=watch_id,
        client=record["client"],
        workspace=record["workspace"],
        import_id=record["import_id"],
        notify=tuple(codec.load_destination(stored) for stored in private["notify"]),
        label=private["label"],
        metadata=private["metadata"],
        created_at=int(record["created_at"]),
        grace_until=int(record["grace_until"]),
        expires_at=int(record["expires_at"]),
        state=WatchState(record["state"]),
    )
    if "settled_at" in record:
        watch = replace(watch, settled_at=int(record["settled_at"]))
    if "ending" not in record:
        return watch
    ending = codec.load(encryptor.decrypt(record["ending"], bindings.of_watch("ending", *place)))
    return replace(
        watch,
        outcome=Outcome(record["outcome"]) if "outcome" in record else None,
        reason=ending["reason"],
        reading=None if ending["reading"] is None else codec.load_reading(ending["reading"]),
        deliveries=tuple(record["deliveries"].split()),
        polls=ending["polls"],
        polled_at=ending["polled_at"],
    )
