"""The histories of imports' ends, under fingerprints of their labels, types and sizes; settle.lua adds to them."""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress

from bridge.domain.imports import Reading
from bridge.domain.outcomes import Outcome
from bridge.domain.past_ends import Ends, Histories, PastEnd, size_of, usual
from bridge.domain.times import Span
from bridge.domain.watches import Watch
from bridge.redis.errors import translated
from bridge.store import keys
from bridge.store.calls.connection import Store
from bridge.store.encryption import Fingerprinter


class PastEnds:
    """The histories in Redis. They hold no text of clients and of Rally, and expire by themselves."""

    def __init__(self, store: Store, fingerprinter: Fingerprinter) -> None:
        self._store = store
        self._fingerprinter = fingerprinter

    async def histories(self, watch: Watch, reading: Reading | None, *, kept_for: Span, compared: bool) -> Histories:
        """Return the histories of a watch's import as it was read; their ends only if they are `compared`.

        Raises StoreUnavailable.
        """
        type_ = None if reading is None else reading.type
        label = [] if watch.label is None else [self._name("label", watch.client, watch.label)]
        type_name = [] if type_ is None else [self._name("type", watch.workspace, type_)]
        found = await self._read([*label, *type_name]) if compared else []
        return Histories(
            mark=self._name("import", watch.workspace, watch.import_id),
            names=(*label, *type_name, *self._sized(watch.workspace, reading)),
            of_label=found[0] if found and label else (),
            of_type=found[-1] if found and type_name else (),
            kept_for=kept_for,
        )

    async def usual_of_size(self, workspace: str, reading: Reading) -> Span | None:
        """Return how long imports of this type and size usually take in a workspace; None if too few are known.

        Raises StoreUnavailable.
        """
        found = await self._read(self._sized(workspace, reading))
        return usual(found[0]) if found else None

    def _sized(self, workspace: str, reading: Reading | None) -> list[str]:
        """Return the name of the history of a type and size; none if one of both is not known."""
        if reading is None or reading.type is None or reading.person_count is None:
            return []
        return [self._name("size", workspace, reading.type, str(size_of(reading.person_count)))]

    def _name(self, kind: str, *parts: str) -> str:
        return self._fingerprinter.fingerprint(f"ends {kind} {json.dumps(parts)}")

    async def _read(self, names: Sequence[str]) -> list[Ends]:
        if not names:
            return []
        async with translated(), self._store.redis.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.lrange(keys.past_ends(name), 0, -1)
            return [tuple(_ends(stored)) for stored in await pipe.execute()]


def entry_of(end: PastEnd) -> str:
    """Return an end as a history keeps it: mark, outcome and duration."""
    return f"{end.mark} {end.outcome.value} {'' if end.took is None else end.took}"


def _ends(stored: Sequence[str]) -> Iterator[PastEnd]:
    """Yield the ends that can be read: no other version's entry may delay a message."""
    for entry in stored:
        with suppress(ValueError):
            mark, outcome, took = entry.split(" ")
            yield PastEnd(mark=mark, outcome=Outcome(outcome), took=int(took) if took else None)
