"""No secret and no participant's e-mail leaks: run through every path, then search all output and storage."""

import asyncio
import io
import json
import logging
import os
import socket
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from bridge import log
from bridge.client import Bridge, CallFailed, Destination, NotVerified, verify_callback
from bridge.destinations.callback_signing import derived_secret
from bridge.domain.times import DAY, MINUTE
from bridge.web.app import build
from tests.support.command_line import run_here
from tests.support.configuration import destination
from tests.support.plain_log import use_plain_log
from tests.support.push_messages import OTHER_PUSH_SECRET, PUSH_SECRET, push_body, send_push
from tests.support.world import (
    ADMIN_KEY,
    BOT_TOKEN,
    CLIENT_KEY,
    FERNET,
    OTHER_KEY,
    RALLY_KEY,
    SERVICE_SECRET,
    World,
    bearer,
    opened,
)

pytestmark = pytest.mark.anyio

EMAIL = "jane.participant@example.org"
PATH_TOKEN = "hook-path-token-9f3"
HEARTBEAT_TOKEN = "heartbeat-token-41c"
HEADER_VALUE = "header-value-77aa"
OWN_SECRET = "whsec_b3duLXNlY3JldC1vZi10aGUtY2FsbGJhY2shIQ=="
MISPLACED = "whsec_misplaced-where-no-secret-belongs"
SECRETS = (
    *(RALLY_KEY, CLIENT_KEY, OTHER_KEY, ADMIN_KEY, BOT_TOKEN, FERNET, SERVICE_SECRET, PATH_TOKEN, HEADER_VALUE),
    HEARTBEAT_TOKEN,
    *(OWN_SECRET, derived_secret(SERVICE_SECRET, "crm"), MISPLACED, PUSH_SECRET, OTHER_PUSH_SECRET),
)
RULES = """
[[rules]]
name = "uploads"
outcomes = "always"
notify = ["ops", {type = "slack", channel = "C0123ABCD"}]
"""


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Capture everything that is logged, as it would be printed."""
    root = logging.getLogger()
    before = (root.handlers, root.level)
    written = io.StringIO()
    log.configure("DEBUG", "api", written)
    yield written
    root.handlers, root.level = before
    use_plain_log()


@pytest.fixture
async def world(redis_url: str, sandbox_url: str) -> AsyncIterator[World]:
    named = destination("ops", "callback", f"{sandbox_url}/inbox/callbacks/ops?token={PATH_TOKEN}")
    allowed = f"{sandbox_url.removeprefix('http://')},127.0.0.1:1"
    changes = {
        "config": named + RULES,
        "RALLY_WEBHOOK_SECRETS": PUSH_SECRET,
        "OPERATOR_NOTIFY": "ops",
        "DELIVERY_SCHEDULE": "1s",
        "EGRESS_ALLOW": allowed,
        "OPERATOR_HEARTBEAT_URL": f"{sandbox_url}/inbox/callbacks/beat?token={HEARTBEAT_TOKEN}",
    }
    async with opened(redis_url, sandbox_url, **changes) as world:
        yield world


async def test_no_secret_and_no_email_is_logged_shown_or_stored_in_the_clear(
    world: World, lines: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    answers = [*await refused(world), *await pushed(world), *await ended_every_way(world)]
    page = (await world.sandbox.http.get("/inbox")).text
    await abandon_what_is_left(world)
    answers += await requested(world)
    async with served(world) as url:
        people = [*await printed_by_the_command_line(world, url), *await asyncio.to_thread(raised_in_scripts, url)]
    page += (await world.sandbox.http.get("/inbox")).text
    printed = "".join(capfd.readouterr())
    stored = await everything_in_redis(world)
    problems = [answer for answer in answers if "problem" in answer.headers.get("content-type", "")]
    internals = [repr(world.resources), repr(world.resources.settings), repr(world.resources.named), printed]

    assert len(lines.getvalue().splitlines()) > 50, "the log was searched"
    assert len(problems) >= 10
    for secret in SECRETS:
        for place, text in {
            "log": lines.getvalue(),
            "answers": "".join(f"{answer.text}{dict(answer.headers)}" for answer in answers),
            "redis": stored,
            "ours": "".join(internals),
            "people": "".join(people),
            "page": page,
        }.items():
            assert secret not in text, (place, secret)
            assert secret.removeprefix("whsec_") not in text, (place, secret)
    for place in (lines.getvalue(), stored, *internals, *(problem.text for problem in problems)):
        assert EMAIL not in place
    assert "j…@example.org" in page, "Slack's message shows it masked"


def notify(world: World) -> list[dict[str, Any]]:
    callback = world.sandbox.callback_url()
    return [
        {
            "type": "callback",
            "url": f"{callback}?t={PATH_TOKEN}",
            "secret": OWN_SECRET,
            "headers": {"X-K": HEADER_VALUE},
        },
        {"type": "slack_webhook", "url": f"{world.sandbox.url}/inbox/services/T000/B000/{PATH_TOKEN}"},
        {"type": "slack", "channel": "C0123ABCD"},
        {"type": "callback", "url": f"http://127.0.0.1:1/{PATH_TOKEN}"},
        {"type": "named", "name": "ops"},
    ]


async def refused(world: World) -> list[Any]:
    """Send secrets in wrong places."""
    wrong = [
        {"importId": 1, "colour": MISPLACED},
        {"importId": "imp", "notify": [{"type": MISPLACED}]},
        {"importId": "imp", "notify": [{"type": "callback", "url": f"ftp://u:{PATH_TOKEN}@x/"}]},
        {"importId": "imp", "notify": [{"type": "callback", "url": "https://x.example/", "secret": MISPLACED}]},
        {
            "importId": "imp",
            "notify": [{"type": "callback", "url": "https://x.example/", "headers": {"Host": MISPLACED}}],
        },
        {"importId": "imp", "notify": [{"type": "slack", "channel": BOT_TOKEN}]},
    ]
    return [
        *[await world.post("/v1/watches", json=body) for body in wrong],
        await world.api.get("/v1/watches", headers=bearer(MISPLACED)),
        await world.api.post("/v1/watches", content=PATH_TOKEN, headers=bearer(CLIENT_KEY)),
        await world.get("/v1/watches", cursor=MISPLACED),
        await world.post(
            "/v1/watches/batch", json={"watches": [*wrong, {"importId": "whole", "notify": notify(world)}]}
        ),
        await world.post("/v1/destinations/test", json={"destination": {"type": "callback", "url": MISPLACED}}),
        await world.post("/v1/deliveries/redeliver", json={"state": MISPLACED, "since": MISPLACED}),
        await world.get(f"/v1/watches/{MISPLACED}"),
        await world.get("/v1/watches/wat_1", wait=MISPLACED),
        await world.post(f"/v1/deliveries/{MISPLACED}/redeliver"),
    ]


async def pushed(world: World) -> list[Any]:
    """Push what a rule tells, and what is refused; everything contains an e-mail address."""
    records = [{"email": EMAIL}, {"personId": "p1", "email": EMAIL}]
    await world.sandbox.set_import("uploaded", ("COMPLETED", 0), failedRecords=records)
    unreadable = push_body("uploaded", importId={"secret": MISPLACED, "email": EMAIL})
    opted_out = push_body(_eventType="person.opted_out", email=EMAIL)
    answers = [
        await send_push(world.api, push_body("uploaded", failedRecords=records), message_id="msg_1"),
        await send_push(world.api, opted_out, message_id="msg_2"),
        await send_push(world.api, unreadable, message_id="msg_3"),
        await send_push(world.api, unreadable, secrets=[OTHER_PUSH_SECRET]),
        await send_push(world.api, unreadable, workspace="nowhere"),
    ]
    assert [answer.status_code for answer in answers] == [204, 204, 400, 400, 404]
    await world.apply_rules()
    await world.poll()
    world.pass_time(MINUTE)
    await world.open_gate()
    await world.deliver()
    told = [message["body"] for message in await world.sandbox.messages(kind="slack")]
    assert any("uploaded" in body for body in told)
    return answers


async def ended_every_way(world: World) -> list[Any]:
    """Let imports complete, complete with failures and fail, with every fault of Rally and of the receivers."""
    records = [{"email": EMAIL}, {"personId": "p1", "email": EMAIL}]
    answers = []
    await world.sandbox.set_import("whole", ("COMPLETED", 0))
    await world.sandbox.set_import("partly", ("COMPLETED", 0), failedRecords=records * 60)
    await world.sandbox.set_import("not", ("ERROR", 0))
    for status in (401, 403, 429, 500):
        await world.sandbox.faults(status=status)
    await world.sandbox.set_answers(
        "crm", {"status": 500, "body": "sorry"}, {"status": 302, "headers": {"location": "/x"}}
    )
    for import_id in ("whole", "partly", "not", "absent"):
        wish = {"importId": import_id, "notify": notify(world), "label": EMAIL}
        answers.append(await world.post("/v1/watches", json=wish))
        for label in ("first", "first", "another"):  # created, replayed, refused
            wish["label"] = label
            answers.append(
                await world.post("/v1/watches", json=wish, **{"Idempotency-Key": f"{import_id}-{PATH_TOKEN}"})
            )
    assert [answer.status_code for answer in answers].count(202) == 12
    for _ in range(12):
        world.pass_time(MINUTE)
        await world.poll()
        await world.deliver()
        await world.sweep()
    return answers


async def abandon_what_is_left(world: World) -> None:
    """Let every watch and delivery end by its age."""
    world.pass_time(4 * DAY)
    for _ in range(5):
        world.pass_time(MINUTE)
        await world.sweep()
        await world.deliver()


async def requested(world: World) -> list[Any]:
    """Request everything that the API shows; a watch is shown to its owner, including e-mails."""
    watches = (await world.get("/v1/watches")).json()["data"]
    deliveries = [each for watch in watches for each in watch["deliveries"]]
    assert {each["state"] for each in deliveries} >= {"delivered", "abandoned"}
    partly = next(each["id"] for each in watches if each["importId"] == "partly")
    for path in ("failed-records", "failed-records.csv"):
        assert EMAIL in (await world.get(f"/v1/watches/{partly}/{path}")).text  # its owner may see them
    return [
        *[await world.get(f"/v1/deliveries/{each['id']}") for each in deliveries],
        *[await world.get(f"/v1/watches/{each['id']}/events") for each in watches],
        *[await world.get(f"/v1/watches/{each['id']}/history") for each in watches],
        await world.get(f"/v1/watches/{watches[0]['id']}", wait=1),
        await world.post(f"/v1/watches/{watches[0]['id']}/cancel"),
        await world.get("/v1/signing-keys"),
        await world.get("/v1/deliveries", key=ADMIN_KEY),
        await world.post(f"/v1/deliveries/{deliveries[0]['id']}/redeliver"),
        *[await world.post("/v1/destinations/test", json={"destination": each}) for each in notify(world)],
        await world.post("/v1/deliveries/redeliver", json={"state": "abandoned", "since": "2026-01-01T00:00:00Z"}),
        await world.api.get("/openapi.json"),
        await world.api.get("/docs"),
        await world.api.get("/readyz"),
        await world.api.get("/healthz"),
        await world.api.get("/metrics"),
    ]


async def everything_in_redis(world: World) -> str:
    reading: dict[str, tuple[str, tuple[int, ...]]] = {
        "string": ("GET", ()),
        "hash": ("HGETALL", ()),
        "list": ("LRANGE", (0, -1)),
        "set": ("SMEMBERS", ()),
        "zset": ("ZRANGE", (0, -1)),
    }
    call = world.resources.store.call
    found: dict[str, Any] = {}
    for key in await call("KEYS", "*"):
        kind = await call("TYPE", key)
        if kind == "none":
            continue  # it has expired meanwhile, such as what /readyz writes
        command, whole = reading[kind]
        found[key] = "" if key.startswith("arq:") else await call(command, key, *whole)
    return json.dumps(found, default=list)


@asynccontextmanager
async def served(world: World) -> AsyncIterator[str]:
    """Serve the API on its own port, for clients in other processes."""
    server = uvicorn.Server(uvicorn.Config(build(world.resources), log_config=None, lifespan="off", ws="none"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = asyncio.create_task(server.serve([listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


async def printed_by_the_command_line(world: World, url: str) -> list[str]:
    """Request the same on the command line, with and without errors; return all output."""
    watch = (await world.get("/v1/watches", limit=1)).json()["data"][0]
    delivery = watch["deliveries"][0]["id"]
    commands: list[tuple[list[str], str]] = [
        *[(arguments, CLIENT_KEY) for arguments in (["list"], ["show", watch["id"]], ["show", delivery, "--json"])],
        (["redeliver", "--since", "2026-01-01"], CLIENT_KEY),
        (["watch", "x", "--callback", f"ftp://u:{PATH_TOKEN}@x/{HEADER_VALUE}"], CLIENT_KEY),
        (["watch", "x", "--slack-webhook", f"https://hooks.slack.com/triggers/T/{PATH_TOKEN}"], CLIENT_KEY),
        (["watch", "x", "--slack", BOT_TOKEN], CLIENT_KEY),
        (["list"], MISPLACED),
        (["list", "--url", f"{url}x"], CLIENT_KEY),
    ]
    printed = [await terminal(url, key, *arguments) for arguments, key in commands]
    assert all(printed)
    return printed


async def terminal(url: str, key: str, *arguments: str) -> str:
    env = {"PATH": os.environ["PATH"], "RALLY_BRIDGE_URL": url, "RALLY_BRIDGE_KEY": key, "COLUMNS": "200"}
    ran = await asyncio.to_thread(run_here, *arguments, env=env, cwd=Path.cwd())
    return ran.stdout + ran.stderr


def raised_in_scripts(url: str) -> list[str]:
    """Call the client library with errors; return the exceptions as a script would print them."""
    wrong: list[Destination] = [
        {"type": "callback", "url": f"http://10.0.0.1/{PATH_TOKEN}", "headers": {"Host": HEADER_VALUE}}
    ]
    headers = {"webhook-id": "a", "webhook-timestamp": "1"}
    with (
        Bridge(url, CLIENT_KEY) as bridge,
        Bridge(url, MISPLACED) as nobodys,
        Bridge("http://127.0.0.1:1", CLIENT_KEY, patience=0) as nowhere,
    ):
        calls = (
            lambda: bridge.watch("x", notify=wrong),
            lambda: nobodys.watch("x"),
            lambda: nowhere.watch("x", notify=wrong),
            lambda: bridge.redeliver("dlv_none"),
            lambda: verify_callback("{}", headers, OWN_SECRET),
            lambda: verify_callback("{}", headers, MISPLACED),
        )
        return [repr(bridge), repr(next(iter(bridge.list())).deliveries), *map(exception_of, calls)]


def exception_of(call: Callable[[], object]) -> str:
    with pytest.raises((CallFailed, NotVerified)) as caught:
        call()
    printed = traceback.format_exception(caught.value)
    return "".join([*printed, repr(caught.value), repr(getattr(caught.value, "problem", ""))])
