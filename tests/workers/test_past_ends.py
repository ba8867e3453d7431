"""What Slack messages say of the imports before: how long they usually take, and whether they fail in a row."""

import json
from typing import Any

import pytest

from bridge.domain.past_ends import KEPT, LEAST
from bridge.domain.times import DAY, HOUR, MINUTE
from tests.support.deliveries import callback, slack
from tests.support.world import OTHER_KEY, World

pytestmark = pytest.mark.anyio


async def end(
    world: World, import_id: str, *, status: str = "COMPLETED", took: int = 0, kind: str = "CSV", **wish: Any
) -> str:
    """Watch an import until it ends, `took` ms later; return what its message says beside its context."""
    wish = {"label": "nightly", "notify": [slack(world)], **wish}
    if took:
        await world.sandbox.set_import(import_id, ("UPLOADING", 0), type=kind)
        await world.watch(import_id, **wish)
        await world.poll()
        world.pass_time(took)
    await world.sandbox.set_import(import_id, (status, 0), type=kind)
    if not took:
        await world.watch(import_id, **wish)
    await world.poll()
    await world.deliver()
    world.pass_time(MINUTE)  # Slack takes one message a second
    return await last_message(world)


async def last_message(world: World) -> str:
    messages = await world.sandbox.messages(kind="slack")
    newest = max(messages, key=lambda each: each["number"]) if messages else None
    return "" if newest is None else "\n".join(_words(json.loads(newest["body"])))


def _words(payload: dict[str, Any]) -> list[str]:
    return [block["text"]["text"] for block in payload["blocks"] if "text" in block]


async def histories(world: World) -> dict[str, list[str]]:
    store = world.resources.store
    return {name: await store.call("LRANGE", name, 0, -1) for name in await store.call("KEYS", "rb:ends:*")}


async def test_a_message_says_how_long_imports_of_its_label_usually_take(world: World) -> None:
    world.pass_time(-HOUR)  # so that no import seems to have ended before it was watched: the sandbox has the real time
    for number in range(LEAST - 1):
        await end(world, f"imp{number}", took=2 * MINUTE)
    assert "usually" not in await end(world, "imp4", took=2 * MINUTE)

    assert "took about 4 min, usually about 2 min" in await end(world, "slow", took=4 * MINUTE)
    assert "usually" not in await end(world, "as-usual", took=2 * MINUTE)


async def test_imports_that_had_ended_when_they_were_watched_make_nothing_usual(world: World) -> None:
    world.pass_time(-HOUR)
    for number in range(LEAST):
        await end(world, f"imp{number}")

    said = await end(world, "slow", took=4 * MINUTE)
    assert "took about 4 min" in said
    assert "usually" not in said


async def test_an_entry_of_another_version_delays_no_message(world: World) -> None:
    await end(world, "imp0", status="ERROR")
    for name in await histories(world):
        await world.resources.store.call("LPUSH", name, "another version's entry", "mark crashed 7")

    assert "the 2nd in a row" in await end(world, "imp1", status="ERROR")


async def test_without_a_label_the_type_of_the_workspace_is_compared(world: World) -> None:
    world.pass_time(-HOUR)
    for number in range(LEAST):
        await end(world, f"imp{number}", took=2 * MINUTE, label=f"run {number}")

    assert "usually about 2 min" in await end(world, "slow", took=4 * MINUTE, label=None)
    assert "usually" not in await end(world, "api", took=4 * MINUTE, label=None, kind="API")


async def test_failures_of_a_label_are_counted_in_a_row_until_it_works_again(world: World) -> None:
    said = [await end(world, f"imp{number}", status="ERROR") for number in range(3)]
    works, quiet = await end(world, "good"), await end(world, "better")

    assert "in a row" not in said[0]
    assert "It is the 2nd in a row with this label that failed." in said[1]
    assert "It is the 3rd in a row with this label that failed." in said[2]
    assert "It works again: the one before it with this label failed." in works
    assert "again" not in quiet.replace("watched again", "")
    assert "in a row" not in await end(world, "bad", status="ERROR")


async def test_failures_of_other_labels_and_clients_do_not_count(world: World) -> None:
    await end(world, "imp0", status="ERROR")
    await end(world, "imp1", status="ERROR", label="hourly")
    await end(world, "imp2", status="ERROR", key=OTHER_KEY)

    assert "the 2nd in a row" in await end(world, "imp3", status="ERROR")
    assert "in a row" not in await end(world, "imp4", status="ERROR", label=None)


async def test_an_import_counts_once_however_many_watches_tell_of_it(world: World) -> None:
    for _ in range(3):
        said = await end(world, "imp", status="ERROR")
        assert "in a row" not in said

    assert "the 2nd in a row" in await end(world, "other", status="ERROR")


async def test_ends_told_by_callbacks_alone_count_as_well(world: World) -> None:
    await end(world, "imp0", status="ERROR", notify=[callback(world)])

    assert "the 2nd in a row" in await end(world, "imp1", status="ERROR")


async def test_a_history_is_bounded_and_expires(world: World) -> None:
    for number in range(KEPT + 1):
        await end(world, f"imp{number}", status="ERROR")
    assert f"More than {KEPT} in a row with this label have failed." in await end(world, "imp", status="ERROR")

    store, kept = world.resources.store, await histories(world)
    assert [len(ends) for ends in kept.values()] == [KEPT] * 3
    for name, ends in kept.items():
        assert 29 * DAY < await store.call("PTTL", name) <= 30 * DAY
        assert not any(text in f"{name} {ends}" for text in ("nightly", "imp", "CSV"))


async def test_a_settlement_that_is_repeated_adds_nothing(world: World) -> None:
    await end(world, "imp", status="ERROR", notify=[])
    before = await histories(world)

    await world.worker.settler.settle("default", "imp")

    assert before == await histories(world)
    assert len(before) == 3, "one for the label, one for the type, one for the size"


async def test_a_cancelled_watch_and_one_without_an_end_add_nothing(world: World) -> None:
    watch = await world.watch("imp", label="nightly")
    await world.post(f"/v1/watches/{watch['id']}/cancel")
    await world.watch("never", label="nightly", expiresIn=60)
    for _ in range(4):
        world.pass_time(MINUTE)
        await world.poll()
        await world.sweep()

    assert await histories(world) == {}
