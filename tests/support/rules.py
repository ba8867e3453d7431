"""Watches and deliveries of rules."""

from bridge.domain.destinations import Destination
from bridge.domain.times import DAY, MINUTE
from bridge.domain.watches import Watch
from bridge.ids import new_id
from bridge.store.acceptance import AcceptedWatch, NewWatch
from tests.support.world import World


async def watch_by_rule(world: World, *notify: Destination, rule: str = "ops", import_id: str = "imp") -> Watch:
    """Accept a watch of a rule, as the rules shift does."""
    new = NewWatch(
        id=new_id("wat_"),
        client=f"rule:{rule}",
        workspace="default",
        import_id=import_id,
        notify=notify,
        label=None,
        metadata={},
        expires_in=DAY,
    )
    accepted = await world.resources.watches.accept(new, grace=10 * MINUTE, reuse=5 * MINUTE)
    assert isinstance(accepted, AcceptedWatch)
    return accepted.watch
