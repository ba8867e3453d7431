"""Attempts: recorded with the state of their delivery afterwards, and read."""

from collections.abc import Sequence
from dataclasses import asdict

from bridge.domain.delivery.attempts import ATTEMPTS_KEPT, Attempt
from bridge.domain.delivery.deliveries import Delivery, DeliveryState
from bridge.domain.times import Moment
from bridge.store import bindings, codec, keys
from bridge.store.calls.connection import Store
from bridge.store.calls.lua import Argument, Call
from bridge.store.deliveries.deliveries import DeliveryClaim
from bridge.store.encryption import Encryptor


class Attempts:
    """The attempts in Redis."""

    def __init__(self, store: Store, encryptor: Encryptor) -> None:
        self._store = store
        self._encryptor = encryptor

    async def of(self, delivery: Delivery) -> list[Attempt]:
        """Return the last attempts that can be decrypted, newest first."""
        found = await self._store.call("LRANGE", keys.attempts(delivery.id), 0, ATTEMPTS_KEPT - 1)
        binding = bindings.of_attempt(delivery.id, delivery.client)

        def load(_: str, encrypted: str) -> Attempt:
            return codec.load_attempt(codec.load(self._encryptor.decrypt(encrypted, binding)))

        return list(codec.decryptable(((delivery.id, encrypted) for encrypted in found), load))

    async def postpone(self, claim: DeliveryClaim, until: Moment, reason: str) -> bool:
        """End a claim without an attempt: make the delivery due at `until`. Return False if the fence was replaced."""
        call = self._commit(
            (claim.id, claim.watch_id, claim.lane), claim.fence, until, DeliveryState.PENDING, ["reason", reason]
        )
        (committed,) = await self._store.run_all("commit_delivery", [call], replicated=True)
        return bool(committed)

    async def commit(self, after: Delivery, fence: int, attempt: Attempt | None) -> bool:
        """Record an attempt, if there was one, and the delivery `after` it. Return False if the fence was replaced."""
        (recorded,) = await self.commit_many([(after, fence, attempt)])
        return recorded

    async def commit_many(self, commits: Sequence[tuple[Delivery, int, Attempt | None]]) -> list[bool]:
        """Do as `commit` for many attempts in one round trip; the fence of one does not affect the others.

        Replicas confirm it, if they are required. A failover might else lose an attempt that its worker believes to be
        recorded: the message would be sent again, and hold its place in the lane until its lease ends.
        """
        calls = [self._recorded(*commit) for commit in commits]
        found = await self._store.run_all("commit_delivery", calls, replicated=True)
        return [bool(each) for each in found]

    def _recorded(self, after: Delivery, fence: int, attempt: Attempt | None) -> Call:
        binding = bindings.of_attempt(after.id, after.client)
        encrypted, lane_result = "", ""
        if attempt is not None:
            encrypted = self._encryptor.encrypt(codec.dump(codec.dump_attempt(attempt)), binding)
            lane_result = "ok" if after.state is DeliveryState.DELIVERED else "failing"
        fields: list[Argument] = [
            *("attempts", after.attempts, "reason", after.last_reason or "", "failures", after.failures),
            *("plain", 1 if after.plain else "", "outside_thread", 1 if after.outside_thread else ""),
            *("ended_at", after.ended_at or "", "retry_after", after.retry_after or ""),
        ]
        if after.posted is not None:
            posted = codec.dump(asdict(after.posted))
            fields += [
                "posted",
                self._encryptor.encrypt(posted, bindings.of_posted(after.id, after.client)),
                "button",
                "",
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
