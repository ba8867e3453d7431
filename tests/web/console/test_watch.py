"""The page of one watch: what it shows, and what can be done there."""

import re
from html import unescape

import pytest

from tests.support.console import send
from tests.support.world import CLIENT_KEY, OTHER_KEY, World, bearer

pytestmark = pytest.mark.anyio

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>'


def page_of(watch: dict[str, str]) -> str:
    return f"/console/watches/{watch['id']}"


async def text(world: World, path: str) -> str:
    """Return the words of a page, without its markup."""
    page = await world.api.get(path)
    assert page.status_code == 200, page.text
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text))


async def test_it_shows_the_import_and_each_attempt_of_its_deliveries(signed_in: World) -> None:
    await signed_in.sandbox.set_import("imp", ("COMPLETED", 0), people=245, failed=3)
    await signed_in.sandbox.set_answers("crm", {"status": 500, "body": "out of paper"})
    notify = [{"type": "callback", "url": signed_in.sandbox.callback_url()}]
    watch = await signed_in.watch(label="Q4 panel", metadata={"ticket": "RES-12"}, notify=notify)
    await signed_in.poll()
    await signed_in.deliver()

    shown = await text(signed_in, page_of(watch))
    for each in ("Q4 panel", "RES-12", "completed with failures", "COMPLETED", "245", "pending", "500", "out of paper"):
        assert each in shown, each
    csv = await signed_in.api.get(f"{page_of(watch)}/failed-records.csv")
    assert csv.headers["content-disposition"].startswith("attachment")
    assert len(csv.text.splitlines()) == 4


async def test_it_shows_no_address_of_a_participant(signed_in: World) -> None:
    await signed_in.sandbox.set_import("imp", ("COMPLETED", 0), failed=3)
    watch = await signed_in.watch()
    await signed_in.poll()
    assert "@" not in await text(signed_in, page_of(watch))


async def test_an_open_watch_is_cancelled(signed_in: World) -> None:
    watch = await signed_in.watch()
    done = await send(signed_in, page_of(watch), f"{page_of(watch)}/cancel")
    assert done.headers["location"] == f"{page_of(watch)}?done=cancelled"
    assert "The watch was cancelled." in await text(signed_in, done.headers["location"])
    assert (await signed_in.reload(watch))["state"] == "cancelled"


async def test_a_settled_watch_is_not_cancelled(signed_in: World) -> None:
    watch = await signed_in.watch()
    shown = page_of(await signed_in.watch("other"))
    await signed_in.sandbox.set_import("imp", ("COMPLETED", 0))
    await signed_in.poll()
    refused = await send(signed_in, shown, f"{page_of(watch)}/cancel")
    assert refused.status_code == 409
    assert (await signed_in.reload(watch))["state"] == "settled"


async def test_a_delivery_is_sent_again(signed_in: World) -> None:
    await signed_in.sandbox.set_import("imp", ("COMPLETED", 0))
    watch = await signed_in.watch(notify=[{"type": "callback", "url": signed_in.sandbox.callback_url()}])
    await signed_in.poll()
    await signed_in.deliver()
    (delivery,) = (await signed_in.reload(watch))["deliveries"]

    done = await send(signed_in, page_of(watch), f"/console/deliveries/{delivery['id']}/redeliver")
    assert done.headers["location"] == f"{page_of(watch)}?done=redelivered"
    await signed_in.deliver()
    assert len(await signed_in.sandbox.messages()) == 2


