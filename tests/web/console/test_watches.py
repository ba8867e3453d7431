"""The page of watches: what it lists, for whom, and how it is filtered."""

import re
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any

import pytest

from tests.support.world import ADMIN_KEY, CLIENT_KEY, OTHER_KEY, World, bearer

pytestmark = pytest.mark.anyio

PATH = "/console/watches"


async def listed(world: World, **query: Any) -> list[str]:
    """Return the imports that the page lists."""
    page = await world.api.get(PATH, params=query)
    assert page.status_code == 200, page.text
    return re.findall(r'href="/console/watches/wat_\w+">([^<]*)</a>', page.text)


async def test_a_client_sees_its_own_watches_newest_first(signed_in: World) -> None:
    await signed_in.watch("first")
    await signed_in.watch("of-another", key=OTHER_KEY)
    await signed_in.watch("second")
    assert await listed(signed_in) == ["second", "first"]
    assert await listed(signed_in, client="billing") == ["second", "first"]
    assert await listed(signed_in, importId="of-another") == []


async def test_an_unusual_wait_is_named(signed_in: World) -> None:
    await signed_in.watch("open")
    assert "no worker is alive" in (await signed_in.api.get(PATH)).text
    await signed_in.heartbeat()
    assert "the first poll" not in (await signed_in.api.get(PATH)).text


async def test_an_admin_sees_all_watches_or_those_of_a_client(as_admin: World) -> None:
    await as_admin.watch("first")
    await as_admin.watch("of-another", key=OTHER_KEY, label="Theirs")
    assert await listed(as_admin) == ["of-another", "first"]
    assert await listed(as_admin, client="crm") == ["first"]
    assert await listed(as_admin, label="theirs") == ["of-another"]
    assert await listed(as_admin, label="theirs", client="crm") == []


async def test_watches_are_found_by_import_label_state_and_outcome(signed_in: World) -> None:
    await signed_in.sandbox.set_import("done", ("COMPLETED", 0))
    await signed_in.watch("done", label="Q4 Panel")
    await signed_in.poll()
    await signed_in.watch("open", label="Q5 panel")

    assert await listed(signed_in, importId="done") == ["done"]
    assert await listed(signed_in, label="q4 PANEL") == ["done"]
    assert await listed(signed_in, importId="open", label="q4 panel") == []
    assert await listed(signed_in, state="watching") == ["open"]
    assert await listed(signed_in, outcome="completed", importId="") == ["done"]
    assert await listed(signed_in, label="q4 panel", state="watching") == []


async def test_watches_are_found_by_the_time_of_their_creation(signed_in: World) -> None:
    await signed_in.watch("now")
    before, after = ((datetime.now(UTC) + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M") for hours in (-1, 1))
    assert await listed(signed_in, since=before, until=after) == ["now"]
    assert await listed(signed_in, since=after) == []
    assert await listed(signed_in, until=before) == []
    assert await listed(signed_in, importId="now", until=before) == []


async def test_more_watches_than_fit_are_on_further_pages(signed_in: World) -> None:
    batch = {"watches": [{"importId": f"imp-{number}"} for number in range(60)]}
    await signed_in.post("/v1/watches/batch", json=batch)

    page = await signed_in.api.get(PATH, params={"state": "watching"})
    older = re.search(r'href="([^"]+)">Older', page.text)
    assert older is not None
    second = await signed_in.api.get(older[1].replace("&amp;", "&"))
    seen = [re.findall(r">(imp-\d+)</a>", each.text) for each in (page, second)]
    assert [len(each) for each in seen] == [50, 10]
    assert set(seen[0]).isdisjoint(seen[1])
    assert "Older" not in second.text
    assert "Newest" in second.text


@pytest.mark.parametrize(
    ("query", "field"),
    [("state=odd", "state"), ("since=yesterday", "since"), ("cursor=x", "cursor"), ("nonsense=1", "nonsense")],
)
async def test_a_filter_that_is_not_valid_is_named(signed_in: World, query: str, field: str) -> None:
    refused = await signed_in.api.get(f"{PATH}?{query}")
    assert refused.status_code == 422
    assert f"?{field}" in refused.text


HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'{{7*7}}"


async def test_hostile_text_is_shown_as_text(as_admin: World) -> None:
    await as_admin.sandbox.set_import("imp", (HOSTILE, 0))
    await as_admin.api.post(
        "/v1/watches",
        json={"importId": "imp", "label": HOSTILE, "metadata": {HOSTILE: HOSTILE}},
        headers=bearer(CLIENT_KEY),
    )
    await as_admin.poll()
    page = await as_admin.api.get(PATH, params={"label": HOSTILE})
    assert "<script>alert" not in page.text
    assert "<img" not in page.text
    assert escape(HOSTILE).replace("&quot;", "&#34;").replace("&#x27;", "&#39;") in page.text
    assert ADMIN_KEY not in page.text


async def test_watches_whose_messages_were_not_delivered_are_found(signed_in: World) -> None:
    for import_id, status in (("told", 204), ("untold", 410)):
        await signed_in.sandbox.set_import(import_id, ("COMPLETED", 0))
        await signed_in.sandbox.set_answers(import_id, {"status": status})
        await signed_in.watch(
            import_id, notify=[{"type": "callback", "url": signed_in.sandbox.callback_url(import_id)}]
        )
    await signed_in.poll()
    await signed_in.deliver()
    assert await listed(signed_in, undelivered="true") == ["untold"]
    assert await listed(signed_in, undelivered="true", importId="told") == []
