"""Deliveries of rules that are held, as before the gate lets them go."""

from collections.abc import Sequence
from typing import Any

from bridge.domain.destinations import Callback, Destination, SlackWebhook
from bridge.domain.secret import Secret
from bridge.store.deliveries.held_deliveries import Released
from tests.support.rules import watch_by_rule
from tests.support.samples import only
from tests.support.world import ADMIN_KEY, World


def to_slack(world: World) -> Destination:
    return SlackWebhook(url=Secret(world.sandbox.slack_url()))


def to_callback(world: World) -> Destination:
    return Callback(url=Secret(world.sandbox.callback_url()))


async def end_import(
    world: World,
    import_id: str,
    destination: Destination,
    *,
    rule: str = "ops",
    status: str = "COMPLETED",
    **facts: Any,
) -> dict[str, Any]:
    """Let an import end that a rule watches; return its watch, whose delivery is held."""
    await world.sandbox.set_import(import_id, (status, 0), **facts)
    watch = await watch_by_rule(world, destination, rule=rule, import_id=import_id)
    await world.poll()
    shown: dict[str, Any] = (await world.get(f"/v1/watches/{watch.id}", key=ADMIN_KEY)).json()
    return shown


async def release(world: World, watch: dict[str, Any], **digest: Any) -> Released:
    """Release the held delivery of a watch."""
    delivery = await world.resources.deliveries.get(only(watch["deliveries"])["id"])
    assert delivery is not None
    return await world.resources.held.release(delivery, **digest)


async def end_imports(world: World, count: int, *, first: int = 0, **facts: Any) -> list[dict[str, Any]]:
    """End imports that a rule tells to one Slack destination, and let their deliveries go; return the watches."""
    watches = [await end_import(world, f"imp{first + number}", to_slack(world), **facts) for number in range(count)]
    for watch in watches:
        assert await release(world, watch) in {Released.RELEASED, Released.GATHERED}
    return watches


async def fates(world: World, watches: Sequence[dict[str, Any]]) -> list[tuple[str, str | None]]:
    """Return the state of each watch's delivery, and its reason."""
    found = [(await world.get(f"/v1/watches/{each['id']}", key=ADMIN_KEY)).json() for each in watches]
    deliveries = [only(each["deliveries"]) for each in found]
    return [(each["state"], each["lastReason"]) for each in deliveries]
