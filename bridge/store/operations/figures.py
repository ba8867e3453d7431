"""The figures of each minute of a day, and of each hour of 30 days: hashes that expire by themselves."""

from collections.abc import Mapping

from bridge.domain.figures import HOURS_KEPT, MINUTES_KEPT, Figures, Increments, Period
from bridge.domain.times import MINUTE, Moment
from bridge.redis.errors import translated
from bridge.store import keys
from bridge.store.calls.connection import Store


class FigureHistory:
    """The figures in Redis."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def record(self, increments: Increments, gauges: Mapping[str, int]) -> None:
        """Add to the figures of the present minute and hour; `gauges` replace what was recorded before."""
        more = [part for values in (increments, gauges) for pair in values.items() for part in pair]
        await self._store.run(
            "record_figures",
            args={"minutes_kept": MINUTES_KEPT, "hours_kept": HOURS_KEPT, "sums": len(increments)},
            more_args=more,
        )

    async def read(self, period: Period, end: Moment) -> list[Figures]:
        """Return the stored figures of a period up to its end, oldest first; those without any are left out."""
        key = keys.figures_of_minute if period.stored == MINUTE else keys.figures_of_hour
        last = end - end % period.stored
        moments = range(last - period.length, last + 1, period.stored)
        async with translated(), self._store.redis.pipeline(transaction=False) as pipe:
            for at in moments:
                pipe.hgetall(key(at))
            found = await pipe.execute()
        return [
            Figures(at=at, length=period.stored, values={name: int(value) for name, value in stored.items()})
            for at, stored in zip(moments, found, strict=True)
            if stored
        ]
