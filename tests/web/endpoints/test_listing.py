"""Pages of watches, batches, and repeated requests with an Idempotency-Key."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bridge.domain.times import DAY
from tests.support.samples import only
from tests.support.world import ADMIN_KEY, CLIENT_KEY, OTHER_KEY, World, opened
from tests.web.openapi.test_document import check

pytestmark = pytest.mark.anyio
KEY = {"Idempotency-Key": "7c5b0c0e"}


@pytest.fixture
async def world(redis_url: str, sandbox_url: str) -> AsyncIterator[World]:
    async with opened(redis_url, sandbox_url) as world:
        yield world


async def page_through(world: World, path: str, **query: Any) -> list[str]:
    ids: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(50):
        page = (await world.get(path, **query, **cursor)).json()
        ids += [each["id"] for each in page["data"]]
        if page["nextCursor"] is None:
            return ids
        cursor = {"cursor": page["nextCursor"]}
    raise AssertionError("the pages never end")


async def test_pages_contain_every_watch_once_newest_first(world: World) -> None:
    made = [(await world.watch(f"imp-{number}"))["id"] for number in range(7)]

    for limit in (1, 2, 3, 7, 100):
        assert await page_through(world, "/v1/watches", limit=limit) == sorted(made, reverse=True)


async def test_new_watches_do_not_shift_the_pages(world: World) -> None:
    made = [(await world.watch(f"imp-{number}"))["id"] for number in range(6)]
    first = (await world.get("/v1/watches", limit=3)).json()
    await world.watch("imp-late")
    await world.post(f"/v1/watches/{made[4]}/cancel")
    second = (await world.get("/v1/watches", limit=3, cursor=first["nextCursor"])).json()

    seen = [each["id"] for each in first["data"] + second["data"]]
    assert seen == sorted(made, reverse=True)


async def test_pages_continue_while_their_watches_change_state(world: World) -> None:
    made = [(await world.watch(f"imp-{number}"))["id"] for number in range(30)]
    paging = asyncio.create_task(page_through(world, "/v1/watches", limit=2))
    for number, watch_id in enumerate(made):
        await asyncio.gather(world.post(f"/v1/watches/{watch_id}/cancel"), world.watch(f"imp-late-{number}"))

    seen = await paging
    assert [each for each in seen if each in made] == sorted(made, reverse=True)
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize("query", [{}, {"importId": "imp"}])
async def test_pages_continue_after_watches_were_deleted(world: World, query: dict[str, str]) -> None:
    made = [(await world.watch())["id"] for _ in range(3)]
    lists = ("rb:watches:of:crm:watching", "rb:watches:about:imp")
    for name in lists:
        await world.resources.store.call("ZADD", name, 0, f"{made[2]}z", 0, f"{made[0]}z")

    assert await page_through(world, "/v1/watches", limit=1, **query) == sorted(made, reverse=True)


async def test_each_page_of_a_widely_watched_import_takes_a_few_commands(world: World) -> None:
    mine = [(await world.watch())["id"] for _ in range(2)]
    others = [part for number in range(12_000) for part in (0, f"{mine[0]}{number:05}")]
    await world.resources.store.call("ZADD", "rb:watches:about:imp", *others)
    first = (await world.get("/v1/watches", importId="imp")).json()

    assert ([each["id"] for each in first["data"]], first["nextCursor"] is None) == ([mine[1]], False)
    assert await page_through(world, "/v1/watches", importId="imp") == [mine[1], mine[0]]


async def test_watches_are_filtered_by_state_outcome_and_import(world: World) -> None:
    await world.sandbox.set_import("done", ("COMPLETED", 0))
    await world.sandbox.set_import("broken", ("ERROR", 0))
    await world.sandbox.set_import("open", ("UPLOADING", 0))
    done, broken, running, dropped = [(await world.watch(each))["id"] for each in ("done", "broken", "open", "open")]
    await world.post(f"/v1/watches/{dropped}/cancel")
    await world.poll()

    async def found(**query: str) -> set[str]:
        return set(await page_through(world, "/v1/watches", **query))

    assert await found(state="watching") == {running}
    assert await found(state="cancelled") == {dropped}
    assert await found(state="settled") == {done, broken}
    assert await found(outcome="failed") == {broken}
    assert await found(state="settled", outcome="completed") == {done}
    assert await found(state="watching", outcome="completed") == set()
    assert await found(importId="open") == {running, dropped}
    assert await found(importId="open", state="cancelled") == {dropped}
    assert await found(importId="done", outcome="completed") == {done}
    assert await found(importId="nobody's") == set()


async def test_a_client_lists_its_own_watches_and_an_admin_all(world: World) -> None:
    mine = (await world.watch("imp"))["id"]
    theirs = (await world.watch("imp", key=OTHER_KEY))["id"]

    async def seen(key: str, **query: str) -> set[str]:
        page = (await world.get("/v1/watches", key=key, **query)).json()
        return {each["id"] for each in page["data"]}

    assert (await seen(CLIENT_KEY), await seen(OTHER_KEY)) == ({mine}, {theirs})
    assert await seen(ADMIN_KEY) == {mine, theirs}
    assert await seen(CLIENT_KEY, importId="imp") == {mine}
    assert await seen(ADMIN_KEY, importId="imp") == {mine, theirs}


async def test_deleted_watches_are_in_no_list(world: World) -> None:
    await world.sandbox.set_import("imp", ("ERROR", 0))
    notify = [{"type": "callback", "url": world.sandbox.callback_url()}]
    await world.watch(notify=notify)
    await world.poll()
    await world.deliver()
    world.pass_time(31 * DAY)
    await world.sweep()

    left = await world.resources.store.call("KEYS", "rb:*")
    ours = (
        "rb:fence",
        "rb:clock",
        "rb:store_key",
        "rb:schema",
        "rb:budget",
        "rb:check",
        "rb:queue",
        "rb:wakeups",
        "rb:calls",
    )
    lasting = [key for key in left if await world.resources.store.call("PTTL", key) < 0]
    assert [key for key in lasting if not key.startswith(ours)] == []


@pytest.mark.parametrize(
    ("path", "query", "wrong"),
    [
        ("/v1/watches", {"state": "open", "limit": "0", "order": "asc"}, {"?state", "?limit", "?order"}),
        ("/v1/watches", {"limit": "101"}, {"?limit"}),
        ("/v1/watches", {"limit": ["1", "2"]}, {"?limit"}),
        ("/v1/watches", {"limit": "1_0"}, {"?limit"}),
        ("/v1/watches", {"limit": "+1"}, {"?limit"}),
        ("/v1/watches", {"limit": " 1"}, {"?limit"}),
        ("/v1/watches", {"limit": "٣"}, {"?limit"}),
        ("/v1/deliveries", {"limit": "9" * 5000}, {"?limit"}),
        ("/v1/watches", {"cursor": "dlv_1"}, {"?cursor"}),
        ("/v1/watches", {"cursor": "wat_" + "1" * 99}, {"?cursor"}),
        ("/v1/watches", {"importId": ""}, {"?importId"}),
        ("/v1/watches", {"outcome": "ended"}, {"?outcome"}),
        ("/v1/deliveries", {"state": "late", "importId": "imp"}, {"?state", "?importId"}),
        ("/v1/watches/wat_1", {"wait": "61"}, {"?wait"}),
        ("/v1/watches/wat_1", {"wait": "soon"}, {"?wait"}),
        ("/v1/watches/wat_1", {"wait": "1_0"}, {"?wait"}),
        ("/v1/signing-keys", {"newest": "true", "": "x"}, {"?newest", "?"}),
    ],
)
async def test_an_invalid_query_parameter_is_refused_by_name(
    world: World, path: str, query: dict[str, Any], wrong: set[str]
) -> None:
    answer = await world.get(path, **query)

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert {error["pointer"] for error in answer.json()["errors"]} == wrong


async def test_the_first_of_many_problems_of_a_query_are_listed_and_all_are_counted(world: World) -> None:
    refused = await world.get("/v1/watches", limit=0, **{f"x{number}": "1" for number in range(150)})

    errors = refused.json()["errors"]
    assert (len(errors), refused.json()["errorCount"]) == (100, 151)
    assert errors[0]["pointer"] == "?limit"


async def test_a_batch_returns_a_result_for_each_watch_in_order(world: World) -> None:
    batch = [{"importId": "a"}, {"importId": "b", "colour": "red"}, {"importId": "c", "label": "third"}, {}]
    answer = await world.post("/v1/watches/batch", json={"watches": batch})
    results = answer.json()["results"]

    assert answer.status_code == 200
    assert [result["status"] for result in results] == [202, 422, 202, 422]
    assert (results[0]["watch"]["importId"], results[2]["watch"]["label"]) == ("a", "third")
    assert only(results[1]["problem"]["errors"])["pointer"] == "/colour"
    assert only(results[3]["problem"]["errors"])["pointer"] == "/importId"
    assert len(await page_through(world, "/v1/watches")) == 2


async def test_a_watch_of_a_batch_that_cannot_be_stored_fails_alone(world: World) -> None:
    in_the_way = "rb:watches:about:b"
    await world.resources.store.call("SET", in_the_way, "no list of watches")
    batch = {"watches": [{"importId": "a"}, {"importId": "b"}, {"importId": "c"}, {}]}
    answer = await world.post("/v1/watches/batch", json=batch, **KEY)
    await world.resources.store.call("DEL", in_the_way)
    again = await world.post("/v1/watches/batch", json=batch, **KEY)

    results = answer.json()["results"]
    assert (answer.status_code, [result["status"] for result in results]) == (200, [202, 503, 202, 422])
    assert results[1]["problem"]["type"] == "/docs#service-unavailable"
    check(answer, "/v1/watches/batch", "post")
    made_later = again.json()["results"][1]
    assert made_later["status"] == 202
    assert again.json()["results"] == [results[0], made_later, *results[2:]], "what was made is not made again"


async def test_a_batch_of_which_nothing_can_be_stored_is_a_503(world: World) -> None:
    await world.resources.store.call("CONFIG", "SET", "maxmemory", 1)
    try:
        answer = await world.post("/v1/watches/batch", json={"watches": [{"importId": "a"}, {"importId": "b"}]})
    finally:
        await world.resources.store.call("CONFIG", "SET", "maxmemory", 0)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert await page_through(world, "/v1/watches") == []


@pytest.mark.parametrize(
    "body",
    [{}, {"watches": []}, {"watches": [{"importId": "imp"}] * 101}, {"watches": "imp"}, {"watches": [], "more": 1}],
)
async def test_an_invalid_batch_changes_nothing(world: World, body: dict[str, Any]) -> None:
    assert (await world.post("/v1/watches/batch", json=body)).status_code == 422
    assert await page_through(world, "/v1/watches") == []


async def test_a_repeated_request_creates_one_watch_and_gets_the_same_response(world: World) -> None:
    first = await world.post("/v1/watches", json={"importId": "imp", "label": "Q4"}, **KEY)
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    await world.poll()
    world.pass_time(23 * 3_600_000)
    second = await world.post("/v1/watches", json={"label": "Q4", "importId": "imp"}, **KEY)

    assert (first.status_code, second.status_code) == (202, 202)
    assert second.json() == first.json()
    assert second.headers["location"] == first.headers["location"]
    assert second.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert len(await page_through(world, "/v1/watches")) == 1


async def test_a_field_that_is_null_makes_no_other_request(world: World) -> None:
    destination = {"type": "callback", "url": world.sandbox.callback_url()}
    request = {"importId": "imp", "notify": [destination], "metadata": {"ticket": None}}
    first = await world.post("/v1/watches", json=request, **KEY)
    nulls = {**request, "label": None, "notify": [{**destination, "on": None, "headers": None}]}
    second = await world.post("/v1/watches", json=nulls, **KEY)
    other = await world.post("/v1/watches", json={**request, "metadata": {}}, **KEY)

    assert second.headers["idempotent-replayed"] == "true"
    assert second.json() == first.json()
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_key_reused_for_another_request_is_refused_and_changes_nothing(world: World) -> None:
    await world.post("/v1/watches", json={"importId": "imp"}, **KEY)
    answer = await world.post("/v1/watches", json={"importId": "other"}, **KEY)

    assert (answer.status_code, answer.json()["title"]) == (422, "The Idempotency-Key was used for another request")
    assert len(await page_through(world, "/v1/watches")) == 1


async def test_a_key_belongs_to_one_client_and_lasts_for_a_day(world: World) -> None:
    mine = (await world.post("/v1/watches", json={"importId": "imp"}, **KEY)).json()["id"]
    theirs = (await world.post("/v1/watches", json={"importId": "imp"}, key=OTHER_KEY, **KEY)).json()["id"]
    world.pass_time(DAY)
    again = (await world.post("/v1/watches", json={"importId": "imp"}, **KEY)).json()["id"]
    await world.sweep()

    assert len({mine, theirs, again}) == 3
    assert len(await world.resources.store.call("KEYS", "rb:replay:*")) == 1


async def test_concurrent_equal_requests_create_one_watch(world: World) -> None:
    answers = await asyncio.gather(*(world.post("/v1/watches", json={"importId": "imp"}, **KEY) for _ in range(10)))

    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == 9
    assert len(await page_through(world, "/v1/watches")) == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there"])
async def test_an_invalid_idempotency_key_is_refused(world: World, key: str) -> None:
    answer = await world.post("/v1/watches", json={"importId": "imp"}, **{"Idempotency-Key": key})

    assert answer.status_code == 422
    assert await page_through(world, "/v1/watches") == []


async def test_keys_derived_for_a_batch_do_not_collide_with_other_keys(world: World) -> None:
    batch = await world.post("/v1/watches/batch", json={"watches": [{"importId": "a"}]}, **{"Idempotency-Key": "abc"})
    alone = await world.post("/v1/watches", json={"importId": "a"}, **{"Idempotency-Key": "abc 0"})

    assert only(batch.json()["results"])["status"] == alone.status_code == 202
    assert "idempotent-replayed" not in alone.headers
    assert len(await page_through(world, "/v1/watches")) == 2


async def test_a_batch_repeated_with_its_key_creates_each_watch_once(world: World) -> None:
    batch = {"watches": [{"importId": "a"}, {"importId": "b"}]}
    first = await world.post("/v1/watches/batch", json=batch, **KEY)
    second = await world.post("/v1/watches/batch", json=batch, **KEY)

    assert first.json() == second.json()
    assert len(await page_through(world, "/v1/watches")) == 2


async def test_undelivered_watches_are_those_with_a_message_that_did_not_arrive(world: World) -> None:
    for name, status in {"fine": 200, "gone": 410, "down": 503, "lost": 410}.items():
        await world.sandbox.set_import(name, ("COMPLETED", 0))
        await world.sandbox.set_answers(name, *[{"status": status}] * 3)
        urls = [world.sandbox.callback_url(each) for each in dict.fromkeys((name, "fine"))]
        await world.watch(name, notify=[{"type": "callback", "url": url} for url in urls])
    await world.watch("open")
    for _ in range(3):
        await world.poll()
        await world.deliver()

    async def listed(**query: Any) -> list[str]:
        page = (await world.get("/v1/watches", undelivered="true", **query)).json()
        rest = [] if page["nextCursor"] is None else await listed(**query | {"cursor": page["nextCursor"]})
        return [each["importId"] for each in page["data"]] + rest

    assert await listed() == await listed(limit=1) == ["lost", "down", "gone"]
    assert await listed(importId="down") == ["down"]
    assert await listed(outcome="failed") == await listed(state="watching") == []
    assert await listed(key=OTHER_KEY) == []
    assert await listed(key=ADMIN_KEY, limit=2) == ["lost", "down", "gone"]
