"""Deliveries: claimed when due, recorded attempt by attempt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bridge.domain.attempts import ATTEMPTS_KEPT, Attempt
from bridge.domain.deliveries import Delivery, DeliveryState
from bridge.domain.destinations import Destination
from bridge.domain.notices import OPERATOR
from bridge.domain.times import Moment, Span
from bridge.store import bindings, codec, keys
from bridge.store.connection import Store
from bridge.store.encryption import Encryptor
from bridge.store.lua import Argument, Call


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
    """The bounds on claims from doubtful lanes.

    At most `room`, and at most `per_client` of one client, including those already in progress.
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

    async def create_notice(
        self, delivery_id: str, destination: Destination, lane: str, body: str, *, reported: Sequence[str] = ()
    ) -> bool:
        """Create a delivery to the operator. Return False if one of the `reported` deliveries was reported already."""
        message = codec.dump({"destination": codec.dump_destination(destination), "body": body})
        encrypted = self._encryptor.encrypt(message, bindings.of_message(delivery_id, OPERATOR, ""))
        fields: list[str | int] = [
            *("watch", "", "notification", delivery_id),
            *("attempts", 0, "failures", 0, "reason", "", "message", encrypted),
        ]
        created = await self._store.run(
            "create_notice",
            {"delivery": keys.delivery(delivery_id), "unreported": keys.UNREPORTED},
            {"id": delivery_id, "lane": lane, "client": OPERATOR, "reported": len(reported)},
            more_args=[*reported, *fields],
        )
        return bool(created)

    async def unreported(self, count: int) -> list[str]:
        """Return the abandoned deliveries not yet reported to the operator, oldest first."""
        ids: list[str] = await self._store.call("ZRANGE", keys.UNREPORTED, 0, count - 1)
        return ids

    async def redeliver(self, delivery_id: str, watch_id: str) -> str:
        """Make an ended delivery due again. Return `queued`, or the state that forbids it (`unknown`: deleted)."""
        call = self._redelivery(delivery_id, watch_id)
        return str(await self._store.run("redeliver", call.keys, call.args))

    async def redeliver_many(self, deliveries: Sequence[Delivery]) -> list[Delivery]:
        """Make ended deliveries due again, in one round trip but independently. Return those that are due."""
        found = await self._store.run_all(
            "redeliver", [self._redelivery(each.id, each.watch_id) for each in deliveries]
        )
        return [each for each, state in zip(deliveries, found, strict=True) if state == "queued"]

    async def reserve_lane(self, lane: str) -> Span:
        """Check that a lane may take a test message now. Return 0 if so, else the ms after which to try again.

        If so, a Slack lane is paused as after a delivery. A callback's lane only has its limit checked.
        """
        return int(await self._store.run("reserve_lane", args={"lane": lane}))

    async def mark_lane_doubtful(self, lane: str) -> None:
        """Mark a lane as doubtful, because its receiver is slow to answer; a good answer ends that."""
        await self._store.run("mark_lane_doubtful", args={"lane": lane})

    async def pause_lane(self, lane: str, span: Span) -> None:
        """Pause a lane for `span`."""
        await self._store.run("pause_lane", args={"lane": lane, "span": span})

    async def delete_notice(self, delivery_id: str) -> None:
        """Delete the ended delivery of an operator notice."""
        await self._store.run(
            "delete_notice",
            {
                "ended": keys.ENDED,
                "delivery": keys.delivery(delivery_id),
                "attempts": keys.attempts(delivery_id),
            },
            {"id": delivery_id},
        )

    def decrypt(self, claim: DeliveryClaim) -> Delivery:
        """Decrypt a claimed delivery. Raises DecryptionFailed."""
        return self._load(claim.id, claim.record)

    async def postpone(self, claim: DeliveryClaim, until: Moment, reason: str) -> bool:
        """Postpone a delivery without an attempt, after a bug in our own code."""
        call = self._commit(
            (claim.id, claim.watch_id, claim.lane), claim.fence, until, DeliveryState.PENDING, ["reason", reason]
        )
        (committed,) = await self._store.run_all("commit_delivery", [call])
        return bool(committed)

    async def commit(self, after: Delivery, fence: int, attempt: Attempt | None) -> bool:
        """Record an attempt and the delivery after it. Return False if the fence was replaced."""
        (recorded,) = await self.commit_many([(after, fence, attempt)])
        return recorded

    async def commit_many(self, commits: Sequence[tuple[Delivery, int, Attempt | None]]) -> list[bool]:
        """Record many attempts in one round trip, independently."""
        found = await self._store.run_all("commit_delivery", [self._recorded(*commit) for commit in commits])
        return [bool(each) for each in found]

    def _recorded(self, after: Delivery, fence: int, attempt: Attempt | None) -> Call:
        binding = bindings.of_attempt(after.id, after.client)
        encrypted, lane_result = "", ""
        if attempt is not None:
            encrypted = self._encryptor.encrypt(codec.dump(codec.dump_attempt(attempt)), binding)
            lane_result = "ok" if after.state is DeliveryState.DELIVERED else "failing"
        fields: list[Argument] = [
            *("attempts", after.attempts, "reason", after.last_reason or "", "failures", after.failures),
            *("plain", 1 if after.plain else "", "ended_at", after.ended_at or ""),
        ]
        ids = (after.id, after.watch_id, after.lane)
        return self._commit(ids, fence, after.due or 0, after.state, fields, attempt=encrypted, lane_result=lane_result)

    @staticmethod
    def _commit(
        ids: tuple[str, str, str],
        fence: int,
        due: Moment,
        state: DeliveryState,
        fields: Sequence[Argument],
        *,
        attempt: str = "",
        lane_result: str = "",
    ) -> Call:
        """Return a call of commit_delivery.lua; `ids` are the delivery's id, its watch's id and its lane."""
        delivery_id, watch_id, lane = ids
        return Call(
            keys={
                "delivery": keys.delivery(delivery_id),
                "attempts": keys.attempts(delivery_id),
                "watch": keys.watch(watch_id),
                "ended": keys.ENDED,
                "unreported": keys.UNREPORTED,
            },
            args={
                "id": delivery_id,
                "watch_id": watch_id,
                "lane": lane,
                "fence": fence,
                "due": due,
                "lane_result": lane_result,
                "attempt": attempt,
                "attempts_kept": ATTEMPTS_KEPT,
                "state": state.value,
            },
            more_args=fields,
        )

    @staticmethod
    def _redelivery(delivery_id: str, watch_id: str) -> Call:
        return Call(
            keys={
                "delivery": keys.delivery(delivery_id),
                "watch": keys.watch(watch_id),
                "ended": keys.ENDED,
                "unreported": keys.UNREPORTED,
            },
            args={"id": delivery_id, "watch_id": watch_id},
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

    async def attempts(self, delivery: Delivery) -> list[Attempt]:
        """Return the last attempts that can be decrypted, newest first."""
        found = await self._store.call("LRANGE", keys.attempts(delivery.id), 0, ATTEMPTS_KEPT - 1)
        binding = bindings.of_attempt(delivery.id, delivery.client)

        def load(_: str, encrypted: str) -> Attempt:
            return codec.load_attempt(codec.load(self._encryptor.decrypt(encrypted, binding)))

        return list(codec.decryptable(((delivery.id, encrypted) for encrypted in found), load))

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
            queued_at=int(record["queued_at"]),
            state=DeliveryState(record["state"]),
            attempts=int(record["attempts"]),
            failures=int(record["failures"]),
            plain=bool(record.get("plain")),
            interrupted=bool(record.get("interrupted")),
            due=int(record["due"]) if record.get("due") else None,
            last_reason=record["reason"] or None,
            ended_at=int(record["ended_at"]) if record.get("ended_at") else None,
        )
