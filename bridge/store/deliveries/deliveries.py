"""Deliveries: claimed when due, read, and made due again. `attempts.py` ends a claim."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bridge.domain.delivery.deliveries import Delivery, DeliveryState
from bridge.domain.delivery.posted_messages import PostedMessage
from bridge.domain.times import Moment, Span
from bridge.store import bindings, codec, keys
from bridge.store.calls.connection import Store
from bridge.store.calls.lua import Call
from bridge.store.encryption import Encryptor


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryClaim:
    """A delivery that this worker may attempt until its lease ends, and commit only under `fence`.

    Still encrypted: one that cannot be decrypted must not block the claim of others.
    """

    id: str
    fence: int
    record: Mapping[str, Any] = field(repr=False)
    doubtful: bool = False
    """Whether the lane was doubtful when the delivery was claimed."""
    owner: str = ""
    """The client whose share of the doubtful deliveries this one uses up."""

    @property
    def watch_id(self) -> str:
        return str(self.record["watch"])

    @property
    def lane(self) -> str:
        return str(self.record["lane"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """The bounds on claims from doubtful lanes: at most `room` in all.

    One client gets at most `per_client`; its attempts `in_progress`, by the client's name, count as well.
    """

    room: int
    per_client: int
    in_progress: Mapping[str, int] = field(default_factory=dict)


class Deliveries:
    """The deliveries in Redis."""

    def __init__(self, store: Store, encryptor: Encryptor) -> None:
        self._store = store
        self._encryptor = encryptor

    async def claim(
        self, *, room: int, lease: Span, doubtful: Bound | None = None
    ) -> tuple[Moment, Moment | None, list[DeliveryClaim]]:
        """Claim due deliveries. Return (now, time of the next claim, claims).

        `doubtful` bounds claims from doubtful lanes; by default only `room` does.
        """
        bound = doubtful or Bound(room=room, per_client=room)
        clients = [part for client_and_count in bound.in_progress.items() for part in client_and_count]
        now, next_due, *rows = await self._store.run(
            "claim_deliveries",
            {"fences": keys.FENCE},
            {
                "count": room,
                "lease": lease,
                "delivery_prefix": keys.DELIVERY_PREFIX,
                "doubtful": bound.room,
                "per_client": bound.per_client,
            },
            more_args=clients,
        )
        claims = [
            DeliveryClaim(
                id=delivery_id,
                fence=fence,
                record=(record := codec.unflatten(flat)),
                doubtful=queue != "",
                owner=queue or record["client"],
            )
            for delivery_id, fence, flat, queue in rows
        ]
        return now, None if next_due < 0 else next_due, claims

    async def redeliver(self, delivery_id: str, watch_id: str, *, by: str) -> str:
        """Make an ended delivery due again, for the client `by`.

        Return `queued`, or the state that forbids it (`unknown`: deleted).
        """
        call = self._redelivery(delivery_id, watch_id, by)
        return str(await self._store.run("redeliver", call.keys, call.args, replicated=True))

    async def redeliver_many(self, deliveries: Sequence[Delivery], *, by: str) -> list[Delivery]:
        """Make abandoned deliveries due again, in one round trip but independently. Return those that are due.

        A part of an abandoned digest is left as it is: it is told by the digest, if that is redelivered.
        """
        found = await self._store.run_all(
            "redeliver",
            [self._redelivery(each.id, each.watch_id, by, in_bulk=True) for each in deliveries],
            replicated=True,
        )
        return [each for each, state in zip(deliveries, found, strict=True) if state == "queued"]

    def decrypt(self, claim: DeliveryClaim) -> Delivery:
        """Decrypt a claimed delivery. Raises DecryptionFailed."""
        return self._load(claim.id, claim.record)

    @staticmethod
    def _redelivery(delivery_id: str, watch_id: str, by: str, *, in_bulk: bool = False) -> Call:
        return Call(
            keys={
                "delivery": keys.delivery(delivery_id),
                "watch": keys.watch(watch_id),
                "ended": keys.ENDED,
                "unreported": keys.UNREPORTED,
            },
            args={"id": delivery_id, "watch_id": watch_id, "in_bulk": int(in_bulk), "by": by},
        )

    async def get(self, delivery_id: str) -> Delivery | None:
        """Return one delivery, or None. Raises DecryptionFailed."""
        record = await self._store.call("HGETALL", keys.delivery(delivery_id))
        return self._load(delivery_id, record) if record else None

    async def owner(self, delivery_id: str) -> str | None:
        """Return the client of a delivery, even of one that cannot be decrypted; None if it does not exist."""
        client: str | None = await self._store.call("HGET", keys.delivery(delivery_id), "client")
        return client

    async def many(self, delivery_ids: Sequence[str]) -> list[Delivery]:
        """Return those of the deliveries that exist and can be decrypted, in this order."""
        return await codec.read_many(self._store, delivery_ids, keys.delivery, self._load)

    def _load(self, delivery_id: str, record: Mapping[str, Any]) -> Delivery:
        binding = bindings.of_message(delivery_id, record["client"], record["watch"])
        message = codec.load(self._encryptor.decrypt(record["message"], binding))
        return Delivery(
            id=delivery_id,
            watch_id=record["watch"],
            client=record["client"],
            notification_id=record["notification"],
            destination=codec.load_destination(message["destination"]),
            lane=record["lane"],
            body=message["body"],
            traceparent=message.get("traceparent"),
            queued_at=int(record["queued_at"]),
            state=DeliveryState(record["state"]),
            attempts=int(record["attempts"]),
            failures=int(record["failures"]),
            plain=bool(record.get("plain")),
            outside_thread=bool(record.get("outside_thread")),
            interrupted=bool(record.get("interrupted")),
            held=bool(record.get("held")),
            gathered=bool(record.get("gathered")),
            in_digest=bool(record.get("digest")),
            scheduled_at=_moment(record, "scheduled_at"),
            retry_after=_moment(record, "retry_after"),
            due=_moment(record, "due"),
            last_reason=record["reason"] or None,
            ended_at=_moment(record, "ended_at"),
            posted=self._load_posted(delivery_id, record),
            button=record.get("button", ""),
            button_failures=int(record.get("button_failures") or 0),
        )

    def _load_posted(self, delivery_id: str, record: Mapping[str, Any]) -> PostedMessage | None:
        if "posted" not in record:
            return None
        binding = bindings.of_posted(delivery_id, record["client"])
        return PostedMessage(**codec.load(self._encryptor.decrypt(record["posted"], binding)))


def _moment(record: Mapping[str, Any], name: str) -> Moment | None:
    """Return the moment in a field; None if it is empty or missing."""
    value = record.get(name)
    return int(value) if value else None
