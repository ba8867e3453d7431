"""The digests of a worker that dies while it writes them."""

from typing import Any

from bridge.store.deliveries.digests import Digests
from tests.support.world import World

STEPS = ("claim", "parts", "join", "leave", "create", "drop", "end_parts")
"""The steps at which it may die."""


class DyingDigests(Digests):
    """The digests for a worker that dies at one step, before or after its effect."""

    def __init__(self, world: World, step: str, *, done: bool) -> None:
        super().__init__(world.resources.store, world.resources.encryptor)
        self.deadly = step, done

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        step, done = super().__getattribute__("__dict__").get("deadly", ("", False))
        return found if name != step else _dying(found, done=done)


def _dying(step: Any, *, done: bool) -> Any:
    async def dies(*args: Any, **named: Any) -> None:
        if done:
            await step(*args, **named)
        raise RuntimeError("killed")

    return dies
