"""Random faults around digests: whatever happens, each import is told exactly once."""

import json
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from bridge.domain.rules.floods import FLOOD_DIGEST_AFTER
from bridge.domain.times import HOUR, MINUTE, SECOND
from tests.support.dying_digests import STEPS, DyingDigests
from tests.support.redis_snapshot import assert_store_sound
from tests.support.rules import watch_by_rule
from tests.support.world import World, opened
from workers.digests import DigestWriter

pytestmark = pytest.mark.anyio

RULES = """
[[rules]]
name = "each"
outcomes = "always"
notify = [{type = "slack", channel = "C0123ABCD"}]

[[rules]]
name = "hourly"
outcomes = "always"
notify = [{type = "slack", channel = "C0123ABCD"}]
mode = "digest"
digest = {every = "1h"}
"""


@pytest.fixture
async def world(redis_url: str, sandbox_url: str) -> AsyncIterator[World]:
    async with opened(redis_url, sandbox_url, RULES) as world:
        yield world


class Story:
    """A random sequence of events."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.random = Random(seed)
        self.imports: list[str] = []
        self.in_batches: list[str] = []

    async def end_imports(self) -> None:
        rules = {each.name: each for each in self.world.resources.settings.rules}
        for _ in range(self.random.randrange(1, 4)):
            import_id = f"imp{len(self.imports):02}"
            self.imports.append(import_id)
            await self.world.sandbox.set_import(import_id, (self.random.choice(["COMPLETED", "ERROR"]), 0))
            rule = rules[self.random.choice(["each", "each", "each", "hourly"])]
            await watch_by_rule(self.world, *rule.notify, rule=rule.name, import_id=import_id)
        await self.world.poll()

    async def begin_batch(self) -> None:
        """Watch imports in a batch, of which some have ended, some end later and some are cancelled."""
        entries = []
        for _ in range(self.random.randrange(1, 5)):
            import_id = f"bat{len(self.in_batches):02}"
            self.in_batches.append(import_id)
            ended = self.random.choice([[], [("COMPLETED", self.random.choice([0, 1]))]])
            await self.world.sandbox.set_import(import_id, ("UPLOADING", 0), *ended)
            entries.append({"importId": import_id, "notify": [{"type": "slack", "channel": "C0BATCH00"}]})
        answer = await self.world.post("/v1/watches/batch", json={"watches": entries, "digest": True})
        assert [each["status"] for each in answer.json()["results"]] == [202] * len(entries)
        await self.world.poll()

    async def end_some_of_batches(self) -> None:
        for import_id in self.random.sample(self.in_batches, len(self.in_batches) // 2):
            await self.world.sandbox.set_import(import_id, ("ERROR", 0))
        await self.world.poll()

    async def pass_time(self) -> None:
        self.world.pass_time(self.random.choice([SECOND, 31 * SECOND, 4 * MINUTE]))

    async def deliver(self) -> None:
        await self.world.deliver()

    async def sweep(self) -> None:
        await self.world.sweep()
        await self.world.deliver()

    async def die(self) -> None:
        """Write digests on a worker that dies at one step."""
        dying = DyingDigests(self.world, self.random.choice(STEPS), done=self.random.random() < 0.5)
        resources = replace(self.world.resources, digests=dying)
        with suppress(RuntimeError):
            await DigestWriter(resources, on_due=lambda: None, on_held=lambda: None).run()

    async def refuse(self) -> None:
        await self.world.sandbox.set_answers("slack", {"status": 503})

    async def watch_too_late(self) -> None:
        """Watch an import explicitly that rules may have told already, or not."""
        notify = [{"type": "slack", "channel": "C0OTHER00"}]
        await self.world.watch(self.random.choice(self.imports), notify=notify)
        await self.world.poll()

    async def run(self, steps: int) -> None:
        await self.end_imports()
        events = [self.end_imports, self.pass_time, self.pass_time, self.deliver, self.sweep, self.die, self.refuse]
        events += [self.end_imports, self.watch_too_late, self.begin_batch, self.begin_batch, self.end_some_of_batches]
        for _ in range(steps):
            await self.random.choice(events)()
            await self.world.deliver()
            await assert_store_sound(self.world.resources.store)

    async def finish(self) -> None:
        """Let everything that waits be told."""
        await self.world.sandbox.set_answers("slack")
        for import_id in self.in_batches:
            await self.world.sandbox.set_import(import_id, ("COMPLETED", 0))
        for span in [FLOOD_DIGEST_AFTER, HOUR, *[MINUTE, SECOND] * 30]:
            self.world.pass_time(span)
            await self.world.poll()
            await self.world.sweep()
            await self.world.deliver()
            open_sets = ("rb:deliveries:in:pending", "rb:watches:in:watching")
            if not sum([await self.world.resources.store.call("ZCARD", each) for each in open_sets]):
                return
        raise AssertionError("something is never told")


async def told(world: World, channel: str) -> tuple[Counter[str], int]:
    """Return how often each import was named in a channel, and how many were only counted there."""
    named, counted = Counter[str](), 0
    for message in await world.sandbox.messages(kind="slack"):
        body: dict[str, Any] = json.loads(message["body"])
        if message["status"] == 200 and body["channel"] == channel:
            blocks = json.dumps(body["blocks"], ensure_ascii=False)
            named.update(set(re.findall(r"(?:imp|bat)\d\d", blocks)))
            counted += sum(map(int, re.findall(r"… and (\d+) more", blocks)))
    return named, counted


SEEDS = [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 12))]


@pytest.mark.parametrize("seed", SEEDS)
async def test_each_import_is_told_exactly_once(world: World, seed: int) -> None:
    story = Story(world, seed)

    await story.run(14)
    await story.finish()

    for channel, import_ids in {"C0123ABCD": story.imports, "C0BATCH00": story.in_batches}.items():
        named, counted = await told(world, channel)
        assert set(named.values()) <= {1}
        assert len(named) + counted == len(import_ids)
    await assert_store_sound(world.resources.store)
