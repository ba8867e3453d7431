"""Indexes of ids, read in pages, newest first. Concurrent writes cause no gaps or repetitions.

An id never changes and sorts by its time, so the next page starts below the last id.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import NotRequired, TypeAlias

from typing_extensions import TypedDict, Unpack

from bridge.domain.delivery.deliveries import DeliveryState
from bridge.domain.outcomes import Outcome
from bridge.domain.times import Moment
from bridge.domain.watches import WatchState
from bridge.redis.errors import translated
from bridge.store import keys
from bridge.store.calls.connection import Store
from bridge.store.encryption import Fingerprinter
from bridge.store.watches.labels import label_fingerprint

WATCH_INDEXES = (WatchState.WATCHING.value, WatchState.CANCELLED.value, *(outcome.value for outcome in Outcome))
"""The indexes of watches. Each watch is in one of them."""
READ_AT_ONCE = 500
"""The number of records whose plain fields are read in one round trip."""
UNDELIVERED = (DeliveryState.PENDING, DeliveryState.ABANDONED)
"""The states of deliveries whose receivers were not told."""
ULID_LENGTH = 26
READS_PER_PAGE = 4
"""The number of round trips for one page of an import's watches."""


class Filters(TypedDict):
    """Which watches of an index are wanted, and how many; `below` and `above` are ids that bound the page."""

    client: str | None
    """The owner; None means all."""
    state: WatchState | None
    outcome: Outcome | None
    below: str | None
    limit: int
    above: NotRequired[str | None]


