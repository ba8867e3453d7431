"""Digests: deliveries that are gathered, of rules or of a batch of watches, become one delivery."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bridge.domain.destinations import Destination
from bridge.domain.digests import DigestOrigin, OfBatch, OfFlood, OfRule
from bridge.domain.times import Moment, Span
from bridge.redis.errors import translated
from bridge.store import codec, keys
from bridge.store.calls.connection import Store
from bridge.store.calls.lua import Call
from bridge.store.deliveries.new_messages import message_fields
from bridge.store.encryption import Encryptor

PARTS_AT_ONCE = 100
"""The number of parts of one digest that end in one step."""
_FLOOD = "*"
"""Stands for the rule in the name of a digest of the flood guard."""
_BATCH = "+"
"""Precedes the id of a batch in the name of its digest; no rule's name begins with it. Scripts build the same names."""


class DigestName(NamedTuple):
    """Which deliveries are gathered together: those of one origin to one lane."""

    origin: DigestOrigin
    lane: str

    def __str__(self) -> str:
        return f"{_written(self.origin)}:{self.lane}"

    @classmethod
    def parse(cls, text: str) -> "DigestName":
        origin, lane = text.split(":", 1)
        return cls(_read(origin), lane)


def _written(origin: DigestOrigin) -> str:
    match origin:
        case OfRule(rule=rule):
            return rule
        case OfFlood():
            return _FLOOD
        case OfBatch(batch=batch):
            return f"{_BATCH}{batch}"


def _read(text: str) -> DigestOrigin:
    if text == _FLOOD:
        return OfFlood()
    return OfBatch(text.removeprefix(_BATCH)) if text.startswith(_BATCH) else OfRule(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedDigest:
    """A digest whose message must be written: nothing is added to it any more."""

    id: str
    """The id of the delivery that it becomes."""
    name: DigestName

    @property
    def member(self) -> str:
        return f"{self.id} {self.name}"


class Digests:
    """The digests in Redis."""

    def __init__(self, store: Store, encryptor: Encryptor) -> None:
        self._store = store
        self._encryptor = encryptor

    async def claim(self, new_ids: Sequence[str], lease: Span) -> list[ClosedDigest]:
        """Close digests that are due, at most one for each of `new_ids`, and claim them with those left unfinished."""
        _now, *members = await self._store.run(
            "close_digests_and_summaries",
            {"due": keys.DIGESTS_DUE, "closed": keys.DIGESTS_CLOSED},
            {"lease": lease, "open_prefix": keys.digest(""), "closed_prefix": keys.parts("")},
            more_args=new_ids,
        )
        split = (member.split(" ", 1) for member in members)
        return [ClosedDigest(id=id_, name=DigestName.parse(name)) for id_, name in split]

    async def parts(self, digest_id: str) -> list[str]:
        """Return the deliveries that a digest is about, by their ids."""
        ids: list[str] = await self._store.call("ZRANGE", keys.parts(digest_id), 0, -1)
        return ids

    async def join(self, digest: ClosedDigest, delivery_ids: Sequence[str]) -> None:
        """Note on parts in which digest they are."""
        calls = [Call(keys={"delivery": keys.delivery(id_)}, args={"digest": digest.id}) for id_ in delivery_ids]
        await self._store.run_all("join_digest", calls)

    async def leave(self, digest: ClosedDigest, delivery_id: str, *, held: bool = False) -> None:
        """Take a part out of a closed digest: it becomes a single message, or is held again."""
        await self._store.run(
            "leave_digest",
            {"delivery": keys.delivery(delivery_id), "parts": keys.parts(digest.id)},
            {"id": delivery_id, "lane": digest.name.lane, "is_held": int(held)},
        )

    async def create(self, digest: ClosedDigest, client: str, destination: Destination, body: str) -> bool:
        """Create the delivery of a closed digest. Return False if it exists, or if no part is left."""
        created = await self._store.run(
            "create_digest",
            {
                "delivery": keys.delivery(digest.id),
                "digests_closed": keys.DIGESTS_CLOSED,
                "parts": keys.parts(digest.id),
            },
            {"id": digest.id, "member": digest.member, "lane": digest.name.lane, "client": client},
            more_args=message_fields(self._encryptor, digest.id, client, destination, body),
        )
        return bool(created)

    async def drop(self, digest: ClosedDigest) -> None:
        """Forget a closed digest that has no parts any more."""
        await self._store.call("ZREM", keys.DIGESTS_CLOSED, digest.member)

    async def end_parts(self, count: int) -> int:
        """End parts of at most `count` digests that ended with too many for one step. Return how many have more."""
        left = await self._store.run(
            "end_parts", {"digests_ending": keys.DIGESTS_ENDING}, {"count": count, "most": PARTS_AT_ONCE}
        )
        return int(left)

    async def due(self) -> dict[DigestName, Moment]:
        """Return the digests that are gathered at present, and when each is due."""
        found = await self._store.call("ZRANGE", keys.DIGESTS_DUE, 0, -1, "WITHSCORES")
        return {DigestName.parse(name): int(float(at)) for name, at in codec.unflatten(found).items()}

    async def sizes(self, names: Sequence[DigestName]) -> list[int]:
        """Return how many deliveries each of these digests has gathered."""
        async with translated(), self._store.redis.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.zcard(keys.digest(str(name)))
            sizes: list[int] = await pipe.execute()
        return sizes

    async def bring_forward(self, name: DigestName, at: Moment) -> None:
        """Make a digest due at a time, unless it is due earlier."""
        await self._store.call("ZADD", keys.DIGESTS_DUE, "XX", "LT", at, str(name))
