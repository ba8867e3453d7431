"""The deliveries of notices to the operator: they belong to no watch."""

from collections.abc import Sequence

from bridge.domain.delivery.deliveries import DeliveryState
from bridge.domain.destinations import Destination
from bridge.domain.notices.notices import OPERATOR
from bridge.store import keys
from bridge.store.calls.connection import Store
from bridge.store.deliveries.new_messages import message_fields
from bridge.store.encryption import Encryptor


class Notices:
    """The deliveries of notices in Redis."""

    def __init__(self, store: Store, encryptor: Encryptor) -> None:
        self._store = store
        self._encryptor = encryptor

    async def create(
        self, delivery_id: str, destination: Destination, lane: str, body: str, *, reported: Sequence[str] = ()
    ) -> bool:
        """Create a delivery to the operator. Return False if it exists, or a `reported` one was reported before."""
        fields = message_fields(self._encryptor, delivery_id, OPERATOR, destination, body)
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

    async def failed(self) -> int:
        """Return how many notices were given up, of those that are still stored."""
        return int(await self._store.call("ZCARD", keys.deliveries_in(DeliveryState.ABANDONED, OPERATOR)))

    async def delete(self, delivery_id: str) -> None:
        """Delete an ended delivery that belongs to no watch: a notice or a digest."""
        await self._store.run(
            "delete_notice",
            {
                "ended": keys.ENDED,
                "unreported": keys.UNREPORTED,
                "delivery": keys.delivery(delivery_id),
                "attempts": keys.attempts(delivery_id),
                "parts": keys.parts(delivery_id),
            },
            {"id": delivery_id},
        )
