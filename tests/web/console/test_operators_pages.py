"""The pages of destinations, rules, workspaces and workers."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from bridge.domain.clients import DIGEST_PREFIX, digest
from bridge.domain.heartbeats import Load, ProcessInfo
from bridge.domain.polling.budget import Budget
from bridge.domain.rules.rules import RuleResult
from bridge.domain.runbook import Section
from bridge.domain.times import MINUTE
from bridge.store.deliveries.lanes import LaneState
from bridge.store.pushes.push_health import PushHealth
from bridge.store.pushes.pushes import PushCounts
from bridge.web.console.destinations import destination_view
from bridge.web.console.rules import RESULTS
from bridge.web.console.workspaces import troubles_of
from tests.support.console import send, sign_in
from tests.support.push_messages import PUSH_SECRET, push_body, send_push
from tests.support.samples import DELIVERY, NOW, only
from tests.support.world import ADMIN_KEY, OTHER_KEY, World, opened

pytestmark = pytest.mark.anyio

OF_ADMINS = ("/console/rules", "/console/workspaces", "/console/workers")
LAB_KEY = "rbk_lab-key-of-the-tests"
CONFIG = """
[destinations]
research-ops = {type = "slack", channel = "C0RESEARCH"}
[clients.lab]
keys = ["DIGEST"]
named = []
[[rules]]
name = "csv"
types = ["CSV"]
outcomes = "always"
mode = "digest"
notify = [{type = "slack", channel = "C0123ABCD"}]
digest = {every = "30m"}
""".replace("DIGEST", f"{DIGEST_PREFIX}{digest(LAB_KEY).hex()}")


@pytest.fixture
async def configured(redis_url: str, sandbox_url: str) -> AsyncIterator[World]:
    """A world with a named destination and a rule, in which an admin is signed in."""
    async with opened(redis_url, sandbox_url, CONFIG, RALLY_WEBHOOK_SECRETS=PUSH_SECRET) as world:
        await sign_in(world, ADMIN_KEY)
        yield world


async def words(world: World, path: str) -> str:
    page = await world.api.get(path)
    assert page.status_code == 200, page.text
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text))


@pytest.mark.parametrize("path", OF_ADMINS)
async def test_other_clients_have_no_pages_of_operators(signed_in: World, path: str) -> None:
    assert (await signed_in.api.get(path)).status_code == 404
    assert path not in (await signed_in.api.get("/console/watches")).text


@pytest.mark.parametrize("path", [*OF_ADMINS, "/console/destinations", "/console/watches/new"])
async def test_each_page_needs_a_session(world: World, path: str) -> None:
    assert (await world.api.get(path)).headers["location"] == f"/console/sign-in?next={path}"


async def test_workers_are_listed_and_a_missing_one_is_named(as_admin: World) -> None:
    assert "No worker is alive" in await words(as_admin, "/console/workers")
    gone = ProcessInfo(id="wrk_gone", host="<b>old</b>", version="0.1.0", started_at=0)
    await as_admin.resources.heartbeats.send(gone)
    as_admin.pass_time(MINUTE)
    load = Load(polls=12, poll_places=90, deliveries=3, delivery_places=50)
    await as_admin.resources.heartbeats.send(ProcessInfo(id="wrk_1", host="new", version="0.1.0", started_at=1), load)
    await as_admin.resources.api_heartbeats.send(ProcessInfo(id="api_1", host="front", version="0.1.0", started_at=1))

    page = await as_admin.api.get("/console/workers")
    assert "&lt;b&gt;old" in page.text
    shown = await words(as_admin, "/console/workers")
    assert "No worker is alive" not in shown
    assert "new alive 12 of 90 polls, 3 of 50 messages" in shown
    assert "front alive" in shown
    assert "missing" in shown


async def test_a_workspace_shows_its_limit_and_who_spends_it(as_admin: World) -> None:
    await as_admin.sandbox.set_import("imp", ("UPLOADING", 0))
    await as_admin.watch()
    await as_admin.poll()
    shown = await words(as_admin, "/console/workspaces")
    assert re.search(r"default polling", shown)
    assert re.search(r"Open imports 1 ", shown)
    assert re.search(r"\d+ of \d+ calls are ours", shown)
    assert "no webhook secret is configured" in shown


async def test_a_workspace_whose_key_is_refused_needs_attention(as_admin: World) -> None:
    await as_admin.sandbox.faults(status=401)
    await as_admin.watch()
    await as_admin.poll()
    shown = await words(as_admin, "/console/workspaces")
    assert "needs attention" in shown
    assert "Rally refuses the API key; it began" in shown
    assert "What to do" in shown


@pytest.mark.parametrize(
    ("budget", "text", "section"),
    [
        (Budget(key_refused_since=NOW), "Rally refuses the API key", Section.KEY_REFUSED),
        (Budget(vanished_since=NOW), "Rally shows none of our imports any more", Section.IMPORTS_VANISHED),
        (Budget(breaker_open_since=NOW), "Rally gives no usable answers", Section.RALLY_DOWN),
        (
            Budget(limit=30, not_before=NOW + MINUTE, over_limit_since=NOW),
            "another program uses the rest",
            Section.LIMIT_USED_UP,
        ),
    ],
)
def test_a_trouble_of_a_workspace_says_its_cause_and_where_its_remedy_is(
    budget: Budget, text: str, section: Section
) -> None:
    (trouble,) = troubles_of(budget, PushHealth(counts=PushCounts(), proofs={}), NOW)

    assert text in trouble.text
    assert trouble.section is section


async def test_a_rule_shows_what_became_of_its_pushes(configured: World) -> None:
    assert "No push that it covers has come yet" in await words(configured, "/console/rules")
    await configured.sandbox.set_import("imp", ("COMPLETED", 0))
    await send_push(configured.api, push_body("imp"))
    await configured.apply_rules()
    await configured.poll()
    configured.pass_time(MINUTE)
    await configured.open_gate()

    shown = await words(configured, "/console/rules")
    for each in (
        "csv",
        "CSV in every workspace",
        "always",
        "#C0123ABCD",
        "one message 30m after",
        "a watch was made 1",
    ):
        assert each in shown, each
    assert "1 import waits, to be sent" in shown
    assert "none has come yet" not in await words(configured, "/console/workspaces")


async def test_a_destination_shows_how_its_last_deliveries_went(signed_in: World) -> None:
    await signed_in.sandbox.set_import("imp", ("COMPLETED", 0))
    await signed_in.sandbox.set_answers("crm", {"status": 410}, {"status": 204})
    for _ in range(2):
        await signed_in.watch(notify=[{"type": "callback", "url": signed_in.sandbox.callback_url()}])
        await signed_in.poll()
        await signed_in.sweep()
        await signed_in.deliver()
    await signed_in.watch(key=OTHER_KEY, notify=[{"type": "slack", "channel": "C0SECRET"}])
    await signed_in.sweep()

    shown = await words(signed_in, "/console/destinations")
    assert "1 delivered, 1 abandoned" in shown
    assert "HTTP 410" in shown
    assert "C0SECRET" not in shown


def test_a_destination_whose_message_is_tried_again_has_a_last_failure() -> None:
    tried = replace(DELIVERY, failures=1, attempts=1, last_reason="HTTP 500", scheduled_at=NOW + MINUTE)

    view = destination_view([tried], "3f9a1c2e", LaneState(waiting=1, failing=True, paused_until=None))

    assert (view.last_failure, view.reason) == (NOW + MINUTE, "HTTP 500")


async def test_a_named_destination_is_tested(configured: World) -> None:
    page = "/console/destinations"
    done = await send(configured, page, f"{page}/test", name="research-ops")
    assert "The test message to research-ops was accepted." in done.text
    assert len(await configured.sandbox.messages()) == 1
    assert (await send(configured, page, f"{page}/test", name="other")).status_code == 404
    refused = await configured.api.post(f"{page}/test", data={"csrf": "guessed", "name": "research-ops"})
    assert refused.status_code == 403
    assert len(await configured.sandbox.messages()) == 1


async def test_a_client_neither_sees_nor_tests_a_name_that_it_may_not_use(configured: World) -> None:
    configured.api.cookies.clear()
    await sign_in(configured, LAB_KEY)
    page = "/console/destinations"
    assert "research-ops" not in await words(configured, page)
    assert (await send(configured, page, f"{page}/test", name="research-ops")).status_code == 404


async def ended(world: World, **wish: Any) -> str:
    """Deliver the end of an import to a callback, and return the id of the delivery."""
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    watch = await world.watch(notify=[{"type": "callback", "url": world.sandbox.callback_url()}], **wish)
    await world.poll()
    await world.sweep()
    await world.deliver()
    document = (await world.get(f"/v1/watches/{watch['id']}", key=ADMIN_KEY)).json()
    delivery_id: str = only(document["deliveries"])["id"]
    return delivery_id


async def test_the_destination_of_a_delivery_is_tested_by_its_owner(signed_in: World) -> None:
    delivery_id, page = await ended(signed_in), "/console/destinations"
    assert f'value="{delivery_id}"' in (await signed_in.api.get(page)).text
    done = await send(signed_in, page, f"{page}/test", delivery=delivery_id)
    assert re.search(r"The test message to \S+ was accepted", done.text)
    assert [each["verified"] for each in await signed_in.sandbox.messages()] == [True, True]


async def test_an_admin_tests_the_destination_of_a_client_with_the_secrets_of_the_client(as_admin: World) -> None:
    delivery_id, page = await ended(as_admin), "/console/destinations"
    await send(as_admin, page, f"{page}/test", delivery=delivery_id)
    assert [each["verified"] for each in await as_admin.sandbox.messages()] == [True, True]


async def test_the_destination_of_another_client_is_not_tested(signed_in: World) -> None:
    delivery_id, page = await ended(signed_in, key=OTHER_KEY), "/console/destinations"
    sent = len(await signed_in.sandbox.messages())

    assert (await send(signed_in, page, f"{page}/test", delivery=delivery_id)).status_code == 404
    assert len(await signed_in.sandbox.messages()) == sent


def test_each_result_of_a_rule_has_words() -> None:
    assert RESULTS.keys() == set(RuleResult)
