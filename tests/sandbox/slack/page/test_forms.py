"""The forms of the inbox page, and what the page shows of the simulated Slack."""

from collections.abc import AsyncIterator

import pytest

from tests.support.samples import only
from tests.support.sandbox_slack import BUTTONS, HERE, SECTION, SIGNING_SECRET, SlackOverHttp, slack_over_http

pytestmark = pytest.mark.anyio


@pytest.fixture
async def app() -> AsyncIterator[SlackOverHttp]:
    """A Slack whose app can't be reached."""
    async with slack_over_http(bridge_url="http://127.0.0.1:1", slack_signing_secret=SIGNING_SECRET) as served:
        yield served


async def test_a_message_is_posted_as_the_person_that_the_reader_acts_as(app: SlackOverHttp) -> None:
    form = {"as": "U0BEN", "in": HERE, "channel": HERE, "text": "hello"}
    answer = await app.http.post("/inbox/slack/messages", data=form)

    assert (answer.status_code, answer.headers["location"]) == (303, "/inbox?in=C0PANELS&as=U0BEN")
    assert only((await app.state())["messages"])["author"] == "U0BEN"


async def test_a_command_that_does_not_reach_the_bridge_says_so(app: SlackOverHttp) -> None:
    await app.http.post("/inbox/slack/messages", data={"channel": HERE, "text": "/rally help"})

    assert "/rally failed with the error “dispatch_failed”." in await app.page()


@pytest.mark.parametrize("form", ["messages", "buttons", "shortcuts", "modals/V0"])
async def test_a_form_about_something_that_is_gone_changes_nothing(app: SlackOverHttp, form: str) -> None:
    answer = await app.http.post(f"/inbox/slack/{form}", data={"channel": "none", "ts": "1.0", "text": "x"})

    assert (answer.status_code, answer.headers["location"]) == (303, "/inbox")
    assert (await app.state())["messages"] == []


@pytest.mark.parametrize("page", ["https://evil.example", "null"])
async def test_no_other_page_may_send_a_form(app: SlackOverHttp, page: str) -> None:
    form = {"channel": HERE, "text": "x"}
    assert (await app.http.post("/inbox/slack/messages", data=form, headers={"Origin": page})).status_code == 403
    own = await app.http.post("/inbox/slack/messages", data=form, headers={"Origin": "http://127.0.0.1:8081"})
    assert own.status_code == 303


async def test_the_page_shows_threads_broadcasts_edits_and_buttons(served: SlackOverHttp) -> None:
    parent = await served.call("chat.postMessage", channel=HERE, text="still importing", blocks=[SECTION, BUTTONS])
    await served.call("chat.update", channel=HERE, ts=parent["ts"], text="1,240 people so far", blocks=[SECTION])
    for text, broadcast in (("quiet end", False), ("loud end", True)):
        more = {"thread_ts": parent["ts"], "reply_broadcast": broadcast}
        await served.call("chat.postMessage", channel=HERE, text=text, **more)

    page = await served.page()
    assert page.count("<article") == 2
    assert (page.count("quiet end"), page.count("loud end")) == (1, 2)
    assert "2 replies" in page
    assert "edited once" in page
    assert "also sent to the channel" in page
    assert 'name="action" value="stop"' not in page


async def test_each_channel_has_a_page_of_its_own(served: SlackOverHttp) -> None:
    await served.call("chat.postMessage", channel=HERE, text="in panels")
    await served.call("chat.postMessage", channel="C0OTHER99", text="in another")
    await served.http.post("/inbox/services/T/B/SECRET", json={"text": "by webhook"})
    await served.http.post("/inbox/services/T/B/SECRET", json={})

    other = await served.page(**{"in": "C0OTHER99"})
    assert ("in panels" in other, "in another" in other, "by webhook" in other) == (False, True, False)
    assert "no_text" in await served.page(**{"in": "refused"})
    assert "SECRET" not in await served.page()


async def test_mentions_are_shown_by_name(served: SlackOverHttp) -> None:
    await served.call("chat.postMessage", channel=HERE, text="<@U0ALICE> in <#C0PANELS> and <@U0OTHER>")

    page = await served.page()
    assert "<mark>@Alice</mark> in <mark>#panels</mark> and <mark>@U0OTHER</mark>" in page


async def test_what_one_person_sees_is_not_on_the_page_of_another(served: SlackOverHttp) -> None:
    await served.call("chat.postEphemeral", channel=HERE, user="U0ALICE", text="for Alice")

    assert "Only visible to you" in await served.page()
    assert "for Alice" not in await served.page(**{"as": "U0BEN"})


async def test_without_a_client_the_page_says_how_to_add_one() -> None:
    async with slack_over_http(bridge_url="http://127.0.0.1:1", bridge_key="key") as bridge:
        assert "[clients.slack]" in await bridge.page()


async def test_without_an_app_there_is_no_box_for_commands(served: SlackOverHttp, app: SlackOverHttp) -> None:
    assert "/inbox/slack/messages" not in await served.page()
    assert "/inbox/slack/messages" in await app.page()
