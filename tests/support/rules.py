"""Watches and deliveries of rules."""

from typing import Any

from bridge.domain.destinations import Destination
from bridge.domain.rules.pushes import CSV_FINISHED, FIRST_KEPT_LONGER, Push
from bridge.domain.times import DAY, MINUTE
from bridge.domain.watches import Watch
from bridge.ids import new_id
from bridge.store.watches.acceptance_call import AcceptedWatch, NewWatch
from tests.support.world import ADMIN_KEY, World


async def watch_by_rule(
    world: World, *notify: Destination, rule: str = "ops", import_id: str = "imp", **more: Any
) -> Watch:
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
        **more,
    )
    accepted = await world.resources.watches.accept(new, grace=10 * MINUTE, reuse=5 * MINUTE)
    assert isinstance(accepted, AcceptedWatch)
    return accepted.watch


async def push(
    world: World, import_id: str = "imp", *, message_id: str | None = None, for_rules: bool = True, **facts: Any
) -> None:
    """Record a push of Rally, as the endpoint does, and run the rules shift."""
    known = {"event": CSV_FINISHED, "workspace": "default", "status": "ERROR", "failed_record_count": None}
    found = {"updated_at": await world.resources.store.now(), **known, **facts}
    pushed = Push(message_id=message_id or new_id("msg_"), import_id=import_id, **found)
    await world.resources.pushes.record(
        pushed, for_rules=for_rules, first_kept=world.resources.settings.bridge_retention + FIRST_KEPT_LONGER
    )
    await world.apply_rules()


async def watches_of(world: World, rule: str = "ops") -> list[dict[str, Any]]:
    """Return the watches of a rule as an admin sees them, oldest first."""
    shown = (await world.get("/v1/watches", key=ADMIN_KEY)).json()["data"]
    return [each for each in reversed(shown) if each["createdBy"] == f"rule:{rule}"]