async def test_the_watch_and_the_delivery_of_another_client_are_not_found(signed_in: World) -> None:
    await signed_in.sandbox.set_import("imp", ("COMPLETED", 0))
    notify = [{"type": "callback", "url": signed_in.sandbox.callback_url()}]
    theirs = await signed_in.watch(key=OTHER_KEY, notify=notify)
    own = page_of(await signed_in.watch("open"))
    open_one = await signed_in.watch("open", key=OTHER_KEY)
    await signed_in.poll()
    await signed_in.deliver()
    document = (await signed_in.get(f"/v1/watches/{theirs['id']}", key=OTHER_KEY)).json()

    assert (await signed_in.api.get(page_of(theirs))).status_code == 404
    assert (await signed_in.api.get(f"{page_of(theirs)}/failed-records.csv")).status_code == 404
    assert (await send(signed_in, own, f"{page_of(open_one)}/cancel")).status_code == 404
    redelivery = f"/console/deliveries/{document['deliveries'][0]['id']}/redeliver"
    assert (await send(signed_in, own, redelivery)).status_code == 404
    assert len(await signed_in.sandbox.messages()) == 1


@pytest.mark.parametrize("path", ["/console/watches/wat_none", "/console/watches/..%2f..%2fv1", "/console/watches/<b>"])
async def test_an_unknown_watch_is_not_found(signed_in: World, path: str) -> None:
    answer = await signed_in.api.get(path)
    assert answer.status_code == 404
    assert "<b>" not in answer.text


async def test_actions_need_the_token_and_a_session(signed_in: World) -> None:
    watch = await signed_in.watch()
    for path in (f"{page_of(watch)}/cancel", "/console/deliveries/dlv_1/redeliver"):
        assert (await signed_in.api.post(path, data={"csrf": "guessed"})).status_code == 403
        assert (await signed_in.api.get(path)).status_code == 405
    signed_in.api.cookies.clear()
    assert (await signed_in.api.post(f"{page_of(watch)}/cancel", data={})).headers["location"] == "/console/sign-in"
    assert (await signed_in.api.get(page_of(watch))).status_code == 303
    assert (await signed_in.reload(watch))["state"] == "watching"


async def test_hostile_text_is_shown_as_text(as_admin: World) -> None:
    await as_admin.sandbox.set_import("imp", (HOSTILE, 0))
    await as_admin.sandbox.set_answers("crm", {"status": 400, "body": HOSTILE})
    notify = [{"type": "callback", "url": f"{as_admin.sandbox.callback_url()}?<script>=1"}]
    body = {"importId": "imp", "label": HOSTILE, "metadata": {HOSTILE: HOSTILE}, "notify": notify, "expiresIn": 1}
    watch = (await as_admin.api.post("/v1/watches", json=body, headers=bearer(CLIENT_KEY))).json()
    await as_admin.poll()
    as_admin.pass_time(60_000)
    await as_admin.sweep()
    await as_admin.poll()
    await as_admin.sweep()
    await as_admin.deliver()

    page = await as_admin.api.get(page_of(watch))
    assert page.text.count("&lt;script&gt;alert(1)") >= 4
    assert "<script>alert" not in page.text
    assert "<img" not in page.text


async def test_an_open_watch_says_what_it_waits_for(signed_in: World) -> None:
    watch = await signed_in.watch()
    document = await signed_in.reload(watch)
    assert f"Waits: {document['waitingFor']['detail']}" in (await text(signed_in, page_of(watch))).replace("&#39;", "'")


async def test_it_tells_what_happened_and_what_to_do(signed_in: World) -> None:
    await signed_in.sandbox.set_import("imp", ("COMPLETED", 0))
    await signed_in.sandbox.set_answers("crm", {"status": 410})
    watch = await signed_in.watch(notify=[{"type": "callback", "url": signed_in.sandbox.callback_url()}])
    await signed_in.poll()
    await signed_in.deliver()

    history = (await signed_in.get(f"/v1/watches/{watch['id']}/history")).json()
    shown = unescape(await text(signed_in, page_of(watch))).replace(" .", ".")
    assert history["summary"] in shown
    assert history["advice"]
    for sentence in (*history["advice"], *(each["text"] for each in history["data"])):
        assert re.sub(r"\s+", " ", sentence.replace("`", " ")).replace(" .", ".") in shown
