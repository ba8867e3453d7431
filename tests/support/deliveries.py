"""Deliveries of one ended import: destinations of the sandbox, and the steps that lead to them."""

from typing import Any

from tests.support.world import World


async def watch_ended_import(
    world: World, *notify: dict[str, Any], status: str = "COMPLETED", **facts: Any
) -> dict[str, Any]:
    """Watch an import that has ended, run both shifts, and return the watch."""
    await world.sandbox.set_import("imp", (status, 0), **facts)
    watch = await world.watch(notify=list(notify), label="Q4 panel upload")
    await world.poll()
    await world.deliver()
    return await world.reload(watch)


def callback(world: World, **more: Any) -> dict[str, Any]:
    return {"type": "callback", "url": world.sandbox.callback_url(), **more}


def callbacks(world: World, count: int, name: str = "crm", **more: Any) -> list[dict[str, Any]]:
    """Return callbacks to one receiver, which differ in the query of their URL."""
    url = world.sandbox.callback_url(name)
    return [{"type": "callback", "url": f"{url}?{number}", **more} for number in range(count)]


def slack(world: World, **more: Any) -> dict[str, Any]:
    return {"type": "slack_webhook", "url": world.sandbox.slack_url(), **more}


def without_deliver_shift(world: World) -> None:
    """Keep the settler from starting the deliver shift, as if its worker had died."""
    world.worker.settler._on_due = lambda: None
