"""Redaction: secrets of a destination that its receiver repeats are neither recorded nor shown."""

import html
import io
import json
import logging
from base64 import b64encode
from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest

from bridge import log
from bridge.destinations import Sender
from bridge.destinations.callback_signing import Signing
from bridge.destinations.egress.client import Egress
from bridge.destinations.redaction import redact
from bridge.destinations.sending import JudgedResult, send
from bridge.destinations.slack.bot import SlackBot
from bridge.domain.delivery.verdicts import Rejected
from bridge.domain.destinations import Callback, ResolvedDestination, SlackChannel, SlackWebhook
from bridge.domain.secret import Secret
from tests.support.configuration import destination
from tests.support.plain_log import use_plain_log
from tests.support.receivers import receiving, says
from tests.support.samples import only
from tests.support.world import ADMIN_KEY, CLIENT_KEY, SECRET, World, bearer, opened

PATH = "/hooks/Zm9vYmFyYmF6/a=b&c"
CALLBACK = Callback(
    url=Secret(f"https://crm.example{PATH}?key=q%2Fery-Value-1&s=x9y8&v=2"),
    headers={
        "X-Api-Key": Secret("header<value>1"),
        "Authorization": Secret("Basic " + b64encode(b"joe:pass").decode()),
    },
    secret=Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
)
WEBHOOK = SlackWebhook(url=Secret("https://hooks.slack.com/services/T000/B000/XXXXyyyyZZZZ"))
BOT = SlackBot(token=Secret("xoxb-123-Secret-token"), api_url="https://slack.com/api")


def struck(text: str, address: ResolvedDestination = CALLBACK) -> str:
    return redact(text, address, BOT)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"Cannot POST {PATH}", "Cannot POST •••"),
        (f"<pre>Cannot POST {html.escape(PATH)}</pre>", "<pre>Cannot POST •••</pre>"),
        (f"at {html.escape(PATH).replace('/', '&#x2F;')}.", "at •••."),
        (f"at {quote(PATH, safe='')}.", "at •••."),
        (f"at {quote(PATH, safe='').lower()}.", "at •••."),
        (f"at {quote(quote(PATH, safe=''), safe='')}.", "at •••."),
        (json.dumps({"path": PATH}).replace("/", "\\/"), '{"path": "•••"}'),
        (PATH.upper(), "•••"),
        ("no hook Zm9vYmFyYmF6!", "no hook •••!"),
        ("cut Zm9vYmFyYm…", "cut •••…"),
        ("cut …vYmFyYmF6", "cut …•••"),
        ("query q/ery-Value-1, q%2Fery-Value-1", "query •••, •••"),
        ("short x9y8, and x9y80 is another", "short •••, and x9y80 is another"),
        ("header header<value>1 header&lt;value&gt;1", "header ••• •••"),
        ("for joe:pass", "for •••"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "•••"),
        ("v 2 is not found; try later", "v 2 is not found; try later"),
        ("", ""),
        ("ok", "ok"),
    ],
)
def test_a_callbacks_secrets_are_redacted_in_every_usual_form(text: str, shown: str) -> None:
    assert struck(text) == shown


@pytest.mark.parametrize("text", ["/services/T000/B000/XXXXyyyyZZZZ", "XXXXyyyyZZZZ", "T000/B000/XXXX", "b000"])
def test_a_webhooks_path_and_its_parts_are_redacted(text: str) -> None:
    assert struck(f"at {text}.", WEBHOOK) == "at •••."


def test_a_bots_token_is_redacted_for_every_channel() -> None:
    assert struck("Bearer xoxb-123-Secret-token", SlackChannel(channel="C0123ABCD")) == "Bearer •••"


def test_a_long_text_without_a_secret_is_unchanged() -> None:
    text = "The receiver is being restarted; it will be back in a minute. " * 10

    assert struck(text) == text


# From a receiver's response to the API


@pytest.mark.anyio
async def test_a_word_of_slacks_response_that_is_part_of_the_url_is_redacted() -> None:
    response = b"HTTP/1.1 403 No\r\ncontent-length: 11\r\n\r\nsecret_word"
    async with receiving(says(response)) as receiver, Egress(receiver.rules, slots=1) as egress:
        result = await send(
            SlackWebhook(url=Secret(f"http://127.0.0.1:{receiver.port}/services/secret_word")),
            "{}",
            message_id="ntf_1",
            client="crm",
            now=lambda: 0,
            named={},
            sender=Sender(signing=Signing((Secret(SECRET),), ())),
            egress=egress,
        )

    assert result == JudgedResult(verdict=Rejected("HTTP 403: •••"), status=403, excerpt="•••")


NAMED = "/inbox/callbacks/Zm9vYmFyYmF6"


@pytest.fixture
async def world(redis_url: str, sandbox_url: str) -> AsyncIterator[World]:
    async with opened(redis_url, sandbox_url, destination("crm", "callback", f"{sandbox_url}{NAMED}")) as world:
        yield world


async def delivered(world: World, key: str) -> str:
    """Send to the named destination, which repeats its path; return the delivery as the API shows it."""
    await world.sandbox.set_answers("Zm9vYmFyYmF6", {"status": 404, "body": f"Cannot POST {NAMED}"})
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    watch = await world.watch(notify=[{"type": "named", "name": "crm"}])
    await world.poll()
    await world.deliver()
    delivery = only((await world.reload(watch))["deliveries"])
    return (await world.api.get(f"/v1/deliveries/{delivery['id']}", headers=bearer(key))).text


@pytest.mark.anyio
async def test_the_response_of_a_named_destination_is_for_admins_and_without_its_path(world: World) -> None:
    lines, root = io.StringIO(), logging.getLogger()
    before = (root.handlers, root.level)
    log.configure("DEBUG", "api", lines)
    try:
        shown = json.loads(await delivered(world, ADMIN_KEY))
    finally:
        root.handlers, root.level = before
        use_plain_log()

    assert [each["answer"] for each in shown["log"]] == ["Cannot POST •••"]
    assert "delivery.attempted" in lines.getvalue()
    assert "Zm9vYmFyYmF6" not in json.dumps(shown) + lines.getvalue()


@pytest.mark.anyio
async def test_other_clients_do_not_read_what_a_named_destination_answered(world: World) -> None:
    shown = json.loads(await delivered(world, CLIENT_KEY))

    assert [(each["status"], each["reason"], each["answer"]) for each in shown["log"]] == [(404, "HTTP 404", "")]
