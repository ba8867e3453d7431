"""The walk "Follow one watch" of the architecture guide is the way that a watch takes through the code."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from bridge.web.endpoints.guides import read
from tests.support.push_messages import PUSH_SECRET, send_push
from tests.support.world import World, opened

HOME = Path(__file__).parents[2]
STEP = re.compile(r"^\| `((?:bridge|workers)/[\w/]+\.py)` \| (?:`(\w+)`)? ?\|", re.MULTILINE)
Call = tuple[str, str]
"""A file and a function in it."""

pytestmark = pytest.mark.anyio


def walk(stage: str) -> list[Call]:
    """Return the steps of a stage; those in Lua can't be observed here."""
    _, _, rest = read("architecture").partition(f"\n### {stage}\n")
    return STEP.findall(re.split(r"^##", rest, maxsplit=1, flags=re.MULTILINE)[0])


@contextmanager
def recorded() -> Iterator[list[Call]]:
    """Record every call of the product, in order."""
    calls: list[Call] = []

    def record(frame: FrameType, event: str, _: Any) -> None:
        file = frame.f_code.co_filename
        if event == "call" and file.startswith((f"{HOME}/bridge/", f"{HOME}/workers/")):
            calls.append((str(Path(file).relative_to(HOME)), frame.f_code.co_name))

    sys.setprofile(record)
    try:
        yield calls
    finally:
        sys.setprofile(None)


def first_not_taken(steps: list[Call], calls: list[Call]) -> Call | None:
    """Return the first step that is not among the calls after the step before it."""
    rest = iter(calls)
    for file, function in steps:
        if not any(called == file and function in {"", name} for called, name in rest):
            return file, function
    return None


async def test_a_watch_takes_the_way_that_the_guide_describes(world: World) -> None:
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    with recorded() as request:
        await world.watch(notify=[{"type": "slack_webhook", "url": world.sandbox.slack_url()}])
    with recorded() as poll:
        await world.poll()
    with recorded() as delivery:
        await world.deliver()

    ways = {"1. The request": request, "2. The poll": poll, "3. The outcome": poll, "4. The delivery": delivery}
    assert all(len(walk(stage)) > 8 for stage in ways)
    assert {stage: first_not_taken(walk(stage), calls) for stage, calls in ways.items()} == dict.fromkeys(ways)


async def test_a_push_takes_the_way_that_the_guide_describes(redis_url: str, sandbox_url: str) -> None:
    rule = '[[rules]]\nname = "ops"\noutcomes = "always"\nnotify = [{type = "slack", channel = "C0123ABCD"}]\n'
    async with opened(redis_url, sandbox_url, rule, RALLY_WEBHOOK_SECRETS=PUSH_SECRET) as world:
        with recorded() as push:
            await send_push(world.api)
            await world.apply_rules()

    assert len(walk("5. A push")) > 8
    assert first_not_taken(walk("5. A push"), push) is None


def test_a_wrong_order_and_an_unknown_function_are_found() -> None:
    calls = [("a.py", "f"), ("b.py", "g")]
    assert first_not_taken([("a.py", ""), ("b.py", "g")], calls) is None
    assert first_not_taken([("b.py", ""), ("a.py", "f")], calls) == ("a.py", "f")
    assert first_not_taken([("a.py", "g")], calls) == ("a.py", "g")
