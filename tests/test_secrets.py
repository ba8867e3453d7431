"""No secret and no participant's e-mail leaves by the side: one run through every path, then a search of everything."""

import io
import json
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import structlog
from world import ADMIN_KEY, BOT_TOKEN, CLIENT_KEY, FERNET, OTHER_KEY, RALLY_KEY, SERVICE_SECRET, World, bearer, opened

from bridge import log
from bridge.destinations.signatures import derived_secret
from bridge.domain.times import DAY, MINUTE

pytestmark = pytest.mark.anyio

EMAIL = "jane.participant@example.org"
PATH_TOKEN = "hook-path-token-9f3"
HEADER_VALUE = "header-value-77aa"
OWN_SECRET = "whsec_b3duLXNlY3JldC1vZi10aGUtY2FsbGJhY2shIQ=="
MISPLACED = "whsec_misplaced-where-no-secret-belongs"
SECRETS = (
    *(RALLY_KEY, CLIENT_KEY, OTHER_KEY, ADMIN_KEY, BOT_TOKEN, FERNET, SERVICE_SECRET, PATH_TOKEN, HEADER_VALUE),
    *(OWN_SECRET, derived_secret(SERVICE_SECRET, "crm"), MISPLACED),
)


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Give what is logged, all of it, as it would be printed."""
    root = logging.getLogger()
    before = (root.handlers, root.level)
    written = io.StringIO()
    log.configure("DEBUG", written)
    yield written
    root.handlers, root.level = before
    structlog.reset_defaults()


@pytest.fixture
async def world(redis_url: str, sandbox_url: str) -> AsyncIterator[World]:
    named = f"ops=callback:{sandbox_url}/inbox/callbacks/ops?token={PATH_TOKEN}"
    allowed = f"{sandbox_url.removeprefix('http://')},127.0.0.1:1"
    changes = {
        "NAMED_DESTINATIONS": named,
        "OPERATOR_NOTIFY": "ops",
        "DELIVERY_SCHEDULE": "1s",
        "EGRESS_ALLOW": allowed,
    }
    async with opened(redis_url, sandbox_url, **changes) as world:
        yield world


async def test_no_secret_and_no_email_is_anywhere_where_it_has_no_business(
    world: World, lines: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    answers = [*await refused(world), *await ended_every_way(world), *await asked_about(world)]
    page = (await world.sandbox.http.get("/inbox")).text
    printed = "".join(capfd.readouterr())
    stored = await everything_in_redis(world)
    problems = [answer for answer in answers if "problem" in answer.headers.get("content-type", "")]
    ours = [repr(world.resources), repr(world.resources.settings), repr(world.resources.named), printed]

    assert len(lines.getvalue().splitlines()) > 50, "the log was searched"
    assert len(problems) >= 6
    for secret in SECRETS:
        for place, text in {
            "log": lines.getvalue(),
            "answers": "".join(f"{answer.text}{dict(answer.headers)}" for answer in answers),
            "redis": stored,
            "ours": "".join(ours),
            "page": page,
        }.items():
            assert secret not in text, (place, secret)
            assert secret.removeprefix("whsec_") not in text, (place, secret)
    for place in (lines.getvalue(), stored, *ours, *(problem.text for problem in problems)):
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
    """Put secrets where they do not belong."""
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
    ]


async def ended_every_way(world: World) -> list[Any]:
    """Have imports end well, with failures and badly, through every fault of Rally's and of the receivers'."""
    records = [{"email": EMAIL}, {"personId": "p1", "email": EMAIL}]
    answers = []
    await world.sandbox.tell("whole", ("COMPLETED", 0))
    await world.sandbox.tell("partly", ("COMPLETED", 0), failedRecords=records)
    await world.sandbox.tell("not", ("ERROR", 0))
    for status in (401, 403, 429, 500):
        await world.sandbox.faults(status=status)
    await world.sandbox.plan("crm", {"status": 500, "body": "sorry"}, {"status": 302, "headers": {"location": "/x"}})
    for import_id in ("whole", "partly", "not", "absent"):
        wish = {"importId": import_id, "notify": notify(world), "label": EMAIL}
        answers.append(await world.post("/v1/watches", json=wish))
    for _ in range(12):
        world.pass_time(MINUTE)
        await world.poll()
        await world.deliver()
        await world.sweep()
    world.pass_time(4 * DAY)
    for _ in range(3):
        await world.sweep()
        await world.deliver()
    return [answer for answer in answers if answer.status_code != 202]


async def asked_about(world: World) -> list[Any]:
    """Ask for everything that can be asked for; what a watch holds is shown to its owner, e-mails included."""
    watches = (await world.get("/v1/watches")).json()["data"]
    deliveries = [each for watch in watches for each in watch["deliveries"]]
    assert {each["state"] for each in deliveries} >= {"delivered", "abandoned"}
    return [
        *[await world.get(f"/v1/deliveries/{each['id']}") for each in deliveries],
        await world.get("/v1/deliveries", key=ADMIN_KEY),
        await world.post(f"/v1/deliveries/{deliveries[0]['id']}/redeliver"),
        *[await world.post("/v1/destinations/test", json={"destination": each}) for each in notify(world)],
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
        command, whole = reading[await call("TYPE", key)]
        found[key] = "" if key.startswith("arq:") else await call(command, key, *whole)
    return json.dumps(found, default=list)
