"""The page of deliveries, and sending abandoned ones again."""

import re
from typing import Any

import pytest

from bridge.domain.times import DAY
from tests.support.console import send, sign_in
from tests.support.world import OTHER_KEY, World

pytestmark = pytest.mark.anyio

PATH = "/console/deliveries"
AGAIN = f"{PATH}/send-again"


async def end(world: World, import_id: str, receiver: str, *statuses: int, **wish: Any) -> dict[str, Any]:
    """End an import whose outcome a receiver answers with these statuses."""
    await world.sandbox.set_import(import_id, ("COMPLETED", 0))
    if statuses:
        await world.sandbox.set_answers(receiver, *({"status": each} for each in statuses))
    watch = await world.watch(
        import_id, notify=[{"type": "callback", "url": world.sandbox.callback_url(receiver)}], **wish
    )
    await world.poll()
    await world.deliver()
    return watch


async def listed(world: World, **query: Any) -> list[str]:
    """Return the states that the page lists."""
    page = await world.api.get(PATH, params=query)
    assert page.status_code == 200, page.text
    return re.findall(r'<span class="badge \w+">(\w+)</span>', page.text)


async def test_deliveries_are_found_by_state_destination_and_reason(signed_in: World) -> None:
    await end(signed_in, "one", "good")
    await end(signed_in, "two", "erp", 410)
    await end(signed_in, "three", "theirs", key=OTHER_KEY)

    assert await listed(signed_in) == ["abandoned", "delivered"]
    assert await listed(signed_in, state="delivered") == ["delivered"]
    assert await listed(signed_in, reason="GONE for good") == ["abandoned"]
    assert await listed(signed_in, destination="127.0.0.1", state="") == ["abandoned", "delivered"]
    assert await listed(signed_in, destination="elsewhere") == []
    assert await listed(signed_in, client="billing") == ["abandoned", "delivered"]


async def test_an_admin_sees_the_deliveries_of_a_client(as_admin: World) -> None:
    await end(as_admin, "one", "good")
    await end(as_admin, "three", "theirs", key=OTHER_KEY)
    assert len(await listed(as_admin)) == 2
    assert len(await listed(as_admin, client="billing")) == 1


async def test_more_deliveries_than_fit_are_on_further_pages(signed_in: World) -> None:
    await signed_in.sandbox.set_import("imp", ("COMPLETED", 0))
    notify = [{"type": "slack", "channel": "C0123ABCD"}]
    batch = {"watches": [{"importId": "imp", "notify": notify} for _ in range(60)]}
    await signed_in.post("/v1/watches/batch", json=batch)
    await signed_in.poll()
    await signed_in.sweep()

    page = await signed_in.api.get(PATH, params={"destination": "c0123"})
    older = re.search(r'href="([^"]+)">Older', page.text)
    assert older is not None
    second = await signed_in.api.get(older[1].replace("&amp;", "&"))
    seen = [re.findall(r"the watch of (dlv_\w+)", each.text) for each in (page, second)]
    assert [len(each) for each in seen] == [50, 10]
    assert set(seen[0]).isdisjoint(seen[1])


async def test_abandoned_deliveries_are_counted_before_they_are_sent_again(signed_in: World) -> None:
    await end(signed_in, "one", "erp", 410)
    await end(signed_in, "two", "lab", 410)
    await end(signed_in, "three", "theirs", 410, key=OTHER_KEY)

    counted = await signed_in.api.get(AGAIN)
    assert "<strong>2</strong> deliveries were" in counted.text
    others = await signed_in.api.get(AGAIN, params={"reason": "out of paper"})
    assert "<strong>0</strong> deliveries were" in others.text
    assert len(await signed_in.sandbox.messages()) == 3

    done = await send(signed_in, AGAIN, AGAIN, reason="for GOOD", since="", until="", destination="")
    assert done.headers["location"] == f"{AGAIN}?sent=2"
    assert "2 deliveries are sent again" in (await signed_in.api.get(done.headers["location"])).text
    await signed_in.deliver()
    assert len(await signed_in.sandbox.messages()) == 5
    assert await listed(signed_in) == ["delivered", "delivered"]


async def test_only_what_was_abandoned_in_the_time_is_sent_again(signed_in: World) -> None:
    await end(signed_in, "one", "erp", 410)
    signed_in.pass_time(2 * DAY)
    await sign_in(signed_in)
    assert "<strong>0</strong>" in (await signed_in.api.get(AGAIN)).text
    assert "<strong>1</strong>" in (await signed_in.api.get(AGAIN, params={"since": "2020-01-01T00:00"})).text
    done = await send(signed_in, AGAIN, AGAIN, since="2020-01-01T00:00")
    assert done.headers["location"].endswith("sent=1")


async def test_sending_again_needs_the_token_and_a_valid_time(signed_in: World) -> None:
    await end(signed_in, "one", "erp", 410)
    assert (await signed_in.api.post(AGAIN, data={"csrf": "guessed"})).status_code == 403
    refused = await send(signed_in, AGAIN, AGAIN, since="yesterday")
    assert refused.status_code == 422
    assert "?since" in refused.text
    assert await listed(signed_in) == ["abandoned"]


async def test_hostile_text_is_shown_as_text(signed_in: World) -> None:
    hostile = '"><script>alert(1)</script>'
    for path in (PATH, AGAIN):
        page = await signed_in.api.get(path, params={"destination": hostile, "reason": hostile})
        assert page.status_code == 200
        assert "<script>alert" not in page.text
