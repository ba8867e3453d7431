"""Long polling: a request that waits for the end of a watch."""

import asyncio
from contextlib import suppress
from time import monotonic

from bridge.domain.watches import Watch, WatchState
from bridge.resources import Resources
from bridge.store import keys


async def wait_until_ended(resources: Resources, watch: Watch, seconds: float) -> Watch:
    """Return the watch once it has ended, or as it is after `seconds` or when the process shuts down.

    The store is read once more at the end, because a published change may be lost with the connection.
    """
    until = monotonic() + seconds
    async with resources.change_feed.subscribe(keys.watch_topic(watch.id)) as changed:
        while True:
            changed.clear()
            async with resources.change_feed.read_slots:
                watch = await resources.watches.get(watch.id) or watch
            left = until - monotonic()
            if watch.state is not WatchState.WATCHING or resources.change_feed.stopping or left <= 0:
                return watch
            with suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), left)