Listed: TypeAlias = tuple[list[str], str | None]
"""Ids of watches, newest first, and the id to continue below; None at the end."""
Listing: TypeAlias = Callable[[str | None], Awaitable[Listed]]
"""Reads the next ids below one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _PlainFacts:
    """The plain fields of a watch by which lists are filtered."""

    client: str | None
    index: str | None
    import_id: str | None


class Indexes:
    """Lists of ids, such as those of a client's open watches, which are read page by page, newest first."""

    def __init__(self, store: Store, fingerprinter: Fingerprinter) -> None:
        self._store = store
        self._fingerprinter = fingerprinter

    async def watches(
        self,
        *,
        client: str | None,
        state: WatchState | None,
        outcome: Outcome | None,
        below: str | None,
        limit: int,
        above: str | None = None,
    ) -> list[str]:
        """Return the newest watches below an id, and above another; of all clients if `client` is None."""
        indexes = [keys.watches_in(index, client) for index in _watch_indexes(state, outcome)]
        return await self._page(indexes, below, limit, above)

    async def watches_about(self, import_id: str, **filters: Unpack[Filters]) -> tuple[list[str], str | None]:
        """Return the newest watches of an import, as `_matching` does."""
        return await self._matching(self._listed(keys.watches_about(import_id), filters), filters)

    async def watches_labelled(self, label: str, **filters: Unpack[Filters]) -> tuple[list[str], str | None]:
        """Return the newest watches with a label, whatever its case, as `_matching` does."""
        listed = keys.watches_labelled(label_fingerprint(self._fingerprinter, label))
        return await self._matching(self._listed(listed, filters), filters)

    async def watches_undelivered(
        self, import_id: str | None = None, **filters: Unpack[Filters]
    ) -> tuple[list[str], str | None]:
        """Return the newest watches with a delivery that is pending or abandoned, as `_matching` does.

        With an `import_id`, only those of that import.
        """
        return await self._matching(self._undelivered(filters), filters, import_id)

    def _listed(self, index: str, filters: Filters) -> Listing:
        async def read(below: str | None) -> Listed:
            ids = await self._page([index], below, READ_AT_ONCE, filters.get("above"))
            return ids, ids[-1] if len(ids) == READ_AT_ONCE else None

        return read

    def _undelivered(self, filters: Filters) -> Listing:
        """Return how the watches of pending and abandoned deliveries are read; their ids sort as those of watches."""
        indexes = [keys.deliveries_in(each.value, filters["client"]) for each in UNDELIVERED]

        async def read(below: str | None) -> Listed:
            ids = await self._page(indexes, _below(below), READ_AT_ONCE, _above(filters.get("above")))
            watches = dict.fromkeys(filter(None, await self._watches_of(ids)))
            return list(watches), _watch_id(ids[-1]) if len(ids) == READ_AT_ONCE else None

        return read

    async def _watches_of(self, delivery_ids: Sequence[str]) -> list[str | None]:
        async with translated(), self._store.redis.pipeline(transaction=False) as pipe:
            for delivery_id in delivery_ids:
                pipe.hget(keys.delivery(delivery_id), "watch")
            found: list[str | None] = await pipe.execute()
        return found

    async def count_watches(self, state: WatchState, client: str | None = None) -> int:
        """Return how many watches are open or cancelled; of all clients if `client` is None."""
        return int(await self._store.call("ZCARD", keys.watches_in(state, client)))

    async def _matching(
        self, read: Listing, filters: Filters, import_id: str | None = None
    ) -> tuple[list[str], str | None]:
        """Return the newest watches of a listing below an id, and the id to continue below (None: the end).

        A page may be shorter than `limit` before the end: many watches of the listing may not match.
        """
        indexes, client = _watch_indexes(filters["state"], filters["outcome"]), filters["client"]
        found: list[str] = []
        below = filters["below"]
        for _ in range(READS_PER_PAGE):
            ids, below = await read(below)
            for watch_id, facts in zip(ids, await self._plain_facts(ids), strict=True):
                matches = client in {None, facts.client} and import_id in {None, facts.import_id}
                if not matches or facts.index not in indexes:
                    continue
                if len(found) == filters["limit"]:
                    return found, found[-1]
                found.append(watch_id)
            if below is None:
                return found, None
        return found, below

    async def _plain_facts(self, watch_ids: Sequence[str]) -> list[_PlainFacts]:
        """Return the plain facts of each watch; a watch that was deleted has none."""
        if not watch_ids:
            return []
        async with translated(), self._store.redis.pipeline(transaction=False) as pipe:
            for watch_id in watch_ids:
                pipe.hmget(keys.watch(watch_id), ["client", "state", "outcome", "import_id"])
            return [
                _PlainFacts(client=client, index=outcome or state, import_id=import_id)
                for client, state, outcome, import_id in await pipe.execute()
            ]

    async def deliveries(
        self, *, client: str | None, state: DeliveryState | None, below: str | None, limit: int
    ) -> list[str]:
        """Return the newest deliveries below an id; of all clients if `client` is None."""
        states = DeliveryState if state is None else (state,)
        return await self._page([keys.deliveries_in(each.value, client) for each in states], below, limit)

    async def count_deliveries(self, state: DeliveryState, client: str | None = None) -> int:
        """Return how many deliveries are in a state; of all clients if `client` is None."""
        return int(await self._store.call("ZCARD", keys.deliveries_in(state, client)))

    async def abandoned_since(
        self, since: Moment, *, until: Moment, client: str | None, below: str | None, limit: int
    ) -> tuple[list[str], str | None]:
        """Return the newest deliveries abandoned from one time to another.

        Also return the id to continue below (None: the end).

        Reads only plain fields, of READ_AT_ONCE ids at a time, however few of them match.
        """
        ids = await self.deliveries(client=client, state=DeliveryState.ABANDONED, below=below, limit=READ_AT_ONCE)
        ends = await self._ends(ids)
        found = [id_ for id_, end in zip(ids, ends, strict=True) if end is not None and since <= end <= until]
        if len(found) > limit:
            return found[:limit], found[limit - 1]
        return found, ids[-1] if len(ids) == READ_AT_ONCE else None

    async def _ends(self, delivery_ids: Sequence[str]) -> list[Moment | None]:
        async with translated(), self._store.redis.pipeline(transaction=False) as pipe:
            for delivery_id in delivery_ids:
                pipe.hget(keys.delivery(delivery_id), "ended_at")
            return [int(end) if end else None for end in await pipe.execute()]

    async def _page(self, lists: Sequence[str], below: str | None, limit: int, above: str | None = None) -> list[str]:
        """Return the newest ids of several indexes.

        They are read in one transaction, so that an id that moves between them appears once.
        """
        highest, lowest = "+" if below is None else f"({below}", "-" if above is None else f"({above}"
        async with translated(), self._store.redis.pipeline(transaction=True) as pipe:
            for each in lists:
                pipe.zrevrangebylex(each, highest, lowest, 0, limit)
            found = await pipe.execute()
        return sorted({found_id for ids in found for found_id in ids}, reverse=True)[:limit]


def _below(watch_id: str | None) -> str | None:
    """Return the text below which the ids of the deliveries of older watches sort: they continue the watch's id."""
    return None if watch_id is None else f"dlv_{watch_id.removeprefix('wat_')}"


def _above(watch_id: str | None) -> str | None:
    """Return the text above which the ids of the deliveries of newer watches sort."""
    return None if watch_id is None else f"{_below(watch_id)}~"


def _watch_id(delivery_id: str) -> str:
    """Return the id of the watch that an id of a delivery was made of."""
    return f"wat_{delivery_id.removeprefix('dlv_')[:ULID_LENGTH]}"


def _watch_indexes(state: WatchState | None, outcome: Outcome | None) -> Sequence[str]:
    match state, outcome:
        case None, None:
            return WATCH_INDEXES
        case ((WatchState.SETTLED | None), Outcome()):
            return (outcome.value,)
        case WatchState.SETTLED, None:
            return tuple(each.value for each in Outcome)
        case WatchState.WATCHING | WatchState.CANCELLED, None:
            return (state.value,)
        case _:
            return ()  # only a settled watch has an outcome
